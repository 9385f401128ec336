#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "cli/telemetry.hpp"

namespace campipe::watch::flow {

/// One datagram of a stage to its NOTIFY_SOCKET: what cli::Telemetry says, or the part that another program's
/// sd_notify(3) has in common with it. What is absent or malformed stays empty.
struct Report {
  bool ready = false;      ///< READY=1
  bool heartbeat = false;  ///< WATCHDOG=1
  std::optional<cli::Flow> flow;
  std::optional<std::uint64_t> frames_in, frames_out;
  std::optional<std::int64_t> last_us;  ///< CLOCK_MONOTONIC of the newest frame
  std::optional<bool> blocked;
};

Report parse_report(std::string_view datagram) noexcept;

}  // namespace campipe::watch::flow
