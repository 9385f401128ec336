#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

#include "media/picture.hpp"

namespace campipe::test {

inline std::uint8_t byte_at(const media::Picture& picture, std::size_t plane, int x, int y) {
  return static_cast<std::uint8_t>(picture.plane[plane][std::ptrdiff_t{y} * picture.stride_bytes[plane] + x]);
}

struct Rgb {
  int r, g, b;
};

/// A smooth scene with all hues and greys, the same at every size.
inline Rgb scene(double x, double y) {
  const auto wave = [](double v) { return static_cast<int>(std::lround(127.5 + 127.5 * std::sin(v))); };
  if (y < 0.25) return {static_cast<int>(x * 255), static_cast<int>(x * 255), static_cast<int>(x * 255)};
  return {wave(x * 6.28), wave(x * 6.28 + 2.1 + y), wave(x * 6.28 + 4.2 - y)};
}

inline media::Picture rgb_scene(media::BufferPool& pool, Size size) {
  auto canvas = media::make_canvas(pool, media::PixelFormat::rgb24, size);
  std::byte* out = canvas.plane[0];
  for (int y = 0; y < size.height_px; ++y) {
    for (int x = 0; x < size.width_px; ++x) {
      const Rgb c = scene(static_cast<double>(x) / size.width_px, static_cast<double>(y) / size.height_px);
      for (const int v : {c.r, c.g, c.b}) *out++ = static_cast<std::byte>(v);
    }
  }
  return std::move(canvas).done();
}

/// Mean square error of two pictures of the same format over all their bytes, as PSNR in dB; 99 when they are equal.
inline double psnr(const media::Picture& a, const media::Picture& b) {
  double sum = 0;
  std::size_t count = 0;
  for (int p = 0; p < media::info(a.format).planes; ++p) {
    const auto width = static_cast<int>(media::row_bytes(a.format, p, a.size.width_px));
    for (int y = 0; y < media::plane_rows(a.format, p, a.size.height_px); ++y) {
      for (int x = 0; x < width; ++x, ++count) {
        const double d = byte_at(a, static_cast<std::size_t>(p), x, y) - byte_at(b, static_cast<std::size_t>(p), x, y);
        sum += d * d;
      }
    }
  }
  return sum == 0 ? 99.0 : 10 * std::log10(255.0 * 255.0 * static_cast<double>(count) / sum);
}

}  // namespace campipe::test
