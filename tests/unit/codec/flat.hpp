#pragma once
#include <array>
#include <cstdint>

#include "media/picture.hpp"

namespace campipe::test {

/// A picture of which each pixel is the same: Y, U and V, or R, G and B (alpha and padding 255).
inline media::Picture flat(media::PixelFormat format, Size size, std::array<int, 3> pixel) {
  using enum media::PixelFormat;
  const auto [a, b, c] = pixel;
  std::array<int, 4> first{a, a, a, a};  ///< four bytes of plane 0, again and again
  std::array<int, 2> second{b, b};       ///< two bytes of plane 1
  std::size_t step = 4;
  switch (format) {
    case yuyv422:
      first = {a, b, a, c};
      break;
    case yvyu422:
      first = {a, c, a, b};
      break;
    case uyvy422:
      first = {b, a, c, a};
      break;
    case nv12:
    case nv16:
      second = {b, c};
      break;
    case nv21:
      second = {c, b};
      break;
    case gray16le:
      first = {17, a, 200, a};  // the low bytes do not count
      break;
    case rgb24:
      first = {a, b, c, 0};
      step = 3;
      break;
    case bgr24:
      first = {c, b, a, 0};
      step = 3;
      break;
    case rgba:
    case rgb0:
      first = {a, b, c, 255};
      break;
    case bgra:
    case bgr0:
      first = {c, b, a, 255};
      break;
    case rgb565le: {
      const int word = (a >> 3) << 11 | (b >> 2) << 5 | c >> 3;
      first = {word & 0xFF, word >> 8, word & 0xFF, word >> 8};
      break;
    }
    default:
      break;
  }
  media::BufferPool pool;
  auto canvas = media::make_canvas(pool, format, size, 32);
  for (int p = 0; p < media::info(format).planes; ++p) {
    const auto plane = static_cast<std::size_t>(p);
    const auto row = static_cast<std::size_t>(canvas.picture.stride_bytes[plane]);
    for (int y = 0; y < media::plane_rows(format, p, size.height_px); ++y) {
      std::byte* to = canvas.plane[plane] + static_cast<std::size_t>(y) * row;
      for (std::size_t i = 0; i < row; ++i) {
        to[i] = static_cast<std::byte>(p == 0 ? first[i % step] : (p == 1 ? second[i % 2] : c));
      }
    }
  }
  return std::move(canvas).done();
}

}  // namespace campipe::test
