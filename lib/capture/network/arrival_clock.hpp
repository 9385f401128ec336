#pragma once
#include <cstdint>

namespace campipe::capture::network {

/// Maps a live sender's media time (RTP ticks, FLV or TS times, in ns from wherever it counts) onto CLOCK_MONOTONIC: a
/// packet can arrive late but never early, so the least delay seen tells the offset best.
///
/// In the first 3 s the estimate follows each smaller delay at once (servers begin with a burst from their last
/// keyframe). Later it slews at no more than 500 ppm towards the least delay of the last 10 s, which follows the
/// sender's clock and not the network's jitter. Media time that steps back, a packet over 500 ms too early, or delays
/// that for 10 s are over 1 s longer are a jump: the estimate begins anew and the packet is a discontinuity. Pure:
/// knows no clock.
class ArrivalClock {
public:
  struct Mapped {
    std::int64_t captured_ns;
    bool jump;
  };

  /// Of each packet of the leading (video) track, in order of arrival. @param media_ns  Its decoding time.
  Mapped arrived(std::int64_t media_ns, std::int64_t arrival_ns);

  /// The instant of another media time: a pts, another track. Only after the first arrived().
  std::int64_t translate(std::int64_t media_ns) const noexcept { return media_ns + offset_ns_; }
  bool known() const noexcept { return known_; }

private:
  void begin(std::int64_t raw_ns, std::int64_t arrival_ns);
  void note(std::int64_t raw_ns, std::int64_t arrival_ns);

  bool known_ = false;
  std::int64_t offset_ns_ = 0;
  std::int64_t began_ns_ = 0, last_arrival_ns_ = 0, last_media_ns_ = 0;
  std::int64_t window_began_ns_ = 0;
  std::int64_t least_now_ns_ = 0, least_before_ns_ = 0;  // of this half window and the one before
  bool window_full_ = false;
};

}  // namespace campipe::capture::network
