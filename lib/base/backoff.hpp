#pragma once
#include <chrono>
#include <cstdint>

namespace campipe {

/// Delays between tries: `first`, then doubling up to `max`, each with full jitter (a random part between half and all
/// of it, so that a fleet does not retry in step). Never gives up; reset() after a success that lasted.
class Backoff {
public:
  using Millis = std::chrono::milliseconds;
  Backoff(Millis first, Millis max) noexcept : first_(first), max_(max), next_(first) {}

  /// The delay before the next try. Draws from random_u32().
  Millis next();
  void reset() noexcept { next_ = first_; }

private:
  Millis first_, max_, next_;
};

}  // namespace campipe
