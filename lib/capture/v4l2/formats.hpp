#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "media/format.hpp"

namespace campipe::capture::v4l2 {

/// What a V4L2 pixel format is to us.
struct DeviceFormat {
  std::uint32_t fourcc = 0;
  media::VideoCodec codec = media::VideoCodec::raw;
  media::PixelFormat pixel_format = media::PixelFormat::none;  ///< raw only
  bool swap_chroma = false;   ///< planar with V before U (YV12); put in order while copying
  bool split_planes = false;  ///< each plane in a memory plane of its own (NM12)
  int preference = 0;         ///< among raw formats, the smaller the better: cheap to encode first
};

/// All V4L2 formats that a stream can carry.
std::span<const DeviceFormat> device_formats() noexcept;
const DeviceFormat* find_device_format(std::uint32_t fourcc) noexcept;

/// "YUYV", with unprintable bytes as '?' and trailing spaces cut.
std::string fourcc_text(std::uint32_t fourcc);

/// What -f asks for: a codec ("mjpeg", "h264", "h265"), "raw", a pixel format ("yuyv", "nv12", "rgb24") or one
/// device format by its four letters ("YU12").
struct FormatWish {
  std::optional<media::VideoCodec> codec;
  media::PixelFormat pixel_format = media::PixelFormat::none;  ///< none = any of the codec
  std::uint32_t fourcc = 0;                                    ///< 0 = any
  bool matches(const DeviceFormat& format) const noexcept;
};
/// Case does not count. Nothing for a word that is none of these.
std::optional<FormatWish> parse_format_wish(std::string_view word);

}  // namespace campipe::capture::v4l2
