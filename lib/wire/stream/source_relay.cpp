#include "wire/stream/source_relay.hpp"

#include <algorithm>
#include <utility>

#include "base/clock.hpp"

namespace campipe::wire::stream {

SourceRelay::SourceRelay(Options options) : options_(std::move(options)) {
  if (!options_.clock) options_.clock = [] { return monotonic_ns(); };
  frame_ns_ = options_.clock();
}

void SourceRelay::told(const SourceStatus& status) {
  // Who rested and runs again has the time of silence before it.
  if (upstream_.state != status.state && status.state == SourceState::running) frame_ns_ = options_.clock();
  upstream_ = status;
}

void SourceRelay::writer(bool there) {
  if (there && writer_ != true) frame_ns_ = options_.clock();
  writer_ = there;
}

void SourceRelay::frame() {
  frame_ns_ = options_.clock();
  any_ = true;
}

void SourceRelay::rate(Rational rate) {
  interval_ns_ = rate ? static_cast<std::int64_t>(1e9 / rate.value()) : 0;
}

bool SourceRelay::silent() const {
  return options_.clock() - frame_ns_ > std::max<std::int64_t>(options_.silence.count(), 3 * interval_ns_);
}

SourceStatus SourceRelay::judge() const {
  const bool wanted = wanted_.load(std::memory_order_relaxed);
  if (options_.ring && writer_ == false)
    return source_status_after(status_, SourceState::lost, "nobody writes " + options_.name);
  if (upstream_.lost()) return upstream_;
  const std::string_view why = options_.on_demand ? kOnDemand : std::string_view();
  if (upstream_.state == SourceState::resting) return source_status_after(status_, SourceState::resting, why);
  // A writer that says nothing may rest without a word while we want nothing.
  const bool tells = upstream_.state != SourceState::unknown;
  const bool may_rest = options_.ring && !tells && !wanted;
  if (silent() && !may_rest) {
    return source_status_after(status_, SourceState::lost, options_.name + (any_ ? ": no more frames" : ": no frames"));
  }
  if (wanted) return source_status_after(status_, SourceState::running, why);
  return may_rest && silent() ? source_status_after(status_, SourceState::unknown)
                              : source_status_after(status_, SourceState::resting, why);
}

const SourceStatus& SourceRelay::status() {
  return status_ = judge();
}

}  // namespace campipe::wire::stream
