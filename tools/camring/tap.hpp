#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace campipe {

struct TapOptions {
  std::string name;
  std::uint64_t frames = 0;  ///< 0 = until it is stopped
  std::chrono::nanoseconds stats{0};
};

/// Writes what flows through a ring to stdout, as NUT. Returns the exit code.
int tap(const TapOptions& options);

}  // namespace campipe
