#include "capture/v4l2/formats.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include <linux/videodev2.h>

namespace campipe::capture::v4l2 {

using media::PixelFormat;
using media::VideoCodec;

namespace {

// Packed RGB names in V4L2 tell the order in memory, or of a big-endian word: read videodev2.h's comments, not the
// names.
constexpr std::array kFormats{
    DeviceFormat{V4L2_PIX_FMT_MJPEG, VideoCodec::mjpeg},
    DeviceFormat{V4L2_PIX_FMT_JPEG, VideoCodec::mjpeg},
    DeviceFormat{V4L2_PIX_FMT_H264, VideoCodec::h264},
    DeviceFormat{V4L2_PIX_FMT_HEVC, VideoCodec::h265},
    DeviceFormat{V4L2_PIX_FMT_NV12, VideoCodec::raw, PixelFormat::nv12, false, false, 0},
    DeviceFormat{V4L2_PIX_FMT_NV12M, VideoCodec::raw, PixelFormat::nv12, false, true, 0},
    DeviceFormat{V4L2_PIX_FMT_YUV420, VideoCodec::raw, PixelFormat::yuv420p, false, false, 0},
    DeviceFormat{V4L2_PIX_FMT_YUV420M, VideoCodec::raw, PixelFormat::yuv420p, false, true, 0},
    DeviceFormat{V4L2_PIX_FMT_YVU420, VideoCodec::raw, PixelFormat::yuv420p, true, false, 1},
    DeviceFormat{V4L2_PIX_FMT_YVU420M, VideoCodec::raw, PixelFormat::yuv420p, true, true, 1},
    DeviceFormat{V4L2_PIX_FMT_NV21, VideoCodec::raw, PixelFormat::nv21, false, false, 1},
    DeviceFormat{V4L2_PIX_FMT_NV21M, VideoCodec::raw, PixelFormat::nv21, false, true, 1},
    DeviceFormat{V4L2_PIX_FMT_YUYV, VideoCodec::raw, PixelFormat::yuyv422, false, false, 2},
    DeviceFormat{V4L2_PIX_FMT_UYVY, VideoCodec::raw, PixelFormat::uyvy422, false, false, 2},
    DeviceFormat{V4L2_PIX_FMT_YVYU, VideoCodec::raw, PixelFormat::yvyu422, false, false, 3},
    DeviceFormat{V4L2_PIX_FMT_YUV422P, VideoCodec::raw, PixelFormat::yuv422p, false, false, 2},
    DeviceFormat{V4L2_PIX_FMT_YUV422M, VideoCodec::raw, PixelFormat::yuv422p, false, true, 2},
    DeviceFormat{V4L2_PIX_FMT_YUV444M, VideoCodec::raw, PixelFormat::yuv444p, false, true, 4},
    DeviceFormat{V4L2_PIX_FMT_NV16, VideoCodec::raw, PixelFormat::nv16, false, false, 2},
    DeviceFormat{V4L2_PIX_FMT_NV16M, VideoCodec::raw, PixelFormat::nv16, false, true, 2},
    DeviceFormat{V4L2_PIX_FMT_BGR24, VideoCodec::raw, PixelFormat::bgr24, false, false, 5},
    DeviceFormat{V4L2_PIX_FMT_RGB24, VideoCodec::raw, PixelFormat::rgb24, false, false, 5},
    DeviceFormat{V4L2_PIX_FMT_XBGR32, VideoCodec::raw, PixelFormat::bgr0, false, false, 6},
    DeviceFormat{V4L2_PIX_FMT_BGR32, VideoCodec::raw, PixelFormat::bgr0, false, false, 6},
    DeviceFormat{V4L2_PIX_FMT_ABGR32, VideoCodec::raw, PixelFormat::bgra, false, false, 6},
    DeviceFormat{V4L2_PIX_FMT_RGBX32, VideoCodec::raw, PixelFormat::rgb0, false, false, 6},
    DeviceFormat{V4L2_PIX_FMT_RGBA32, VideoCodec::raw, PixelFormat::rgba, false, false, 6},
    DeviceFormat{V4L2_PIX_FMT_RGB565, VideoCodec::raw, PixelFormat::rgb565le, false, false, 7},
    DeviceFormat{V4L2_PIX_FMT_GREY, VideoCodec::raw, PixelFormat::gray, false, false, 8},
    DeviceFormat{V4L2_PIX_FMT_Y16, VideoCodec::raw, PixelFormat::gray16le, false, false, 9},
};

std::string lower(std::string_view word) {
  std::string text(word);
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

struct Alias {
  std::string_view word;
  std::string_view means;
};
constexpr std::array kAliases{Alias{"mjpg", "mjpeg"},   Alias{"jpeg", "mjpeg"},   Alias{"hevc", "h265"},
                              Alias{"yuyv", "yuyv422"}, Alias{"yuy2", "yuyv422"}, Alias{"uyvy", "uyvy422"},
                              Alias{"yvyu", "yvyu422"}, Alias{"i420", "yuv420p"}, Alias{"grey", "gray"},
                              Alias{"rgb", "rgb24"},    Alias{"bgr", "bgr24"},    Alias{"rgb565", "rgb565le"}};

}  // namespace

std::span<const DeviceFormat> device_formats() noexcept {
  return kFormats;
}

const DeviceFormat* find_device_format(std::uint32_t fourcc) noexcept {
  const auto* found = std::ranges::find(kFormats, fourcc, &DeviceFormat::fourcc);
  return found == kFormats.end() ? nullptr : found;
}

std::string fourcc_text(std::uint32_t fourcc) {
  std::string text;
  for (int i = 0; i < 4; ++i) {
    const auto c = static_cast<unsigned char>((fourcc >> (8 * i)) & (i == 3 ? 0x7f : 0xff));  // the top bit: big-endian
    text += std::isprint(c) != 0 ? static_cast<char>(c) : '?';
  }
  while (text.size() > 1 && text.back() == ' ') text.pop_back();
  return text;
}

bool FormatWish::matches(const DeviceFormat& format) const noexcept {
  return (!codec || *codec == format.codec) &&
         (pixel_format == PixelFormat::none || pixel_format == format.pixel_format) &&
         (fourcc == 0 || fourcc == format.fourcc);
}

std::optional<FormatWish> parse_format_wish(std::string_view word) {
  std::string text = lower(word);
  for (const Alias& alias : kAliases) {
    if (text == alias.word) text = alias.means;
  }
  FormatWish wish;
  for (const VideoCodec codec : {VideoCodec::raw, VideoCodec::mjpeg, VideoCodec::h264, VideoCodec::h265}) {
    if (text == media::name(codec)) {
      wish.codec = codec;
      return wish;
    }
  }
  if (const auto pixel_format = media::pixel_format_by_name(text)) {
    wish.codec = VideoCodec::raw;
    wish.pixel_format = *pixel_format;
    return wish;
  }
  for (const DeviceFormat& format : kFormats) {
    if (lower(fourcc_text(format.fourcc)) == text) {
      wish.fourcc = format.fourcc;
      return wish;
    }
  }
  return std::nullopt;
}

}  // namespace campipe::capture::v4l2
