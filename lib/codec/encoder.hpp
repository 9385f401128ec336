#pragma once
#include <memory>

#include "codec/frame.hpp"
#include "codec/settings.hpp"
#include "codec/shaper.hpp"

namespace campipe::codec {

/// Pictures of one shape to packets: one in, one out, at once. In one thread.
class Encoder {
public:
  virtual ~Encoder() = default;
  virtual const Shape& shape() const = 0;                ///< what encode() takes
  virtual const media::VideoFormat& format() const = 0;  ///< what it makes, parameter sets included
  /// Times, sequence and flags of the frame go on with the packet.
  virtual media::Packet encode(const Frame& frame) = 0;
  /// The next packet shall be a keyframe. For encoders whose packets need each other.
  virtual void force_keyframe() noexcept {}
};

/// @param like    A picture of the kind that will come (before shaping): its size, range and matrix count.
/// @param source  The format it came in.
/// @param rate    What comes after -r; 0/1 when unknown.
/// Throws Error(unavailable) when the encoder is not there.
std::unique_ptr<Encoder> make_encoder(const Settings& settings, const media::Picture& like,
                                      const media::VideoFormat& source, Rational rate);

}  // namespace campipe::codec
