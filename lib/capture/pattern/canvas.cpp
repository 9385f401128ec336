#include "capture/pattern/canvas.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "capture/pattern/font.hpp"

namespace campipe::capture::pattern {

using media::PixelFormat;

namespace {

struct Yuv {
  std::uint8_t y, u, v;
};

/// BT.601, limited range, in 16 bit fixed point.
Yuv yuv(Colour c) noexcept {
  const int r = c.r, g = c.g, b = c.b;
  return {static_cast<std::uint8_t>(16 + ((16829 * r + 33039 * g + 6416 * b + 32768) >> 16)),
          static_cast<std::uint8_t>(128 + ((-9714 * r - 19070 * g + 28784 * b + 32768) >> 16)),
          static_cast<std::uint8_t>(128 + ((28784 * r - 24103 * g - 4681 * b + 32768) >> 16))};
}

Rect clip(const Rect& rect, Size size) noexcept {
  const int left = std::max(rect.x, 0), top = std::max(rect.y, 0);
  const int right = std::min(rect.x + rect.width, size.width_px),
            bottom = std::min(rect.y + rect.height, size.height_px);
  return {left, top, right - left, bottom - top};
}

}  // namespace

bool Canvas::can_draw(PixelFormat format) noexcept {
  return format == PixelFormat::yuv420p || format == PixelFormat::nv12 || format == PixelFormat::yuyv422 ||
         format == PixelFormat::rgb24 || format == PixelFormat::bgr24;
}

Canvas::Canvas(PixelFormat format, Size size, std::span<std::byte> picture) : format_(format), size_(size) {
  auto* at = reinterpret_cast<std::uint8_t*>(picture.data());
  for (int i = 0; i < media::info(format).planes; ++i) {
    planes_[i] = at;
    strides_[i] = media::row_bytes(format, i, size.width_px);
    at += strides_[i] * static_cast<std::size_t>(media::plane_rows(format, i, size.height_px));
  }
}

void Canvas::fill(Rect rect, Colour colour) {
  rect = clip(rect, size_);
  if (rect.width <= 0 || rect.height <= 0) return;
  if (format_ == PixelFormat::yuyv422) return fill_yuyv(rect, colour);
  if (format_ == PixelFormat::rgb24 || format_ == PixelFormat::bgr24) return fill_rgb(rect, colour);
  fill_planar(rect, colour);
}

void Canvas::fill_planar(const Rect& rect, Colour colour) {
  const Yuv c = yuv(colour);
  for (int y = rect.y; y < rect.y + rect.height; ++y) {
    std::memset(plane(0) + static_cast<std::size_t>(y) * strides_[0] + rect.x, c.y,
                static_cast<std::size_t>(rect.width));
  }
  const int first = rect.x / 2, count = (rect.x + rect.width + 1) / 2 - first;
  for (int y = rect.y / 2; y < (rect.y + rect.height + 1) / 2; ++y) {
    const std::size_t row = static_cast<std::size_t>(y) * strides_[1];
    if (format_ == PixelFormat::nv12) {
      std::uint8_t* uv = plane(1) + row + static_cast<std::size_t>(first) * 2;
      for (int i = 0; i < count; ++i) {
        *uv++ = c.u;
        *uv++ = c.v;
      }
    } else {
      std::memset(plane(1) + row + first, c.u, static_cast<std::size_t>(count));
      std::memset(plane(2) + row + first, c.v, static_cast<std::size_t>(count));
    }
  }
}

void Canvas::fill_yuyv(const Rect& rect, Colour colour) {
  const Yuv c = yuv(colour);
  for (int y = rect.y; y < rect.y + rect.height; ++y) {
    std::uint8_t* row = plane(0) + static_cast<std::size_t>(y) * strides_[0];
    for (int x = rect.x; x < rect.x + rect.width; ++x) {
      std::uint8_t* pair = row + static_cast<std::size_t>(x / 2) * 4;
      pair[(x & 1) * 2] = c.y;
      pair[1] = c.u;
      pair[3] = c.v;
    }
  }
}

void Canvas::fill_rgb(const Rect& rect, Colour colour) {
  const bool bgr = format_ == PixelFormat::bgr24;
  for (int y = rect.y; y < rect.y + rect.height; ++y) {
    std::uint8_t* at = plane(0) + static_cast<std::size_t>(y) * strides_[0] + static_cast<std::size_t>(rect.x) * 3;
    for (int x = 0; x < rect.width; ++x, at += 3) {
      at[0] = bgr ? colour.b : colour.r;
      at[1] = colour.g;
      at[2] = bgr ? colour.r : colour.b;
    }
  }
}

void Canvas::disc(int centre_x, int centre_y, int radius_px, Colour colour) {
  for (int y = -radius_px; y <= radius_px; ++y) {
    const int half = static_cast<int>(std::sqrt(static_cast<double>(radius_px * radius_px - y * y)));
    fill({centre_x - half, centre_y + y, 2 * half + 1, 1}, colour);
  }
}

void Canvas::text(int x, int y, int scale, std::string_view text, Colour colour) {
  for (const char c : text) {
    const auto& rows = glyph(c);
    for (int row = 0; row < kGlyphHeight; ++row) {
      for (int column = 0; column < kGlyphWidth; ++column) {
        if ((rows[static_cast<std::size_t>(row)] >> (kGlyphWidth - 1 - column)) & 1) {
          fill({x + column * scale, y + row * scale, scale, scale}, colour);
        }
      }
    }
    x += kGlyphAdvance * scale;
  }
}

}  // namespace campipe::capture::pattern
