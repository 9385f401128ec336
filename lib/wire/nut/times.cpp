#include "wire/nut/times.hpp"

#include <algorithm>
#include <limits>

namespace campipe::wire::nut {

namespace {

__extension__ using Wide = __int128;

}  // namespace

void DtsRule::restart(unsigned decode_delay) noexcept {
  delay_ = decode_delay;
  waiting_us_.clear();
  primed_ = false;
}

std::int64_t DtsRule::next(std::int64_t pts_us, std::int64_t frame_us) {
  if (!primed_) {
    for (unsigned i = delay_; i > 0; --i) waiting_us_.push_back(pts_us - std::int64_t{i} * frame_us);
    primed_ = true;
  }
  waiting_us_.insert(std::ranges::upper_bound(waiting_us_, pts_us), pts_us);
  const std::int64_t earliest = waiting_us_.front();
  waiting_us_.erase(waiting_us_.begin());
  return earliest;
}

ForeignClock::Mapped ForeignClock::map(std::int64_t time_us, std::int64_t arrival_us) {
  constexpr std::int64_t kBack = 1'000'000;       // tracks may be interleaved up to this far apart
  constexpr std::int64_t kAhead = 3'600'000'000;  // a file may come faster than it plays, or be a time lapse
  bool jumped = false;
  if (anchored_ && newest_us_) {
    const std::int64_t step = time_us + shift_us_ - *newest_us_;
    jumped = step < -kBack || step > kAhead;
  }
  if (!anchored_ || jumped) {
    const std::int64_t earliest = newest_us_ ? std::max(arrival_us, *newest_us_ + 1) : arrival_us;
    shift_us_ = earliest - time_us;
    anchored_ = true;
  }
  newest_us_ = std::max(newest_us_.value_or(time_us + shift_us_), time_us + shift_us_);
  return {shift_us_, jumped};
}

std::optional<std::int64_t> to_us(std::int64_t ticks, nut::TimeBase base) noexcept {
  const Wide us = Wide{ticks} * base.num * 1'000'000 / base.den;
  if (us > nut::kMaxPtsUs || us < -nut::kMaxPtsUs) return std::nullopt;
  return static_cast<std::int64_t>(us);
}

std::int64_t to_ticks(nut::Timestamp time, nut::TimeBase base) noexcept {
  constexpr std::uint64_t kMaxTicks = std::uint64_t{1} << 62;
  const Wide ticks =
      Wide{std::min(time.ticks, kMaxTicks)} * (time.base.num * base.den) / (Wide{time.base.den} * base.num);
  return static_cast<std::int64_t>(std::min<Wide>(ticks, kMaxTicks));
}

}  // namespace campipe::wire::nut
