#include "capture/rate_limit.hpp"

namespace campipe::capture {

RateLimit::RateLimit(Rational rate) : interval_ns_(1'000'000'000 * rate.den / rate.num) {}

bool RateLimit::take(std::int64_t captured_ns) {
  // A camera's stamps jitter: a picture up to a quarter of the interval early is the one that was due.
  const bool anew = !due_ns_ || captured_ns < last_ns_ || captured_ns - *due_ns_ > 4 * interval_ns_;
  last_ns_ = captured_ns;
  if (anew) due_ns_ = captured_ns;
  if (captured_ns < *due_ns_ - interval_ns_ / 4) return false;
  *due_ns_ += interval_ns_;
  return true;
}

}  // namespace campipe::capture
