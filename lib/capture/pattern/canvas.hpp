#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/units.hpp"
#include "media/pixel_format.hpp"

namespace campipe::capture::pattern {

struct Colour {
  std::uint8_t r = 0, g = 0, b = 0;
};

struct Rect {
  int x = 0, y = 0, width = 0, height = 0;  ///< px
};

/// Draws filled shapes into a raw picture with tight planes: yuv420p, nv12, yuyv422, rgb24 or bgr24. YUV is BT.601,
/// limited range. Borrows the bytes, which hold media::picture_bytes(format, size). What lies outside is cut off.
class Canvas {
public:
  static bool can_draw(media::PixelFormat format) noexcept;

  Canvas(media::PixelFormat format, Size size, std::span<std::byte> picture);

  void fill(Rect rect, Colour colour);
  void disc(int centre_x, int centre_y, int radius_px, Colour colour);
  /// Text with the upper left corner at x, y; a character takes 6 * scale px by 7 * scale px.
  void text(int x, int y, int scale, std::string_view text, Colour colour);

  Size size() const noexcept { return size_; }

private:
  std::uint8_t* plane(int index) const noexcept { return planes_[index]; }
  void fill_planar(const Rect& rect, Colour colour);
  void fill_yuyv(const Rect& rect, Colour colour);
  void fill_rgb(const Rect& rect, Colour colour);

  media::PixelFormat format_;
  Size size_;
  std::uint8_t* planes_[3] = {};
  std::size_t strides_[3] = {};
};

}  // namespace campipe::capture::pattern
