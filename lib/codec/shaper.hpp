#pragma once
#include <optional>

#include "ffmpeg/scaler.hpp"
#include "media/picture.hpp"

namespace campipe::codec {

/// What an encoder wants its pictures to be.
struct Shape {
  media::PixelFormat format = media::PixelFormat::yuv420p;
  Size size;
  media::ColourRange range = media::ColourRange::unknown;     ///< unknown: as it comes
  media::ColourMatrix matrix = media::ColourMatrix::unknown;  ///< unknown: as it comes
};

/// Brings pictures into a shape with as few passes as it takes: libyuv into yuv420p, swscale for the size, one pass for
/// range and matrix, libyuv into what a reader of raw pictures asked for. One per thread.
class Shaper {
public:
  media::Picture shape(const media::Picture& picture, const Shape& wanted);

private:
  media::Picture as_yuv420p(const media::Picture& picture, const Shape& wanted);
  void use_pools_for(const media::Picture& picture, const Shape& wanted);

  ffmpeg::Scaler scaler_;
  std::optional<media::BufferPool> pool_;
  Size from_, to_;
};

}  // namespace campipe::codec
