#pragma once
#include <memory>

#include "media/picture.hpp"

namespace campipe::ffmpeg {

/// Scales and converts pictures with swscale; keeps its tables as long as the kind of picture stays. One per thread.
class Scaler {
public:
  Scaler();
  ~Scaler();
  Scaler(const Scaler&) = delete;
  Scaler& operator=(const Scaler&) = delete;

  /// The picture in another size and pixel format (area averaging down, bicubic up). YUV to YUV keeps range and matrix;
  /// between YUV and RGB the picture's own are used (unknown: limited, BT.601), and RGB becomes limited BT.601.
  /// Throws Error(internal) when swscale cannot.
  media::Picture scale(const media::Picture& picture, Size size, media::PixelFormat format);

private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace campipe::ffmpeg
