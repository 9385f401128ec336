#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace campipe {

/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78; RFC 3720, B.4). `crc` continues an earlier result.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t crc = 0) noexcept;

}  // namespace campipe
