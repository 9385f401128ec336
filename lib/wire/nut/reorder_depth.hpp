#pragma once
#include <cstdint>
#include <deque>

#include "base/units.hpp"
#include "media/packet.hpp"

namespace campipe::wire::nut {

/// How many frames a decoder must hold back to show them in order, learned from what passes.
class ReorderDepth {
public:
  /// Takes what the parameter sets tell.
  void promise(const media::VideoFormat& format);
  /// Takes a packet in decoding order; answers whether the depth grew.
  bool take(const media::Packet& packet, Rational frame_rate);
  unsigned frames() const noexcept { return frames_; }
  bool is_promised() const noexcept { return promised_; }  ///< the parameter sets told

private:
  static constexpr unsigned kMax = 16;  // H.264, A.3.1: MaxDpbFrames
  std::deque<std::int64_t> recent_pts_us_;
  unsigned frames_ = 0;
  bool promised_ = false;
};

}  // namespace campipe::wire::nut
