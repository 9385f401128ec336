#include "codec/recolour.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace campipe::codec {

namespace {

using media::ColourMatrix;
using media::ColourRange;

/// How samples stand for values: luma from `black` over `luma_span` steps, chroma around 128 over `chroma_span`.
struct Scale {
  double black, luma_span, chroma_span;
};

Scale scale_of(ColourRange range) noexcept {
  return range == ColourRange::full ? Scale{0, 255, 255} : Scale{16, 219, 224};
}

/// out = (clamp(in, low, high) - low) * factor + offset, in 1/256 and within 16 bits, so that a loop over it is
/// vectorised.
struct Affine {
  std::uint8_t low = 0, high = 255;
  std::uint16_t factor = 256, offset = 128;
};

/// Maps in_low..in_high onto out_low..out_high.
Affine affine(double in_low, double in_high, double out_low, double out_high, bool clamp) {
  Affine map;
  const double factor = (out_high - out_low) / (in_high - in_low);
  if (clamp) {
    map.low = static_cast<std::uint8_t>(in_low);
    map.high = static_cast<std::uint8_t>(in_high);
  }
  map.factor = static_cast<std::uint16_t>(std::lround(factor * 256));
  // Centred, so that the rounded factor errs alike at both ends.
  const double middle = (in_low + in_high) / 2;
  const double at_middle = (out_low + out_high) / 2;
  const double offset = at_middle * 256 + 128 - (middle - map.low) * map.factor;
  const double most = 65535.0 - (map.high - map.low) * map.factor;
  map.offset = static_cast<std::uint16_t>(std::clamp(std::round(offset), 0.0, most));
  return map;
}

void apply(const Affine& map, const std::uint8_t* in, std::uint8_t* out, int count) noexcept {
  const std::uint8_t low = map.low, high = map.high;
  const std::uint16_t factor = map.factor, offset = map.offset;
  for (int i = 0; i < count; ++i) {
    const std::uint8_t limited = std::min(std::max(in[i], low), high);
    const auto above = static_cast<std::uint16_t>(limited - low);
    out[i] = static_cast<std::uint8_t>(static_cast<std::uint16_t>(above * factor + offset) >> 8);
  }
}

struct Weights {
  double red, blue;
};

Weights weights_of(ColourMatrix matrix) noexcept {
  switch (matrix) {
    case ColourMatrix::bt709:
      return {0.2126, 0.0722};
    case ColourMatrix::bt2020:
      return {0.2627, 0.0593};
    default:
      return {0.299, 0.114};
  }
}

/// Y' = Y + luma_cb Cb + luma_cr Cr; Cb' = cb_cb Cb + cb_cr Cr; Cr' = cr_cb Cb + cr_cr Cr. (Grey stays grey.)
struct Mix {
  double luma_cb, luma_cr, cb_cb, cb_cr, cr_cb, cr_cr;
};

Mix mix_of(ColourMatrix from, ColourMatrix to) noexcept {
  const Weights a = weights_of(from);
  const Weights b = weights_of(to);
  const auto column = [&](double cb, double cr) {  // what one chroma vector with Y = 0 becomes
    const double red = 2 * (1 - a.red) * cr;
    const double blue = 2 * (1 - a.blue) * cb;
    const double green = -(a.red * red + a.blue * blue) / (1 - a.red - a.blue);
    const double luma = b.red * red + (1 - b.red - b.blue) * green + b.blue * blue;
    return std::array<double, 3>{luma, (blue - luma) / (2 * (1 - b.blue)), (red - luma) / (2 * (1 - b.red))};
  };
  const auto cb = column(1, 0);
  const auto cr = column(0, 1);
  return {cb[0], cr[0], cb[1], cr[1], cb[2], cr[2]};
}

/// The high half of a product of 16-bit numbers: one instruction on eight or more of them at once.
std::int16_t high_half(std::int16_t a, std::int16_t b) noexcept {
  return static_cast<std::int16_t>((std::int32_t{a} * b) >> 16);
}
std::uint16_t high_half_unsigned(std::uint16_t a, std::uint16_t b) noexcept {
  return static_cast<std::uint16_t>((std::uint32_t{a} * b) >> 16);
}

/// Both at once, for one row of chroma and its two of luma. Values are in 1/64 of a step within 16 bits.
class Mixer {
public:
  Mixer(const Mix& mix, const Scale& from, const Scale& to, int chroma_width)
      : shift_(static_cast<std::size_t>(chroma_width) * 2) {
    const double luma = to.luma_span / from.luma_span;
    const double into_luma = to.luma_span / from.chroma_span;
    const double chroma = to.chroma_span / from.chroma_span;
    luma_ = static_cast<std::uint16_t>(std::lround(luma * 32768));
    luma_offset_ = static_cast<std::int16_t>(std::lround((to.black - from.black * luma + 0.5) * 64));
    luma_cb_ = coefficient(mix.luma_cb * into_luma), luma_cr_ = coefficient(mix.luma_cr * into_luma);
    cb_cb_ = coefficient(mix.cb_cb * chroma), cb_cr_ = coefficient(mix.cb_cr * chroma);
    cr_cb_ = coefficient(mix.cr_cb * chroma), cr_cr_ = coefficient(mix.cr_cr * chroma);
  }

  void chroma_row(const std::uint8_t* u, const std::uint8_t* v, std::uint8_t* u_out, std::uint8_t* v_out) noexcept {
    constexpr std::int16_t kMiddle = 128 * 64 + 32;
    const std::size_t count = shift_.size() / 2;
    std::int16_t* shift = shift_.data();
    for (std::size_t x = 0; x < count; ++x) {
      const auto cb = static_cast<std::int16_t>((u[x] - 128) * 256);
      const auto cr = static_cast<std::int16_t>((v[x] - 128) * 256);
      const auto sum = static_cast<std::int16_t>(high_half(cb, luma_cb_) + high_half(cr, luma_cr_) + luma_offset_);
      shift[2 * x] = sum;
      shift[2 * x + 1] = sum;
      u_out[x] = to_byte(static_cast<std::int16_t>(high_half(cb, cb_cb_) + high_half(cr, cb_cr_) + kMiddle));
      v_out[x] = to_byte(static_cast<std::int16_t>(high_half(cb, cr_cb_) + high_half(cr, cr_cr_) + kMiddle));
    }
  }

  void luma_row(const std::uint8_t* in, std::uint8_t* out, int width) const noexcept {
    const std::int16_t* shift = shift_.data();
    const std::uint16_t luma = luma_;
    for (int x = 0; x < width; ++x) {
      const auto scaled = high_half_unsigned(static_cast<std::uint16_t>(in[x] << 7), luma);
      out[x] = to_byte(static_cast<std::int16_t>(scaled + shift[x]));
    }
  }

private:
  static std::int16_t coefficient(double value) noexcept {
    return static_cast<std::int16_t>(std::lround(value * 16384));
  }
  static std::uint8_t to_byte(std::int16_t value) noexcept {
    const auto whole = static_cast<std::int16_t>(value >> 6);
    return static_cast<std::uint8_t>(std::min<std::int16_t>(std::max<std::int16_t>(whole, 0), 255));
  }

  std::vector<std::int16_t> shift_;
  std::uint16_t luma_ = 0;
  std::int16_t luma_offset_ = 0, luma_cb_ = 0, luma_cr_ = 0, cb_cb_ = 0, cb_cr_ = 0, cr_cb_ = 0, cr_cr_ = 0;
};

const std::uint8_t* row(const media::Picture& picture, std::size_t plane, int y) noexcept {
  return reinterpret_cast<const std::uint8_t*>(picture.plane[plane]) + std::ptrdiff_t{y} * picture.stride_bytes[plane];
}

std::uint8_t* row(media::Canvas& canvas, std::size_t plane, int y) noexcept {
  return reinterpret_cast<std::uint8_t*>(canvas.plane[plane]) + std::ptrdiff_t{y} * canvas.picture.stride_bytes[plane];
}

void change_range(const media::Picture& picture, const Scale& from, const Scale& to, media::Canvas& canvas) {
  const bool clamp =
      from.luma_span < to.luma_span;  // what lies outside of the limited range has no place in the full one
  const Affine luma = affine(from.black, from.black + from.luma_span, to.black, to.black + to.luma_span, clamp);
  const Affine chroma = affine(128 - from.chroma_span / 2, 128 + from.chroma_span / 2, 128 - to.chroma_span / 2,
                               128 + to.chroma_span / 2, clamp);
  for (int p = 0; p < 3; ++p) {
    const auto plane = static_cast<std::size_t>(p);
    const auto width = static_cast<int>(media::row_bytes(picture.format, p, picture.size.width_px));
    for (int y = 0; y < media::plane_rows(picture.format, p, picture.size.height_px); ++y) {
      apply(p == 0 ? luma : chroma, row(picture, plane, y), row(canvas, plane, y), width);
    }
  }
}

void change_matrix(const media::Picture& picture, const Mix& mix, const Scale& from, const Scale& to,
                   media::Canvas& canvas) {
  Mixer mixer(mix, from, to, (picture.size.width_px + 1) / 2);
  for (int y = 0; y < picture.size.height_px; ++y) {
    if (y % 2 == 0)
      mixer.chroma_row(row(picture, 1, y / 2), row(picture, 2, y / 2), row(canvas, 1, y / 2), row(canvas, 2, y / 2));
    mixer.luma_row(row(picture, 0, y), row(canvas, 0, y), picture.size.width_px);
  }
}

}  // namespace

media::Picture recoloured(const media::Picture& picture, ColourRange range, ColourMatrix matrix,
                          media::BufferPool& pool) {
  const ColourRange from_range = picture.range == ColourRange::unknown ? ColourRange::limited : picture.range;
  const ColourRange to_range = range == ColourRange::unknown ? from_range : range;
  const ColourMatrix to_matrix = matrix == ColourMatrix::unknown ? picture.matrix : matrix;
  const ColourMatrix from_matrix = picture.matrix == ColourMatrix::unknown ? to_matrix : picture.matrix;
  if (from_range == to_range && from_matrix == to_matrix) {
    media::Picture same = picture;
    same.range = to_range;
    same.matrix = to_matrix;
    return same;
  }
  media::Canvas canvas = media::make_canvas(pool, picture.format, picture.size, 64);
  if (from_matrix == to_matrix) {
    change_range(picture, scale_of(from_range), scale_of(to_range), canvas);
  } else {
    change_matrix(picture, mix_of(from_matrix, to_matrix), scale_of(from_range), scale_of(to_range), canvas);
  }
  canvas.picture.range = to_range;
  canvas.picture.matrix = to_matrix;
  return std::move(canvas).done();
}

}  // namespace campipe::codec
