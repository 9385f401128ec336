#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/source_status.hpp"
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
  std::optional<SourceStatus> source;  ///< what it says of the source behind it; absent where it does not know
};

Report parse_report(std::string_view datagram);

}  // namespace campipe::watch::flow
