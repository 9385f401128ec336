#pragma once
#include <memory>

#include "media/picture.hpp"

namespace campipe::jpeg {

/// YUV planes to baseline JPEG with the standard Huffman tables (RTP's RFC 2435 and cameras' players need those). One
/// instance per thread.
class Encoder {
public:
  explicit Encoder(int quality);  ///< 1 to 100, libjpeg's scale
  ~Encoder();
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  /// @param picture  yuv420p, yuv422p, yuv444p (full-range BT.601: what a JPEG is defined to hold) or gray; chroma must
  /// fit
  ///                 the size (even width, for yuv420p even height). Throws Error(internal) for others.
  media::Payload encode(const media::Picture& picture);

private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace campipe::jpeg
