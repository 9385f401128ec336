#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "codec/frame.hpp"

namespace campipe::codec {

/// Packets of one video format to pictures. In one thread.
class Decoder {
public:
  virtual ~Decoder() = default;

  /// Appends the pictures that are ready, each with its own packet's times, sequence and flags. Answers why a packet
  /// gave none and never will ("premature end of JPEG file"); nothing when all is well or the picture is to come.
  virtual std::optional<std::string> decode(media::Packet packet, std::vector<Frame>& out) = 0;

  /// The pictures that still wait for their order.
  virtual void flush(std::vector<Frame>& out) = 0;
};

/// Raw pictures are taken as they lie, JPEG by TurboJPEG, H.264 and H.265 by libavcodec.
/// @param threads  For H.264 and H.265.
std::unique_ptr<Decoder> make_decoder(const media::VideoFormat& format, int threads);

}  // namespace campipe::codec
