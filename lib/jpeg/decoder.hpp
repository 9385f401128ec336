#pragma once
#include <memory>
#include <span>
#include <string>

#include "base/expected.hpp"
#include "media/picture.hpp"

namespace campipe::jpeg {

/// JPEG to planes of full-range BT.601 YUV as the image has them. One instance per thread.
class Decoder {
public:
  Decoder();
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  /// The picture as yuv420p, yuv422p, yuv444p or gray, by the image's own sampling (4:4:0 and 4:1:1: rgb24), or one
  /// line on why there is none: no JPEG, cut off, damaged (where the decoder would fill in grey), over 16384 pixels a
  /// side or 64 Mpx, CMYK, or a size that so few bytes cannot hold.
  Expected<media::Picture, std::string> decode(std::span<const std::byte> image);

private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace campipe::jpeg
