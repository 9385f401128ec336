#pragma once
#include <cstdint>

namespace campipe::serve::test {

/// How many blocks this program has allocated until now, those that are free again included. Counts in all builds:
/// with a sanitizer it is the sanitizer's allocator that tells.
std::uint64_t allocations() noexcept;

}  // namespace campipe::serve::test
