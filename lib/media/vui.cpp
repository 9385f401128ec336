#include "media/vui.hpp"

#include <numeric>

namespace campipe::media {

namespace {

constexpr std::uint32_t kExtendedSar = 255;
constexpr std::uint64_t kMaxRate = 1000;

ColourMatrix matrix_of(std::uint32_t matrix_coefficients) noexcept {  // H.264, table E-5; H.265, table E.5
  switch (matrix_coefficients) {
    case 1:
      return ColourMatrix::bt709;
    case 5:
    case 6:
      return ColourMatrix::bt601;
    case 9:
    case 10:
      return ColourMatrix::bt2020;
    default:
      return ColourMatrix::unknown;
  }
}

}  // namespace

bool read_crop(BitReader& in, int x_unit, int y_unit, Size& size) {
  const std::uint64_t left = in.ue(), right = in.ue(), top = in.ue(), bottom = in.ue();
  const std::uint64_t x = (left + right) * static_cast<std::uint64_t>(x_unit);
  const std::uint64_t y = (top + bottom) * static_cast<std::uint64_t>(y_unit);
  if (!in.ok() || x >= static_cast<std::uint64_t>(size.width_px) || y >= static_cast<std::uint64_t>(size.height_px)) {
    return false;
  }
  size.width_px -= static_cast<int>(x);
  size.height_px -= static_cast<int>(y);
  return true;
}

void read_vui_colour(BitReader& in, ColourRange& range, ColourMatrix& matrix) {
  if (in.flag() && in.bits(8) == kExtendedSar) in.skip(32);
  if (in.flag()) in.skip(1);  // overscan_appropriate_flag
  if (in.flag()) {
    in.skip(3);  // video_format
    const bool full = in.flag();
    const bool has_description = in.flag();
    if (in.ok()) range = full ? ColourRange::full : ColourRange::limited;
    if (has_description) {
      in.skip(16);  // colour_primaries, transfer_characteristics
      matrix = matrix_of(in.bits(8));
    }
  }
  if (in.flag()) in.ue(), in.ue();  // chroma sample location
}

Rational vui_frame_rate(std::uint64_t scale, std::uint64_t units) noexcept {
  if (scale == 0 || units == 0 || scale > units * kMaxRate) return {};
  const std::uint64_t common = std::gcd(scale, units);
  return {static_cast<std::int64_t>(scale / common), static_cast<std::int64_t>(units / common)};
}

}  // namespace campipe::media
