#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace campipe {

std::int64_t monotonic_ns() noexcept;  ///< CLOCK_MONOTONIC
std::int64_t realtime_us() noexcept;   ///< CLOCK_REALTIME, Unix time

/// This boot's random id from /proc: CLOCK_MONOTONIC values of two processes compare only where it is the same.
const std::string& boot_id();

/// A stream's clock: Unix time anchored once, then advanced by CLOCK_MONOTONIC, so that a step of the system clock
/// never tears a stream. Travels with the stream; a restarted writer on the same boot takes the old anchor over.
struct StreamClock {
  std::int64_t anchor_realtime_us = 0;
  std::int64_t anchor_monotonic_ns = 0;
  std::string boot_id;

  /// The anchor of $CAMPIPE_CLOCK (set by camwatch for all stages of a chain, so that a restarted source goes on with
  /// the same clock) when it is of this boot, else now.
  static StreamClock from_environment_or_now();
  static std::optional<StreamClock> from_environment();
  static StreamClock now();

  /// Microseconds of Unix time on this clock for a CLOCK_MONOTONIC instant.
  std::int64_t pts_us(std::int64_t captured_ns) const noexcept;
  /// The other way round, exact to the microsecond.
  std::int64_t captured_ns(std::int64_t pts_us) const noexcept;

  /// "REALTIME_US:MONOTONIC_NS:BOOT_ID"; parse() answers false and leaves *this when the text is not of that form.
  std::string to_string() const;
  bool parse(const std::string& text);

  bool operator==(const StreamClock&) const = default;
};

}  // namespace campipe
