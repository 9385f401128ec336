#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "wire/nut/headers.hpp"

namespace campipe::wire::nut {

/// Decoding times from display times by NUT's rule: of the last decode_delay + 1 display times the earliest that was
/// not taken yet.
class DtsRule {
public:
  void restart(unsigned decode_delay) noexcept;
  /// @param frame_us  duration of a frame; the first decode_delay answers lie that far apart before the first pts.
  std::int64_t next(std::int64_t pts_us, std::int64_t frame_us);

private:
  unsigned delay_ = 0;
  std::vector<std::int64_t> waiting_us_;  // sorted
  bool primed_ = false;
};

/// Puts times of a foreign clock onto ours: the first packet's time becomes the moment of its arrival, and so again
/// after a jump.
class ForeignClock {
public:
  struct Mapped {
    std::int64_t shift_us = 0;
    bool jumped = false;
  };
  /// @param time_us  decoding time on the foreign clock.
  Mapped map(std::int64_t time_us, std::int64_t arrival_us);
  void restart() noexcept { anchored_ = false; }

private:
  bool anchored_ = false;
  std::int64_t shift_us_ = 0;
  std::optional<std::int64_t> newest_us_;  // mapped
};

/// Microseconds; nothing when out of the range we take.
std::optional<std::int64_t> to_us(std::int64_t ticks, nut::TimeBase base) noexcept;
/// Ticks of `base` for a timestamp on another time base, rounded down.
std::int64_t to_ticks(nut::Timestamp time, nut::TimeBase base) noexcept;

}  // namespace campipe::wire::nut
