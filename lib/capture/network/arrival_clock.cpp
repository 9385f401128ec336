#include "capture/network/arrival_clock.hpp"

#include <algorithm>

namespace campipe::capture::network {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kLearning = 3 * kSecond;
constexpr std::int64_t kHalfWindow = 5 * kSecond;
constexpr std::int64_t kTooEarly = kSecond / 2;
constexpr std::int64_t kTooLate = kSecond;
constexpr std::int64_t kBack = kSecond / 5;  // servers repeat or swap a packet now and then
constexpr std::int64_t kMostEarlyLearning = 60 * kSecond;
constexpr std::int64_t kSlewPerMillion = 500;

}  // namespace

void ArrivalClock::begin(std::int64_t raw_ns, std::int64_t arrival_ns) {
  known_ = true;
  offset_ns_ = least_now_ns_ = least_before_ns_ = raw_ns;
  began_ns_ = window_began_ns_ = arrival_ns;
  window_full_ = false;
}

void ArrivalClock::note(std::int64_t raw_ns, std::int64_t arrival_ns) {
  if (arrival_ns - window_began_ns_ >= kHalfWindow) {
    window_full_ = window_full_ || arrival_ns - began_ns_ >= 2 * kHalfWindow;
    least_before_ns_ = least_now_ns_;
    least_now_ns_ = raw_ns;
    window_began_ns_ = arrival_ns;
  }
  least_now_ns_ = std::min(least_now_ns_, raw_ns);
}

ArrivalClock::Mapped ArrivalClock::arrived(std::int64_t media_ns, std::int64_t arrival_ns) {
  const std::int64_t raw = arrival_ns - media_ns;
  const bool first = !known_;
  const bool learning = arrival_ns - began_ns_ < kLearning;
  bool jump = false;
  if (!first) {
    note(raw, arrival_ns);
    const std::int64_t least = std::min(least_now_ns_, least_before_ns_);
    jump = media_ns < last_media_ns_ - kBack || raw < offset_ns_ - (learning ? kMostEarlyLearning : kTooEarly) ||
           (window_full_ && least > offset_ns_ + kTooLate);
    if (!jump && learning) {
      offset_ns_ = std::min(offset_ns_, raw);
    } else if (!jump) {
      const std::int64_t step = (arrival_ns - last_arrival_ns_) / 1000 * kSlewPerMillion / 1000;
      offset_ns_ += std::clamp(least - offset_ns_, -step, step);
    }
  }
  if (first || jump) begin(raw, arrival_ns);
  last_arrival_ns_ = arrival_ns;
  last_media_ns_ = media_ns;
  return {media_ns + offset_ns_, jump};
}

}  // namespace campipe::capture::network
