#include "capture/grab.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <poll.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/log.hpp"

namespace campipe::capture {

namespace {

constexpr double kSameRate = 1.05;         // a camera that says 30 may give 30.2
constexpr int kStopMs = 1000;              // a stop waits this long for readers
constexpr int kLiveEndMs = 10'000;         // after --frames of a live source
constexpr int kFileEndMs = 24 * 3600'000;  // a file's reader sets the pace

}  // namespace

struct Grab::Sink {
  Sink(Output output, bool live)
      : direct(output.writer->never_blocks()),
        file(output.file),
        out(wire::queue::make_output(std::move(output.writer), std::move(output.name), live)) {}

  const bool direct;  // has no thread that repeats things
  const bool file;
  const std::unique_ptr<wire::queue::PacketOutput> out;
  bool done = false;
};

Grab::Grab(Source& source, Host host, std::vector<Output> outputs, cli::Telemetry& telemetry, Limits limits,
           wire::shm::Demand::Options demand)
    : source_(source),
      host_(std::move(host)),
      telemetry_(telemetry),
      limits_(limits),
      outputs_(std::move(outputs)),
      on_demand_(demand.on_demand),
      demand_(demand) {
  if (demand.on_demand) {
    for (const Output& output : outputs_) demand_.add(*output.writer);
  }
  if (limits.rate) rate_limit_.emplace(limits.rate);
  source_.tell_status([this](const SourceStatus& status) { set_source(status); });
}

Grab::~Grab() {
  source_.draw_in({});
  source_.tell_status({});
}

void Grab::set_source(const SourceStatus& status) {
  status_ = status;
  if (on_demand_ && !status.lost()) status_.reason = kOnDemand;
  telemetry_.set_source(status_);
  for (const auto& sink : sinks_) {
    if (!sink->done) sink->out->set_source(status_);
  }
}

void Grab::tick() {
  constexpr std::int64_t kSecondNs = 1'000'000'000;
  const std::int64_t now = monotonic_ns();
  if (status_.state == SourceState::unknown || now - told_ns_ < kSecondNs) return;
  told_ns_ = now;
  for (const auto& sink : sinks_) {
    if (!sink->done && sink->direct) sink->out->set_source(status_);
  }
}

void Grab::start_outputs() {
  for (Output& output : outputs_) sinks_.push_back(std::make_unique<Sink>(std::move(output), source_.is_live()));
  outputs_.clear();
  // Pictures are drawn where the readers of a ring see them, instead of being copied there.
  source_.draw_in([this](std::size_t bytes) -> std::shared_ptr<media::Buffer> {
    for (const auto& sink : sinks_) {
      if (auto room = sink->done ? nullptr : sink->out->room(bytes)) return room;
    }
    return nullptr;
  });
}

void Grab::run() {
  source_.open();
  telemetry_.ready();
  start_outputs();
  set_source(status_.state == SourceState::unknown ? source_status(SourceState::running) : status_);
  demand_.start();
  for (bool more = true; more;) {
    telemetry_.alive();
    if (!demand_.wanted() && !rest()) return finish(true);
    switch (source_.next()) {
      case Pull::format:
        log::debug("{}: {}", source_.name(), media::describe(source_.format()));
        for (const auto& sink : sinks_) {
          if (!sink->done) sink->out->set_format(source_.format());
        }
        break;
      case Pull::packet:
        more = take(source_.packet());
        break;
      case Pull::end:
        more = false;
        break;
      case Pull::stopped:
        return finish(true);
      case Pull::lost:
        finish(false);
        throw Error(ExitCode::io_error, source_.name() + ": " + source_.loss());
    }
  }
  finish(false);
  if (frames_ == 0) throw Error(ExitCode::bad_data, source_.name() + ": ended before its first frame" + why_none());
}

std::string Grab::why_none() const {
  if (status_.lost()) return ": " + status_.reason;
  const std::uint64_t dropped = source_.stats().dropped;
  return dropped == 0 ? std::string() : fmt::format(": {} damaged and left out", dropped);
}

/// Closes the source until frames are wanted again. Answers false when a stop came first.
bool Grab::rest() {
  constexpr std::int64_t kSecondNs = 1'000'000'000;
  log::info("{}: closed, nobody wants frames: until somebody does", source_.name());
  source_.close();
  set_source(source_status(SourceState::resting));
  while (!demand_.wanted()) {
    if (wait(host_, demand_.fd(), POLLIN, monotonic_ns() + kSecondNs) == Wake::stopped) return false;
    telemetry_.alive();
    tick();
  }
  set_source(source_status(SourceState::running));
  source_.open();
  log::info("{}: open, frames are wanted again", source_.name());
  rested_ = true;
  return true;
}

bool Grab::take(media::Packet& packet) {
  if (packet.track == media::Track::video) {
    if (std::exchange(rested_, false)) packet.discontinuity = true;
    telemetry_.frame_in(packet.payload.size());
    if (!wanted(packet)) return true;
    if (rate_limit_) packet.sequence = frames_;  // what was left out on purpose is no gap
  }
  const bool any = offer(packet);
  if (packet.track == media::Track::video) count(packet);
  return any && (limits_.frames == 0 || frames_ < limits_.frames);
}

/// Whether --rate lets the picture through.
bool Grab::wanted(const media::Packet& packet) {
  if (!rate_limit_) return true;
  const Rational given = source_.format().video.frame_rate;
  if (given && given.value() <= limits_.rate.value() * kSameRate) return true;
  const media::VideoCodec codec = source_.format().video.codec;
  if (codec != media::VideoCodec::raw && codec != media::VideoCodec::mjpeg) {
    if (!std::exchange(rate_warned_, true)) {
      log::warning("{}: {} cannot be thinned out to {} frames a second without decoding: use camenc -r", source_.name(),
                   media::name(codec), format_rate(limits_.rate));
    }
    return true;
  }
  return rate_limit_->take(packet.captured_ns.value_or(packet.pts_us * 1000));
}

/// Answers whether any output is left.
bool Grab::offer(const media::Packet& packet) {
  for (const auto& sink : sinks_) {
    if (sink->done) continue;
    sink->out->offer(packet);
    look_after(*sink);
  }
  return std::ranges::any_of(sinks_, [](const auto& sink) { return !sink->done; });
}

/// An output that closed: its reader went, which others need not know, or it failed, which the user must.
void Grab::look_after(Sink& sink) {
  if (!sink.out->stats().closed) return;
  sink.done = true;
  try {
    sink.out->finish(0);
    if (sinks_.size() > 1) log::info("{}: closed by its reader", sink.out->name());
  } catch (const Error& error) {
    failed(error);
  }
}

/// One of several outputs: said at once, the others go on. The exit code comes at the end.
void Grab::failed(const Error& error) {
  if (sinks_.size() > 1) log::error("{}", error.what());
  if (failure_) return;
  failure_ = std::make_exception_ptr(sinks_.size() > 1 ? Error(error.code(), "an output failed") : error);
}

void Grab::count(const media::Packet& packet) {
  ++frames_;
  std::uint64_t out = 0, dropped = source_.stats().dropped;
  for (const auto& sink : sinks_) {
    const auto stats = sink->out->stats();
    out = std::max(out, stats.packets);
    dropped += stats.dropped;
  }
  for (; told_out_ < out; ++told_out_) telemetry_.frame_out(packet.payload.size());
  if (dropped > told_dropped_) telemetry_.drop(dropped - std::exchange(told_dropped_, dropped));
  if (packet.captured_ns && source_.is_live()) telemetry_.latency(monotonic_ns() - *packet.captured_ns);
}

/// What an output did not take in time. A pipe's reader may be meant to be slower than the camera; a file is not.
void Grab::tell_drops(const Sink& sink) {
  const std::uint64_t dropped = sink.out->stats().dropped;
  if (dropped == 0) return;
  if (!sink.file) {
    log::warning("{}: {} of {} frames were dropped: what takes them was too slow", sink.out->name(), dropped, frames_);
    return;
  }
  failed(Error(ExitCode::io_error, fmt::format("{}: {} of {} frames are missing in it: the disk was too slow",
                                               sink.out->name(), dropped, frames_)));
}

void Grab::finish(bool stopped) {
  const int limit = stopped ? kStopMs : (source_.is_live() ? kLiveEndMs : kFileEndMs);
  bool all_closed = !sinks_.empty();
  for (const auto& sink : sinks_) {
    tell_drops(*sink);
    if (sink->done) continue;
    all_closed = false;
    try {
      if (!sink->out->finish(limit)) log::warning("{}: its reader did not take the last frames", sink->out->name());
    } catch (const Error& error) {
      failed(error);
    }
  }
  if (failure_) std::rethrow_exception(failure_);
  if (all_closed && !limits_.complete_is_end) throw OutputClosed(sinks_.front()->out->name());
}

}  // namespace campipe::capture
