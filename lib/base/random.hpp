#pragma once
#include <cstdint>
#include <string>

namespace campipe {

/// From the kernel's generator: fit for SSRCs, session ids and jitter alike.
std::uint32_t random_u32();
std::uint64_t random_u64();
/// Lower-case hex, two digits a byte.
std::string random_hex(int bytes);

}  // namespace campipe
