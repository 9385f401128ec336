#include "watch/flow/report.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "base/units.hpp"

namespace campipe::watch::flow {

namespace {

SourceStatus& source_of(Report& report) {
  return report.source ? *report.source : report.source.emplace();
}

/// The reason and time of a source without a state are nothing: parse_report() takes them out again.
void apply_source(Report& report, std::string_view name, std::string_view value) {
  if (name == "REASON") source_of(report).reason = source_status(SourceState::lost, value).reason;
  if (name == "SINCE_MS") {
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 1000;
    source_of(report).since_us = 1000 * parse_integer(value, 0, kMost).value_or(0);
  }
  if (!name.empty()) return;
  for (const auto state : {SourceState::running, SourceState::resting, SourceState::lost}) {
    if (value == campipe::name(state)) source_of(report).state = state;
  }
}

void apply(Report& report, std::string_view name, std::string_view value) {
  const auto count = [&] { return parse_integer(value, 0, std::numeric_limits<std::int64_t>::max()); };
  if (name == "READY") report.ready = value == "1";
  if (name == "WATCHDOG") report.heartbeat = value == "1";
  if (name == "X_CAMPIPE_FRAMES_IN") report.frames_in = count();
  if (name == "X_CAMPIPE_FRAMES_OUT") report.frames_out = count();
  if (name == "X_CAMPIPE_LAST_US") report.last_us = count();
  if (name == "X_CAMPIPE_BLOCKED") report.blocked = value == "1";
  constexpr std::string_view kSource = "X_CAMPIPE_SOURCE";
  if (name == kSource) apply_source(report, "", value);
  if (name.starts_with(kSource) && name.substr(kSource.size()).starts_with('_'))
    apply_source(report, name.substr(kSource.size() + 1), value);
  if (name == "X_CAMPIPE_STATE") {
    for (const auto flow : {cli::Flow::waiting, cli::Flow::flowing, cli::Flow::idle, cli::Flow::stalled}) {
      if (value == cli::name(flow)) report.flow = flow;
    }
  }
}

}  // namespace

Report parse_report(std::string_view datagram) {
  Report report;
  while (!datagram.empty()) {
    const std::string_view line = datagram.substr(0, datagram.find('\n'));
    datagram.remove_prefix(std::min(line.size() + 1, datagram.size()));
    const std::size_t equals = line.find('=');
    if (equals != std::string_view::npos) apply(report, line.substr(0, equals), line.substr(equals + 1));
  }
  if (report.source && report.source->state == SourceState::unknown) report.source.reset();
  return report;
}

}  // namespace campipe::watch::flow
