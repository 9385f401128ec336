#pragma once
#include <cstdint>
#include <optional>

#include "base/units.hpp"

namespace campipe::capture {

/// Thins pictures out to a lower rate by their capture times, evenly and without drift. Knows no clock.
class RateLimit {
public:
  explicit RateLimit(Rational rate);

  /// Whether the picture captured at `captured_ns` is wanted. Times going back or leaping forward start anew.
  bool take(std::int64_t captured_ns);

private:
  std::int64_t interval_ns_;
  std::optional<std::int64_t> due_ns_;
  std::int64_t last_ns_ = 0;
};

}  // namespace campipe::capture
