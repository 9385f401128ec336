#include "record/pace.hpp"

#include <algorithm>

namespace campipe::record {

namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
/// What may have gathered on the way before we came: a group of pictures in a ring, a player's buffer.
constexpr std::int64_t kOldestOnTheWayUs = 15 * kSecondUs;
constexpr std::int64_t kSureKnown = kSecondUs;        // where capture times tell how old the first packet was
constexpr std::int64_t kSureUnknown = 5 * kSecondUs;  // where the first may have been that old
constexpr std::int64_t kBackwardsUs = kSecondUs;      // another recording, or a clock that was set
constexpr std::int64_t kForwardsUs = 10 * kSecondUs;
constexpr std::int64_t kWindowUs = 10 * kSecondUs;

}  // namespace

void Pace::anchor(std::int64_t pts_us, std::int64_t now_ns, std::optional<std::int64_t> captured_ns) {
  const std::int64_t now_us = now_ns / 1000;
  const std::int64_t age_us = captured_ns ? now_us - *captured_ns / 1000 : 0;
  const bool known = captured_ns && age_us >= -kSecondUs && age_us <= kOldestOnTheWayUs;
  base_us_ = pts_us - now_us + (known ? std::max<std::int64_t>(age_us, 0) : 0);
  sure_us_ = known ? kSureKnown : kSureUnknown;
  anchored_ = true;
  window_pts_us_ = pts_us;
  window_ns_ = now_ns;
  window_held_ = false;
}

void Pace::note(std::int64_t pts_us, std::int64_t now_ns, std::optional<std::int64_t> captured_ns) {
  const std::int64_t step_us = pts_us - last_pts_us_;
  const std::int64_t passed_us = (now_ns - last_ns_) / 1000;
  const bool jumped = anchored_ && (step_us < -kBackwardsUs || step_us > passed_us + kForwardsUs);
  if (!anchored_ || jumped) anchor(pts_us, now_ns, captured_ns);
  last_pts_us_ = pts_us;
  last_ns_ = now_ns;
  if (lead_us(now_ns) > sure_us_) ahead_ = true;
  if (now_ns - window_ns_ >= kWindowUs * 1000) look_at_window(pts_us, now_ns);
}

/// What has kept to real time without being kept waiting is live, however it began; so is a clock that drifts.
void Pace::look_at_window(std::int64_t pts_us, std::int64_t now_ns) {
  constexpr std::int64_t kJitterUs = 250'000;
  const std::int64_t media_us = pts_us - window_pts_us_;
  const std::int64_t real_us = (now_ns - window_ns_) / 1000;
  if (!window_held_ && media_us <= real_us + real_us / 50 + kJitterUs) {
    ahead_ = false;
    base_us_ = std::max(base_us_, pts_us - now_ns / 1000);
  }
  window_pts_us_ = pts_us;
  window_ns_ = now_ns;
  window_held_ = false;
}

std::chrono::nanoseconds Pace::may_wait(std::int64_t now_ns) const {
  if (source_ == Source::ring) return std::chrono::nanoseconds(0);
  if (source_ == Source::file || ahead_) return std::chrono::nanoseconds::max();
  return std::chrono::microseconds(anchored_ ? std::max<std::int64_t>(0, lead_us(now_ns)) : 0);
}

}  // namespace campipe::record
