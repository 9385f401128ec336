#include "record/recording.hpp"

#include <exception>

#include <fmt/format.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/units.hpp"

namespace campipe::record {

namespace {

library::Retention::World world_of(const segment::Folder& folder) {
  return {.now_us = realtime_us,
          .clock_trusted = library::clock_synchronised,
          .space = [&folder] { return library::space_of(folder); },
          .monotonic_ns = monotonic_ns,
          .boot = boot_id()};
}

std::string describe(const library::Limits& limits, const std::optional<library::Space>& space) {
  std::vector<std::string> rules;
  if (limits.keep.count() > 0) rules.push_back(fmt::format("older than {}", format_duration(limits.keep)));
  if (limits.max_bytes > 0) rules.push_back(fmt::format("over {} in all", format_bytes(limits.max_bytes)));
  if (const std::int64_t needed = limits.min_free.of(space ? space->total_bytes : 0); needed > 0) {
    rules.push_back(fmt::format("less than {} free", to_string(limits.min_free)));
  }
  if (rules.empty()) return "never deletes";
  return fmt::format("deletes the oldest when {}", fmt::join(rules, " or "));
}

}  // namespace

Recording::Recording(Options options)
    : options_(std::move(options)),
      camera_(options_.root, options_.name),
      catalogue_(camera_.top()),
      index_(camera_.index()),
      publisher_(camera_, catalogue_, index_, library::present_moment),
      retention_(options_.limits, camera_.top(), catalogue_, index_, world_of(camera_.top())) {
  if (camera_.made_root()) log::info("{}: made a recording folder of it", options_.root);
  announce();
  flusher_.emplace();
  housekeeper_.emplace(camera_, publisher_, index_, retention_);
  // Not waited for: a big folder or file takes its time, and the input must not wait.
  housekeeper_->post([this, open = camera_.live().entries()] { take_stock(open); });
  store_.emplace(camera_, *housekeeper_, *flusher_, options_.container);
  recorder_.emplace(Recorder::Options{std::chrono::duration_cast<std::chrono::microseconds>(options_.segment)},
                    *store_);
}

Recording::~Recording() = default;

void Recording::take_stock(const std::vector<std::string>& open) {
  segment::Index::Contents contents = index_.repair();
  catalogue_.read(contents.stamps);
  retention_.announced(std::move(contents.deleted));
  if (const int lines = library::rebuild_index(camera_.top(), catalogue_, index_); lines > 0) {
    log::info("{}: index made anew for {} segments", camera_.path(), lines);
  }
  const library::Recovered recovered = library::recover_live(camera_, publisher_, open);
  if (recovered.published > 0)
    log::info("{}: recovered {} segments that were open", camera_.path(), recovered.published);
  retention_.run(0);
}

void Recording::announce() const {
  const auto space = library::space_of(camera_.top());
  log::info("recording to {}: segments of {}, {} ({} free of {})", camera_.path(), format_duration(options_.segment),
            describe(options_.limits, space), format_bytes(space ? space->free_bytes : 0),
            format_bytes(space ? space->total_bytes : 0));
}

int Recording::run(wire::stream::Reader& reader, cli::Telemetry& telemetry, const std::function<void()>& stop) {
  telemetry.set_extra([this] { return current_segment(); });
  telemetry.ready();
  std::exception_ptr failure;
  std::thread writer([&] {
    try {
      write(telemetry);
    } catch (...) {
      failure = std::current_exception();
      stop();
      drain();  // whoever reads a file waits for room
    }
  });
  std::exception_ptr input_failure;
  auto last = wire::stream::Pull::stopped;
  try {
    last = read(reader, telemetry);
  } catch (...) {
    input_failure = std::current_exception();
  }
  queue_.end();
  writer.join();
  telemetry.set_extra({});
  const std::size_t left = housekeeper_->stop();
  if (input_failure) std::rethrow_exception(input_failure);
  if (failure) std::rethrow_exception(failure);
  if (left > 0) return static_cast<int>(ExitCode::cannot_create);
  if (last == wire::stream::Pull::end && recorder_->counts().written == 0) fail_without_pictures();
  return 0;
}

void Recording::fail_without_pictures() const {
  if (const int error = recorder_->counts().last_error; error != 0) {
    throw Error(ExitCode::cannot_create, fmt::format("{}: {}: nothing is recorded", camera_.path(), errno_text(error)));
  }
  throw Error(ExitCode::bad_data, recorder_->counts().dropped > 0
                                      ? "no keyframe came before the input ended: nothing is recorded"
                                      : "no frame came before the input ended: nothing is recorded");
}

wire::stream::Pull Recording::read(wire::stream::Reader& reader, cli::Telemetry& telemetry) {
  for (;;) {
    const wire::stream::Pull pull = reader.next();
    telemetry.alive();
    switch (pull) {
      case wire::stream::Pull::format: {
        const segment::Container container = segment::choose_container(reader.format(), options_.container);
        log::info("input is {}, recorded as {}", media::describe(reader.format()), name(container));
        queue_.push(reader.format());
        break;
      }
      case wire::stream::Pull::packet: {
        media::Packet& packet = reader.packet();
        if (packet.track == media::Track::video) telemetry.frame_in(packet.payload.size());
        queue_.push(std::move(packet), options_.input_is_file);
        break;
      }
      case wire::stream::Pull::end:
      case wire::stream::Pull::stopped:
        return pull;
    }
  }
}

void Recording::write(cli::Telemetry& telemetry) {
  for (;;) {
    std::optional<std::chrono::steady_clock::time_point> deadline;
    if (const auto at = recorder_->deadline_ns()) deadline.emplace(std::chrono::nanoseconds(*at));
    auto item = queue_.pop(deadline);
    if (item && std::holds_alternative<PacketQueue::End>(*item)) break;
    if (item) take(*item);
    recorder_->tick(monotonic_ns());
    report(telemetry);
  }
  recorder_->finish(monotonic_ns());
  report(telemetry);
}

void Recording::drain() {
  for (;;) {
    const auto item = queue_.pop(std::nullopt);
    if (item && std::holds_alternative<PacketQueue::End>(*item)) return;
  }
}

void Recording::take(PacketQueue::Item& item) {
  if (auto* format = std::get_if<media::StreamFormat>(&item)) {
    recorder_->set_format(*format);
  } else if (auto* packet = std::get_if<media::Packet>(&item)) {
    recorder_->add(std::move(*packet), monotonic_ns());
  } else if (const auto* lost = std::get_if<PacketQueue::Lost>(&item)) {
    recorder_->lost(lost->frames, lost->from_us);
  }
}

void Recording::report(cli::Telemetry& telemetry) {
  const Recorder::Counts now = recorder_->counts();
  if (now.dropped > reported_.dropped) telemetry.drop(now.dropped - reported_.dropped);
  const bool wrote = now.written > reported_.written;
  const segment::Writer* segment = recorder_->current();
  if (wrote || segment == nullptr) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t before = current_bytes_;
    current_name_ = segment == nullptr ? "" : to_string(segment->record().name);
    current_us_ = segment == nullptr ? 0 : segment->record().duration_us;
    current_bytes_ = segment == nullptr ? 0 : segment->record().bytes;
    const std::uint64_t bytes = current_bytes_ > before ? current_bytes_ - before : 0;
    for (std::uint64_t i = reported_.written; i < now.written; ++i) {
      telemetry.frame_out(bytes / (now.written - reported_.written));
    }
  }
  reported_ = now;
}

std::string Recording::current_segment() const {
  const std::lock_guard lock(mutex_);
  if (current_name_.empty()) return "no segment open";
  return fmt::format("{} {} {}", current_name_, format_duration(std::chrono::seconds(current_us_ / 1'000'000)),
                     format_bytes(static_cast<std::int64_t>(current_bytes_)));
}

}  // namespace campipe::record
