#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/expected.hpp"
#include "rtp/packetizer.hpp"

namespace campipe::rtp {

/// What RFC 2435 says of a picture in place of its JPEG headers.
struct JpegScan {
  std::uint8_t type = 1;   ///< 0: 4:2:2, 1: 4:2:0 (4.1); without the 64 for restart markers
  std::uint8_t width = 0;  ///< in 8-pixel blocks, rounded up
  std::uint8_t height = 0;
  std::uint16_t restart_interval = 0;   ///< MCUs, 0 = none
  std::array<std::byte, 128> tables{};  ///< luma, chroma; zigzag order as in DQT
  std::span<const std::byte> data;      ///< entropy-coded, without EOI
};

/// Reads the headers of a baseline image and checks that a receiver can rebuild them. Distrusts every length.
/// @param image  borrowed by the answer.
Expected<JpegScan, RtpError> read_jpeg_scan(std::span<const std::byte> image);

}  // namespace campipe::rtp
