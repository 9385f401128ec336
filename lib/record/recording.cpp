#include "record/recording.hpp"

#include <algorithm>
#include <exception>
#include <thread>

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
      retention_(options_.limits, camera_.top(), catalogue_, index_, world_of(camera_.top())),
      pace_(options_.source) {
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

int Recording::run(wire::stream::Reader& reader, cli::Telemetry& telemetry, const Stop& stop) {
  telemetry.set_extra([this] { return current_segment(); });
  telemetry.ready();
  std::exception_ptr failure;
  std::thread writer([&] {
    try {
      write(telemetry, stop);
    } catch (...) {
      failure = std::current_exception();
      stop.request();
      drain();  // whoever reads a file waits for room
    }
  });
  std::exception_ptr input_failure;
  auto last = wire::stream::Pull::stopped;
  try {
    last = read(reader, telemetry, stop);
  } catch (...) {
    input_failure = std::current_exception();
  }
  queue_.end();
  writer.join();
  telemetry.set_extra({});
  const std::size_t unpublished = housekeeper_->stop();
  if (failure) std::rethrow_exception(failure);
  const int code = outcome(last, reader, unpublished);
  if (input_failure) std::rethrow_exception(input_failure);
  return code;
}

int Recording::outcome(wire::stream::Pull last, const wire::stream::Reader& reader, std::size_t unpublished) const {
  const Recorder::Counts counts = recorder_->counts();
  const std::uint64_t deleted = housekeeper_->lost_frames();
  const std::uint64_t lost = counts.lost + deleted;
  const bool given_up = disk_given_up_.load();
  if (given_up) {
    log::error("{}: nothing could be written for a minute: the rest of the input is not read", camera_.path());
  }
  if (lost > 0 || unpublished > 0 || given_up) {
    const std::uint64_t all = std::max(counts.written, deleted) - deleted + lost;
    const std::string& reason = recorder_->first_loss();
    log::error("{}: {} of {} frames are lost on the way to the disk{}{}", camera_.path(), lost, all,
               lost == 0 ? "" : fmt::format(" (first: {})", reason.empty() ? "deleted" : reason),
               unpublished == 0 ? "" : fmt::format(", {} files are not published yet", unpublished));
    return static_cast<int>(ExitCode::io_error);
  }
  if (last == wire::stream::Pull::end && counts.written == 0) fail_without_pictures(reader);
  return 0;
}

void Recording::fail_without_pictures(const wire::stream::Reader& reader) const {
  const std::uint64_t came = recorder_->counts().skipped + reader.stats().dropped;
  throw Error(ExitCode::bad_data,
              came == 0
                  ? "no frame came before the input ended: nothing is recorded"
                  : fmt::format("{} frames came before the input ended, all of them damaged or without a keyframe "
                                "in front: nothing is recorded",
                                came));
}

wire::stream::Pull Recording::read(wire::stream::Reader& reader, cli::Telemetry& telemetry, const Stop& stop) {
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
      case wire::stream::Pull::packet:
        if (push(std::move(reader.packet()), telemetry, stop) == PacketQueue::Pushed::given_up) {
          return wire::stream::Pull::stopped;
        }
        break;
      case wire::stream::Pull::end:
      case wire::stream::Pull::stopped:
        return pull;
    }
  }
}

PacketQueue::Pushed Recording::push(media::Packet packet, cli::Telemetry& telemetry, const Stop& stop) {
  if (disk_given_up_.load()) return PacketQueue::Pushed::given_up;
  const std::int64_t now = monotonic_ns();
  if (packet.track == media::Track::video) {
    telemetry.frame_in(packet.payload.size());
    pace_.note(packet.pts_us, now, packet.captured_ns);
  }
  PacketQueue::Wait wait{.at_most = pace_.may_wait(now), .go_on = [&] {
                           telemetry.alive();
                           return !stop.wanted() && !disk_given_up_.load();
                         }};
  if (!queue_.full_for(packet)) return queue_.push(std::move(packet), wait);
  if (wait.at_most.count() > 0) pace_.held();
  input_waits_.store(wait.at_most == wait.at_most.max());
  const auto pushed = queue_.push(std::move(packet), wait);
  input_waits_.store(false);
  return pushed;
}

void Recording::write(cli::Telemetry& telemetry, const Stop& stop) {
  while (write_some(stop)) report(telemetry);
  recorder_->finish(monotonic_ns());
  report(telemetry);
}

/// Answers false when there is no more to write.
bool Recording::write_some(const Stop& stop) {
  const bool too_late = stop_is_overdue(stop);
  if (recorder_->held_until_ns() || too_late) {
    if (!too_late && wait_for_the_disk(stop)) {
      recorder_->resume(monotonic_ns());
      return true;
    }
    recorder_->give_up_waiting();
    drain();
    return false;
  }
  const auto due_ns = recorder_->deadline_ns();
  if (end_seen_) {
    if (due_ns) recorder_->tick(*due_ns);
    return due_ns.has_value();
  }
  std::optional<std::chrono::steady_clock::time_point> deadline;
  if (due_ns) deadline.emplace(std::chrono::nanoseconds(*due_ns));
  if (auto item = queue_.pop(deadline)) take(*item);
  recorder_->tick(monotonic_ns());
  return true;
}

/// A signal leaves 10 s for everything; what the disk has not taken by half of that is lost, and told so.
bool Recording::stop_is_overdue(const Stop& stop) {
  constexpr std::int64_t kMostNs = 5'000'000'000;
  if (!stop.wanted()) return false;
  if (!stopping_since_ns_) stopping_since_ns_ = monotonic_ns();
  return !end_seen_ && monotonic_ns() - *stopping_since_ns_ > kMostNs;
}

/// Answers false when it has waited in vain for too long: no file and no end waits for ever for a disk.
bool Recording::wait_for_the_disk(const Stop& stop) {
  constexpr std::int64_t kInVainNs = 60'000'000'000;
  constexpr std::int64_t kAtTheEndNs = 4'000'000'000;  // a signal leaves 10 s for everything
  const std::chrono::steady_clock::time_point until{std::chrono::nanoseconds(*recorder_->held_until_ns())};
  const bool ended = queue_.ended_by(until);
  if (ended) std::this_thread::sleep_until(until);
  const std::int64_t now = monotonic_ns();
  const std::int64_t in_vain = now - recorder_->failing_since_ns().value_or(now);
  if (ended) return in_vain < (recorder_->held_by_backlog() && !stop.wanted() ? kInVainNs : kAtTheEndNs);
  if (!input_waits_.load() || in_vain < kInVainNs) return true;
  disk_given_up_.store(true);
  return false;
}

/// To the end of the input, all of it lost.
void Recording::drain() {
  while (!end_seen_) {
    auto item = queue_.pop(std::nullopt);
    if (const auto* packet = std::get_if<media::Packet>(&*item); packet != nullptr) {
      if (packet->track == media::Track::video) recorder_->lost(1, packet->pts_us);
    } else if (!std::holds_alternative<media::StreamFormat>(*item)) {
      take(*item);
    }
  }
}

void Recording::take(PacketQueue::Item& item) {
  if (auto* format = std::get_if<media::StreamFormat>(&item)) {
    recorder_->set_format(*format);
  } else if (auto* packet = std::get_if<media::Packet>(&item)) {
    recorder_->add(std::move(*packet), monotonic_ns());
  } else if (const auto* lost = std::get_if<PacketQueue::Lost>(&item)) {
    recorder_->lost(lost->frames, lost->from_us);
  } else {
    end_seen_ = true;
  }
}

void Recording::report(cli::Telemetry& telemetry) {
  const Recorder::Counts now = recorder_->counts();
  const std::uint64_t dropped = now.lost + now.skipped;
  if (dropped > reported_.lost + reported_.skipped) telemetry.drop(dropped - reported_.lost - reported_.skipped);
  const std::uint64_t wrote = now.written > reported_.written ? now.written - reported_.written : 0;
  const segment::Writer* segment = recorder_->current();
  if (wrote > 0 || segment == nullptr) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t before = current_bytes_;
    current_name_ = segment == nullptr ? "" : to_string(segment->record().name);
    current_us_ = segment == nullptr ? 0 : segment->record().duration_us;
    current_bytes_ = segment == nullptr ? 0 : segment->record().bytes;
    const std::uint64_t bytes = current_bytes_ > before ? current_bytes_ - before : 0;
    for (std::uint64_t i = 0; i < wrote; ++i) telemetry.frame_out(bytes / wrote);
  }
  // What a failed file had is written again: it has gone out once.
  reported_ = {.written = std::max(now.written, reported_.written), .skipped = now.skipped, .lost = now.lost};
}

std::string Recording::current_segment() const {
  const std::lock_guard lock(mutex_);
  if (current_name_.empty()) return "no segment open";
  return fmt::format("{} {} {}", current_name_, format_duration(std::chrono::seconds(current_us_ / 1'000'000)),
                     format_bytes(static_cast<std::int64_t>(current_bytes_)));
}

}  // namespace campipe::record
