#include "capture/reconnecting.hpp"

#include <utility>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/units.hpp"

namespace campipe::capture {

namespace {

constexpr std::int64_t kLastedNs = 10'000'000'000;  // after this the next loss starts with short delays again

/// A message without the source's name before it, which who hears it knows.
std::string_view without(std::string_view text, const std::string& name) {
  if (text.starts_with(name + ": ")) text.remove_prefix(name.size() + 2);
  return text;
}

}  // namespace

bool may_pass(ExitCode code) noexcept {
  switch (code) {
    case ExitCode::no_input:
    case ExitCode::unavailable:
    case ExitCode::os_error:
    case ExitCode::io_error:
    case ExitCode::try_again:
    case ExitCode::protocol:
      return true;
    default:
      return false;
  }
}

Reconnecting::Reconnecting(std::unique_ptr<Source> inner, Options options, Host host)
    : inner_(std::move(inner)),
      options_(options),
      host_(std::move(host)),
      backoff_(options.first_delay, options.longest_delay) {}

void Reconnecting::open() {
  if (ever_open_ ? !options_.reconnect : !options_.wait_at_start) {
    try {
      inner_->open();
    } catch (const Error&) {
      if (stopping(host_)) return;  // a stop while it was opening: next() says so
      throw;
    }
    opened();
    return;
  }
  gone_since_ns_ = monotonic_ns();
  if (try_open()) return;
  outage_ = true;
}

void Reconnecting::tell(SourceState state, std::string_view why) {
  SourceStatus status = source_status_after(status_, state, why);
  if (status == status_) return;
  status_ = std::move(status);
  if (on_status_) on_status_(status_);
}

void Reconnecting::opened() {
  open_ = ever_open_ = true;
  open_since_ns_ = monotonic_ns();
  if (!outage_) tell(SourceState::running);
}

bool Reconnecting::try_open() {
  try {
    inner_->open();
  } catch (const Error& error) {
    inner_->close();
    if (stopping(host_)) return false;
    const bool permission_may_pass = options_.permission_may_pass || ever_open_;  // what once was allowed will be again
    if (!may_pass(error.code()) && !(permission_may_pass && error.code() == ExitCode::permission)) throw;
    tell(SourceState::lost, without(error.what(), inner_->name()));
    // The loss has been told; only what tells more (busy, no signal) is worth another line, and each only once.
    const bool news = !ever_open_ || error.code() != ExitCode::no_input;
    if (news && std::exchange(said_, error.what()) != error.what()) {
      log::warning("{}{}", error.what(), ever_open_ ? "" : ": waiting for it");
    }
    return false;
  }
  opened();
  return true;
}

void Reconnecting::lost(const std::string& why) {
  inner_->close();
  open_ = false;
  discontinuity_ = true;
  ++reconnections_;
  const std::int64_t now = monotonic_ns();
  if (now - open_since_ns_ > kLastedNs) backoff_.reset();
  tell(SourceState::lost, why);
  if (std::exchange(outage_, true)) return;  // opened in vain: it is still the same outage
  gone_since_ns_ = now;
  said_ = inner_->name() + ": " + why;
  log::warning("{}: reconnecting", said_);
}

void Reconnecting::flows() {
  tell(SourceState::running);
  if (std::exchange(outage_, false)) {
    log::info("{}: {} after {}", inner_->name(), discontinuity_ ? "back" : "there",
              format_duration(std::chrono::seconds((monotonic_ns() - gone_since_ns_) / 1'000'000'000)));
    said_.clear();
  }
  if (std::exchange(discontinuity_, false)) inner_->packet().discontinuity = true;
}

Wake Reconnecting::wait_for_it() {
  return inner_->wait_for_return(host_, monotonic_ns() + backoff_.next().count() * 1'000'000);
}

Pull Reconnecting::next() {
  for (;;) {
    while (!open_) {
      if (wait_for_it() == Wake::stopped) return Pull::stopped;
      try_open();
    }
    const Pull pull = inner_->next();
    if (pull == Pull::lost && options_.reconnect) {
      lost(inner_->loss());
      continue;
    }
    if (pull == Pull::packet && inner_->packet().track == media::Track::video) flows();
    return pull;
  }
}

void Reconnecting::close() noexcept {
  inner_->close();
  open_ = false;
}

}  // namespace campipe::capture
