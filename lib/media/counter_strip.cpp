#include "media/counter_strip.hpp"

#include <algorithm>
#include <cstring>

namespace campipe::media {

namespace {

constexpr int kCells = 40, kBits = 32, kCheckBits = 4;

std::uint32_t check_of(std::uint32_t counter) noexcept {
  std::uint32_t check = 0;
  for (int shift = 0; shift < kBits; shift += kCheckBits) check ^= counter >> shift & 15;
  return check;
}

/// All cells as bits, the first one on top.
std::uint64_t cells_of(std::uint32_t counter) noexcept {
  return std::uint64_t{0b10} << 38 | std::uint64_t{counter} << 6 | check_of(counter) << 2 | 0b01;
}

}  // namespace

int counter_strip_rows(int height_px) noexcept {
  return std::max(8, height_px / 18 / 2 * 2);
}

void draw_counter_strip(std::span<std::byte> luma, std::size_t stride_bytes, Size size, std::uint32_t counter,
                        std::uint8_t black, std::uint8_t white) noexcept {
  const std::uint64_t cells = cells_of(counter);
  const auto width = static_cast<std::size_t>(size.width_px);
  const auto rows = static_cast<std::size_t>(std::min(counter_strip_rows(size.height_px), size.height_px));
  if (size.width_px <= 0 || size.height_px <= 0 || luma.size() < (rows - 1) * stride_bytes + width) return;
  for (int cell = 0; cell < kCells; ++cell) {
    const auto from = static_cast<std::size_t>(cell) * width / kCells,
               to = static_cast<std::size_t>(cell + 1) * width / kCells;
    std::memset(luma.data() + from, (cells >> (kCells - 1 - cell) & 1) != 0 ? white : black, to - from);
  }
  for (std::size_t row = 1; row < rows; ++row) std::memcpy(luma.data() + row * stride_bytes, luma.data(), width);
}

std::optional<std::uint32_t> read_counter_strip(std::span<const std::byte> luma, std::size_t stride_bytes,
                                                Size size) noexcept {
  const auto row = static_cast<std::size_t>(counter_strip_rows(size.height_px) / 2);
  const auto width = static_cast<std::size_t>(std::max(size.width_px, 0));
  if (width < kCells || luma.size() < row * stride_bytes + width) return std::nullopt;
  std::uint64_t cells = 0;
  for (int cell = 0; cell < kCells; ++cell) {
    const auto x = static_cast<std::size_t>(2 * cell + 1) * width / (2 * kCells);
    cells = cells << 1 | (std::to_integer<int>(luma[row * stride_bytes + x]) >= 128 ? 1 : 0);
  }
  const auto counter = static_cast<std::uint32_t>(cells >> 6);
  if (cells != cells_of(counter)) return std::nullopt;
  return counter;
}

}  // namespace campipe::media
