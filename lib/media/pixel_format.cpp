#include "media/pixel_format.hpp"

namespace campipe::media {

namespace {

constexpr PlaneLayout kFull{1, 1, 1};
constexpr std::array<PixelFormatInfo, 19> kFormats{{
    {PixelFormat::none, "none", 0, {}, false},
    {PixelFormat::yuv420p, "yuv420p", 3, {kFull, {2, 2, 1}, {2, 2, 1}}, true},
    {PixelFormat::yuv422p, "yuv422p", 3, {kFull, {2, 1, 1}, {2, 1, 1}}, true},
    {PixelFormat::yuv444p, "yuv444p", 3, {kFull, kFull, kFull}, true},
    {PixelFormat::nv12, "nv12", 2, {kFull, {2, 2, 2}}, true},
    {PixelFormat::nv21, "nv21", 2, {kFull, {2, 2, 2}}, true},
    {PixelFormat::nv16, "nv16", 2, {kFull, {2, 1, 2}}, true},
    {PixelFormat::yuyv422, "yuyv422", 1, {PlaneLayout{2, 1, 4}}, true},
    {PixelFormat::uyvy422, "uyvy422", 1, {PlaneLayout{2, 1, 4}}, true},
    {PixelFormat::yvyu422, "yvyu422", 1, {PlaneLayout{2, 1, 4}}, true},
    {PixelFormat::gray, "gray", 1, {kFull}, true},
    {PixelFormat::gray16le, "gray16le", 1, {PlaneLayout{1, 1, 2}}, true},
    {PixelFormat::rgb24, "rgb24", 1, {PlaneLayout{1, 1, 3}}, false},
    {PixelFormat::bgr24, "bgr24", 1, {PlaneLayout{1, 1, 3}}, false},
    {PixelFormat::rgba, "rgba", 1, {PlaneLayout{1, 1, 4}}, false},
    {PixelFormat::bgra, "bgra", 1, {PlaneLayout{1, 1, 4}}, false},
    {PixelFormat::rgb0, "rgb0", 1, {PlaneLayout{1, 1, 4}}, false},
    {PixelFormat::bgr0, "bgr0", 1, {PlaneLayout{1, 1, 4}}, false},
    {PixelFormat::rgb565le, "rgb565le", 1, {PlaneLayout{1, 1, 2}}, false},
}};

int divide_up(int value, int by) noexcept {
  return (value + by - 1) / by;
}

}  // namespace

const PixelFormatInfo& info(PixelFormat format) noexcept {
  return kFormats[static_cast<std::size_t>(format)];
}
std::string_view name(PixelFormat format) noexcept {
  return info(format).name;
}

std::optional<PixelFormat> pixel_format_by_name(std::string_view name) noexcept {
  for (const PixelFormatInfo& entry : kFormats) {
    if (entry.name == name && entry.format != PixelFormat::none) return entry.format;
  }
  return std::nullopt;
}

std::size_t row_bytes(PixelFormat format, int plane, int width_px) noexcept {
  const PlaneLayout& layout = info(format).plane[static_cast<std::size_t>(plane)];
  return static_cast<std::size_t>(divide_up(width_px, layout.x_div)) *
         static_cast<std::size_t>(layout.bytes_per_sample);
}

int plane_rows(PixelFormat format, int plane, int height_px) noexcept {
  return divide_up(height_px, info(format).plane[static_cast<std::size_t>(plane)].y_div);
}

std::size_t picture_bytes(PixelFormat format, Size size) noexcept {
  if (size.width_px <= 0 || size.height_px <= 0) return 0;
  std::size_t bytes = 0;
  for (int plane = 0; plane < info(format).planes; ++plane) {
    bytes +=
        row_bytes(format, plane, size.width_px) * static_cast<std::size_t>(plane_rows(format, plane, size.height_px));
  }
  return bytes;
}

}  // namespace campipe::media
