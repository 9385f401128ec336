#include "base/source_status.hpp"

#include <array>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/units.hpp"

namespace campipe {

namespace {

constexpr std::array<std::pair<SourceState, std::string_view>, 4> kNames{{{SourceState::unknown, "unknown"},
                                                                          {SourceState::running, "running"},
                                                                          {SourceState::resting, "resting"},
                                                                          {SourceState::lost, "lost"}}};

/// Printable, and cut at the last whole character that fits.
std::string fit(std::string_view reason) {
  constexpr std::size_t kMostInput = 4 * kMaxSourceReason;
  std::string text = log::printable(reason.substr(0, kMostInput));
  if (text.size() <= kMaxSourceReason) return text;
  std::size_t end = kMaxSourceReason;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text;
}

}  // namespace

SourceStatus source_status(SourceState state, std::string_view reason) {
  return {state, realtime_us(), fit(reason)};
}

SourceStatus source_status_after(const SourceStatus& before, SourceState state, std::string_view reason) {
  if (before.state == state && before.reason == reason) return before;  // with each frame: no clock, nothing to fit
  SourceStatus status = source_status(state, reason);
  if (before.state == state && before.reason == status.reason) return before;
  // The same outage under another name: the camera is away since the first of them.
  if (state == SourceState::lost && before.lost()) status.since_us = before.since_us;
  return status;
}

std::string_view name(SourceState state) noexcept {
  for (const auto& [known, text] : kNames) {
    if (known == state) return text;
  }
  return "unknown";
}

std::string to_text(const SourceStatus& status) {
  return fmt::format("{} {}{}{}", name(status.state), status.since_us, status.reason.empty() ? "" : " ", status.reason);
}

std::optional<SourceStatus> parse_source_status(std::string_view text) {
  const auto word = [&text] {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view found = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return found;
  };
  const std::string_view state = word();
  const auto since_us = parse_integer(word(), 0, std::numeric_limits<std::int64_t>::max());
  for (const auto& [known, spelt] : kNames) {
    if (spelt == state && since_us) return SourceStatus{known, *since_us, fit(text)};
  }
  return std::nullopt;
}

}  // namespace campipe
