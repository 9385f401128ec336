#include "serve/hub/media_clock.hpp"

#include <algorithm>

namespace campipe::serve::hub {

namespace {

constexpr std::int64_t kReorderUs = 1'000'000;  // as far as pictures go back that are shown in another order
/// More than a picture may be ahead of its arrival after the one before: files are read faster than they were made.
constexpr std::int64_t kAheadUs = 500'000;

}  // namespace

std::int64_t MediaClock::advance(std::int64_t pts_us, std::int64_t arrived_ns) noexcept {
  if (begun_) {
    std::int64_t passed_us = 0;
    const bool absurd = __builtin_sub_overflow(pts_us, pts_us_, &passed_us);
    const std::int64_t waited_us = std::max<std::int64_t>(0, (arrived_ns - arrived_ns_) / 1000);
    if (absurd || passed_us < -kReorderUs) {
      now_us_ += waited_us;
    } else {
      now_us_ += std::min(passed_us, waited_us + kAheadUs);
    }
  }
  begun_ = true;
  pts_us_ = pts_us;
  arrived_ns_ = arrived_ns;
  return now_us_;
}

}  // namespace campipe::serve::hub
