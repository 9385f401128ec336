#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/units.hpp"

/// The test pattern's frame number in a form that machines read back, after scaling and lossy coding too.
///
/// A strip at the top of the picture, max(8, height / 18 rounded down to even) rows high, in 40 equal cells across the
/// width: white, black, the 32 bits of the number (most significant first, white = 1), 4 bits of check (the XOR of the
/// number's eight nibbles), black, white. Readers take the luma at the cells' centres, threshold 128.
namespace campipe::media {

int counter_strip_rows(int height_px) noexcept;

/// @param luma   8-bit samples, rows `stride_bytes` apart, at least counter_strip_rows(height) of them.
/// @param black, white  16 and 235 in limited range, 0 and 255 in full.
void draw_counter_strip(std::span<std::byte> luma, std::size_t stride_bytes, Size size, std::uint32_t counter,
                        std::uint8_t black, std::uint8_t white) noexcept;

/// Nothing when frame or check do not fit: no strip, or another one mixed into it.
std::optional<std::uint32_t> read_counter_strip(std::span<const std::byte> luma, std::size_t stride_bytes,
                                                Size size) noexcept;

}  // namespace campipe::media
