#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace campipe::capture::network {

/// Gives each packet of a track its decoding time where the source tells none: the rule of NUT (the smallest of the
/// last depth + 1 presentation times), with the depth found out as times step back. Always strictly increasing.
class DecodeOrder {
public:
  /// @param pts_us  Presentation times in order of arrival. @param known_dts_us  What the source says, if it does.
  /// Answers the decoding time, at least 1 µs over the one before.
  std::int64_t next(std::int64_t pts_us, std::optional<std::int64_t> known_dts_us);
  void restart();

private:
  std::vector<std::int64_t> waiting_;  // the latest presentation times, sorted
  std::size_t depth_ = 0;
  std::int64_t last_ = std::numeric_limits<std::int64_t>::min();
  std::int64_t latest_pts_ = std::numeric_limits<std::int64_t>::min();
};

}  // namespace campipe::capture::network
