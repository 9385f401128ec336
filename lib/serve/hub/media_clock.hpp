#pragma once
#include <cstdint>

namespace campipe::serve::hub {

/// Media time without the steps of the source's clock: how far apart two units are is then never an hour because
/// somebody set a camera's clock, and nobody loses his place or the group of pictures that he would join by.
class MediaClock {
public:
  /// The place of the next picture, in microseconds; where it begins says nothing.
  /// @param pts_us      its time, in decoding order: may go back a little.
  /// @param arrived_ns  CLOCK_MONOTONIC
  std::int64_t advance(std::int64_t pts_us, std::int64_t arrived_ns) noexcept;

  /// Of the newest picture; what is no picture stands with it.
  std::int64_t now_us() const noexcept { return now_us_; }

private:
  bool begun_ = false;
  std::int64_t now_us_ = 0, pts_us_ = 0, arrived_ns_ = 0;
};

}  // namespace campipe::serve::hub
