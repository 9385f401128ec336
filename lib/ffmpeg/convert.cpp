#include "ffmpeg/convert.hpp"

#include <array>
#include <utility>

namespace campipe::ffmpeg {

namespace {

using media::PixelFormat;

constexpr std::array<std::pair<PixelFormat, AVPixelFormat>, 18> kFormats{{
    {PixelFormat::yuv420p, AV_PIX_FMT_YUV420P},
    {PixelFormat::yuv422p, AV_PIX_FMT_YUV422P},
    {PixelFormat::yuv444p, AV_PIX_FMT_YUV444P},
    {PixelFormat::nv12, AV_PIX_FMT_NV12},
    {PixelFormat::nv21, AV_PIX_FMT_NV21},
    {PixelFormat::nv16, AV_PIX_FMT_NV16},
    {PixelFormat::yuyv422, AV_PIX_FMT_YUYV422},
    {PixelFormat::uyvy422, AV_PIX_FMT_UYVY422},
    {PixelFormat::yvyu422, AV_PIX_FMT_YVYU422},
    {PixelFormat::gray, AV_PIX_FMT_GRAY8},
    {PixelFormat::gray16le, AV_PIX_FMT_GRAY16LE},
    {PixelFormat::rgb24, AV_PIX_FMT_RGB24},
    {PixelFormat::bgr24, AV_PIX_FMT_BGR24},
    {PixelFormat::rgba, AV_PIX_FMT_RGBA},
    {PixelFormat::bgra, AV_PIX_FMT_BGRA},
    {PixelFormat::rgb0, AV_PIX_FMT_RGB0},
    {PixelFormat::bgr0, AV_PIX_FMT_BGR0},
    {PixelFormat::rgb565le, AV_PIX_FMT_RGB565LE},
}};

}  // namespace

AVPixelFormat to_av(PixelFormat format) noexcept {
  for (const auto& [ours, theirs] : kFormats) {
    if (ours == format) return theirs;
  }
  return AV_PIX_FMT_NONE;
}

std::optional<KnownFormat> from_av(int av_pixel_format) noexcept {
  switch (av_pixel_format) {
    case AV_PIX_FMT_YUVJ420P:
      return KnownFormat{PixelFormat::yuv420p, true};
    case AV_PIX_FMT_YUVJ422P:
      return KnownFormat{PixelFormat::yuv422p, true};
    case AV_PIX_FMT_YUVJ444P:
      return KnownFormat{PixelFormat::yuv444p, true};
    default:
      break;
  }
  for (const auto& [ours, theirs] : kFormats) {
    if (theirs == av_pixel_format) return KnownFormat{ours, false};
  }
  return std::nullopt;
}

AVColorRange to_av(media::ColourRange range) noexcept {
  switch (range) {
    case media::ColourRange::full:
      return AVCOL_RANGE_JPEG;
    case media::ColourRange::limited:
      return AVCOL_RANGE_MPEG;
    case media::ColourRange::unknown:
      break;
  }
  return AVCOL_RANGE_UNSPECIFIED;
}

media::ColourRange range_from_av(AVColorRange range) noexcept {
  if (range == AVCOL_RANGE_JPEG) return media::ColourRange::full;
  return range == AVCOL_RANGE_MPEG ? media::ColourRange::limited : media::ColourRange::unknown;
}

AVColorSpace to_av(media::ColourMatrix matrix) noexcept {
  switch (matrix) {
    case media::ColourMatrix::bt601:
      return AVCOL_SPC_SMPTE170M;
    case media::ColourMatrix::bt709:
      return AVCOL_SPC_BT709;
    case media::ColourMatrix::bt2020:
      return AVCOL_SPC_BT2020_NCL;
    case media::ColourMatrix::unknown:
      break;
  }
  return AVCOL_SPC_UNSPECIFIED;
}

media::ColourMatrix matrix_from_av(AVColorSpace space) noexcept {
  switch (space) {
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
      return media::ColourMatrix::bt601;
    case AVCOL_SPC_BT709:
      return media::ColourMatrix::bt709;
    case AVCOL_SPC_BT2020_NCL:
      return media::ColourMatrix::bt2020;
    default:
      return media::ColourMatrix::unknown;
  }
}

}  // namespace campipe::ffmpeg
