#pragma once
extern "C" {
#include <libavutil/pixfmt.h>
}

#include <optional>

#include "media/format.hpp"

/// Our names against FFmpeg's. For the adapters in this folder only.
namespace campipe::ffmpeg {

AVPixelFormat to_av(media::PixelFormat format) noexcept;

struct KnownFormat {
  media::PixelFormat format;
  bool full_range;  ///< the old yuvj formats say it in their name
};
std::optional<KnownFormat> from_av(int av_pixel_format) noexcept;

AVColorRange to_av(media::ColourRange range) noexcept;
media::ColourRange range_from_av(AVColorRange range) noexcept;
AVColorSpace to_av(media::ColourMatrix matrix) noexcept;
media::ColourMatrix matrix_from_av(AVColorSpace space) noexcept;

}  // namespace campipe::ffmpeg
