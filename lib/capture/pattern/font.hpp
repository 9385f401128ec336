#pragma once
#include <array>
#include <cstdint>

namespace campipe::capture::pattern {

constexpr int kGlyphWidth = 5;
constexpr int kGlyphHeight = 7;
constexpr int kGlyphAdvance = kGlyphWidth + 1;  ///< from one character to the next, before scaling

/// Seven rows from the top, five bits each, bit 4 the leftmost. Digits, capital letters (small ones look the same) and
/// space . : - / #; anything else is a small box.
const std::array<std::uint8_t, kGlyphHeight>& glyph(char c) noexcept;

}  // namespace campipe::capture::pattern
