#pragma once
#include <chrono>
#include <cstdint>
#include <optional>

#include "media/packet.hpp"

namespace campipe::record::cut {

/// Tells once when a stream has no keyframe for three segments, so that no file can end, or none at all for that long
/// (at most 10 s), so that none can begin.
class KeyframeWatch {
public:
  explicit KeyframeWatch(std::chrono::microseconds segment) : segment_(segment) {}
  /// Each video packet. Tells by a warning.
  void note(const media::Packet& packet);
  /// Another stream begins.
  void reset() noexcept { *this = KeyframeWatch(segment_); }

private:
  std::chrono::microseconds segment_;
  std::optional<std::int64_t> since_us_;  // of the last keyframe; before one: of the first packet
  bool had_one_ = false;
  bool told_ = false;
};

}  // namespace campipe::record::cut
