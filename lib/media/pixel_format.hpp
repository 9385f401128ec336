#pragma once
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "base/units.hpp"

namespace campipe::media {

/// Layouts of raw pictures. Names are FFmpeg's. Fourccs are known at the borders only (V4L2 in capture/, NUT in wire/).
enum class PixelFormat {
  none,
  yuv420p,
  yuv422p,
  yuv444p,
  nv12,
  nv21,
  nv16,
  yuyv422,
  uyvy422,
  yvyu422,
  gray,
  gray16le,
  rgb24,
  bgr24,
  rgba,
  bgra,
  rgb0,
  bgr0,
  rgb565le,
};

/// How one plane of a format is laid out in a picture: a plane's row has ceil(width / x_div) * bytes_per_sample bytes,
/// and there are ceil(height / y_div) rows.
struct PlaneLayout {
  int x_div = 1;
  int y_div = 1;
  int bytes_per_sample = 1;
};

struct PixelFormatInfo {
  PixelFormat format;
  std::string_view name;
  int planes;
  std::array<PlaneLayout, 3> plane;
  bool is_yuv;
};

const PixelFormatInfo& info(PixelFormat format) noexcept;
std::string_view name(PixelFormat format) noexcept;
std::optional<PixelFormat> pixel_format_by_name(std::string_view name) noexcept;

/// Bytes of a tight row and number of rows of plane `plane`.
std::size_t row_bytes(PixelFormat format, int plane, int width_px) noexcept;
int plane_rows(PixelFormat format, int plane, int height_px) noexcept;

/// Bytes of a picture with tight planes, one after the other: what a pipe carries. 0 for `none` or an empty size.
std::size_t picture_bytes(PixelFormat format, Size size) noexcept;

}  // namespace campipe::media
