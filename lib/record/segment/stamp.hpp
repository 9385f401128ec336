#pragma once
#include <cstdint>
#include <string>

namespace campipe::record::segment {

/// A moment as the machine's clocks have it.
struct Moment {
  std::int64_t unix_us = 0;
  bool trusted = false;  ///< the system clock was synchronised
  std::string boot;      ///< boot id; monotonic_us compares where it is the same
  std::int64_t monotonic_us = 0;

  bool operator==(const Moment&) const = default;
};

/// When a file was published and as the how-manieth of its camera: the order of recording, whatever the clocks said.
struct Stamp {
  std::uint64_t order = 0;  ///< from 1; 0 = unknown
  Moment at;

  bool known() const noexcept { return order != 0; }
  bool operator==(const Stamp&) const = default;
};

}  // namespace campipe::record::segment
