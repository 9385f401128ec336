#include "ring/write/writer.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/units.hpp"
#include "ring/kernel/futex.hpp"
#include "ring/kernel/names.hpp"
#include "ring/layout/format_table.hpp"
#include "ring/write/state.hpp"

namespace campipe::ring::write {

namespace {

void check(const Writer::Options& options) {
  kernel::require_name(options.name);
  if (options.slots < layout::kMinSlots || options.slots > layout::kMaxSlots) {
    throw Error(ExitCode::usage, fmt::format("--ring-slots: cannot use {}: from {} to {}", options.slots,
                                             layout::kMinSlots, layout::kMaxSlots));
  }
  if (options.arena_bytes > layout::kMaxArenaBytes) {
    throw Error(ExitCode::usage, "--ring-size: cannot use " +
                                     format_bytes(static_cast<std::int64_t>(options.arena_bytes)) + ": at most 1 GiB");
  }
  if ((options.mode & ~mode_t{0777}) != 0 || (options.mode & 0600) != 0600) {
    throw Error(ExitCode::usage, fmt::format("--ring-mode: cannot use {:o}: from 600 to 777, as in 660", options.mode));
  }
}

}  // namespace

Writer::State::State(Options o)
    : options((check(o), std::move(o))),
      control(std::make_shared<Control>(options.name, options.mode, options.group)),
      shown("shm:" + options.name) {
  look_at_the_last();
}

/// What the writer before us left: its clock goes on, should it be of this boot.
void Writer::State::look_at_the_last() {
  int error = 0;
  const auto last = kernel::Object::open(kernel::object_path(options.name), kernel::Object::Access::read_only, error);
  layout::Geometry g;
  std::string why;
  if (!last) {
    if (error == ENOENT) return;
    throw_errno(error, shown + ": cannot open " + kernel::object_path(options.name));
  }
  if (last->owner() != ::geteuid()) {
    throw Error(ExitCode::permission,
                fmt::format("{}: belongs to user {}: take another name, or have them run 'camring rm {}'", shown,
                            kernel::user_name(last->owner()), options.name));
  }
  if (!layout::read_geometry(*last, g, why)) return;
  const layout::Parts old(*last, g);
  layout::Format found;
  const std::uint32_t newest = old.header->generation.load(std::memory_order_acquire);
  if (newest != 0 && get_format(old.formats, newest, found) && found.boot_id == boot_id()) inherited = found;
}

void Writer::State::drop(std::uint64_t units) noexcept {
  stats.dropped += units;
  if (object) header().dropped.fetch_add(units, std::memory_order_relaxed);
}

void Writer::State::wake() noexcept {
  // Release, as all of the unit: a reader that sees this value (acquire) sees head. The kernel compares it with what
  // the reader saw before it puts it to sleep, so no wake-up is missed.
  header().futex.store(static_cast<std::uint32_t>(seq), std::memory_order_release);
  kernel::wake_all(header().futex);
}

bool Writer::State::put(const layout::UnitInfo& info, std::span<const std::byte> payload) {
  layout::RecordFields fields{};
  fields.pts_us = info.pts_us;
  fields.dts_us = info.dts_us;
  fields.captured_ns = info.captured_ns;
  fields.source_sequence = info.source_sequence;
  fields.published_ns = monotonic_ns();
  fields.flags = info.flags;
  fields.generation = generation;
  fields.planes = std::min(info.planes, layout::kMaxPlanes);
  fields.plane = info.plane;
  if (auto* slots = std::get_if<RawSlots>(&store)) {
    if (!slots->publish(fields, payload, seq + 1)) return false;
    ++seq;
    return true;
  }
  std::get<CodedArena>(store).publish(fields, payload, ++seq);
  return true;
}

Writer::Writer(Options options) : state_(std::make_unique<State>(std::move(options))) {}
Writer::~Writer() = default;
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(Writer&&) noexcept = default;

void Writer::set_format(const layout::Format& format) {
  if (state_->format == format) return;
  layout::Format told;
  if (!layout::from_fields(layout::to_fields(format), told)) {
    throw Error(ExitCode::usage,
                state_->shown + ": " + describe(format) +
                    " cannot go into a ring: pictures have 1x1 to 16384x16384, a rate at most 1000000");
  }
  state_->format = format;
  state_->format_is_new = true;
}

const std::optional<layout::Format>& Writer::inherited() const noexcept {
  return state_->inherited;
}

std::optional<Room> Writer::room(std::size_t bytes) {
  State& s = *state_;
  if (!s.format || s.format->kind() != layout::Kind::raw || bytes == 0 || bytes > layout::kMaxUnitBytes)
    return std::nullopt;
  s.prepare(bytes);
  return std::get<RawSlots>(s.store).room(bytes);
}

bool Writer::publish(const layout::UnitInfo& info, std::span<const std::byte> payload) {
  State& s = *state_;
  if (!s.format) throw Error(ExitCode::internal, s.shown + ": a unit without a format");
  if (!s.control->object().is_ours()) {
    throw Error(ExitCode::internal, s.shown + ": a forked child cannot write its parent's ring");
  }
  s.look_after();
  if (payload.size() > layout::kMaxUnitBytes || payload.empty()) {
    s.drop();
    return false;
  }
  try {
    const bool key = (info.flags & layout::kKeyframe) != 0 && (info.flags & layout::kAudio) == 0;
    const auto* arena = std::get_if<CodedArena>(&s.store);
    if (arena != nullptr && key && arena->lost_keyframe() && s.options.arena_bytes == 0) {
      s.arena_bytes = std::min(2 * s.geometry.slot_bytes, kMostGrownArena);  // a GOP shall fit
    }
    s.prepare(payload.size());
  } catch (const Error& error) {
    if (!s.object || error.code() != ExitCode::cannot_create) throw;
    if (!std::exchange(s.complained, true)) log::warning("{}", error.what());
    s.arena_bytes = 0;
    const auto* arena = std::get_if<CodedArena>(&s.store);
    const bool goes = s.geometry.kind == s.format->kind() &&
                      (arena != nullptr ? arena->takes(payload.size()) : payload.size() <= s.geometry.slot_bytes);
    if (!goes || s.object->damaged()) {
      s.drop();
      return false;
    }
  }
  const auto* slots = std::get_if<RawSlots>(&s.store);
  const bool in_place = slots != nullptr && slots->is_room(payload);
  if (!s.put(info, payload) && !(s.escape(payload.size()) && s.put(info, payload))) {
    s.drop();
    return false;
  }
  if (in_place) ++s.stats.in_place;
  if ((info.flags & layout::kAudio) == 0) {
    ++s.stats.units;
    s.header().units.fetch_add(1, std::memory_order_relaxed);
  }
  s.stats.bytes += payload.size();
  s.header().bytes.fetch_add(payload.size(), std::memory_order_relaxed);
  s.wake();
  return true;
}

void Writer::set_source(const SourceStatus& status) {
  state_->set_source(status);
}

bool Writer::wanted() {
  return state_->control_now()->wanted();
}

bool Writer::keyframe_wanted() noexcept {
  return state_->control_now()->keyframe_wanted();
}

void Writer::wait_for_wish(int timeout_ms) {
  constexpr int kMostMs = 500;  // a reader that was killed tells nobody
  State& s = *state_;
  const std::uint32_t now = s.interrupts.load(std::memory_order_acquire);
  if (now != s.interrupts_seen) {
    s.interrupts_seen = now;
    return;
  }
  s.control_now()->wait(s.interrupts, now, std::clamp(timeout_ms, 0, kMostMs));
}

void Writer::interrupt() noexcept {
  state_->interrupts.fetch_add(1, std::memory_order_release);
  kernel::wake_all(state_->interrupts);
}

const Writer::Stats& Writer::stats() const noexcept {
  return state_->stats;
}

const std::string& Writer::name() const noexcept {
  return state_->options.name;
}

}  // namespace campipe::ring::write
