#pragma once
#include <array>
#include <cstdint>

namespace campipe::ring::kernel {

/// The process's own name, as ps shows it, for people who look at a ring.
std::array<std::uint64_t, 2> own_command() noexcept;

}  // namespace campipe::ring::kernel
