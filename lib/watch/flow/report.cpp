#include "watch/flow/report.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "base/units.hpp"

namespace campipe::watch::flow {

namespace {

void apply(Report& report, std::string_view name, std::string_view value) noexcept {
  const auto count = [&] { return parse_integer(value, 0, std::numeric_limits<std::int64_t>::max()); };
  if (name == "READY") report.ready = value == "1";
  if (name == "WATCHDOG") report.heartbeat = value == "1";
  if (name == "X_CAMPIPE_FRAMES_IN") report.frames_in = count();
  if (name == "X_CAMPIPE_FRAMES_OUT") report.frames_out = count();
  if (name == "X_CAMPIPE_LAST_US") report.last_us = count();
  if (name == "X_CAMPIPE_BLOCKED") report.blocked = value == "1";
  if (name == "X_CAMPIPE_STATE") {
    for (const auto flow : {cli::Flow::waiting, cli::Flow::flowing, cli::Flow::idle, cli::Flow::stalled}) {
      if (value == cli::name(flow)) report.flow = flow;
    }
  }
}

}  // namespace

Report parse_report(std::string_view datagram) noexcept {
  Report report;
  while (!datagram.empty()) {
    const std::string_view line = datagram.substr(0, datagram.find('\n'));
    datagram.remove_prefix(std::min(line.size() + 1, datagram.size()));
    const std::size_t equals = line.find('=');
    if (equals != std::string_view::npos) apply(report, line.substr(0, equals), line.substr(equals + 1));
  }
  return report;
}

}  // namespace campipe::watch::flow
