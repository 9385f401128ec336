#include "ring/write/writer.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <variant>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "base/units.hpp"
#include "ring/kernel/command.hpp"
#include "ring/kernel/futex.hpp"
#include "ring/kernel/names.hpp"
#include "ring/layout/format_table.hpp"
#include "ring/layout/geometry.hpp"
#include "ring/write/coded_arena.hpp"
#include "ring/write/control.hpp"
#include "ring/write/raw_slots.hpp"

namespace campipe::ring::write {

namespace {

constexpr std::uint64_t kDefaultArena = std::uint64_t{16} << 20;
constexpr std::uint64_t kMostGrownArena = std::uint64_t{512} << 20;
constexpr std::uint64_t kLastSeq = std::uint64_t{1} << 62;

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

/// Nobody but the owner may write pictures, whatever the mode says of wishes.
mode_t object_mode(mode_t mode) noexcept {
  return (mode & 0444) | 0600;
}

}  // namespace

struct Writer::State {
  explicit State(Options o)
      : options((check(o), std::move(o))),
        control(options.name, options.mode, options.group),
        shown("shm:" + options.name) {
    look_at_the_last();
  }
  ~State() { leave(); }

  void look_at_the_last();
  bool fits(std::uint64_t bytes) const noexcept;
  void prepare(std::uint64_t bytes);
  bool take_over(std::uint64_t bytes);
  void renew(std::uint64_t bytes);
  void use(std::shared_ptr<kernel::Object> object, const layout::Geometry& g);
  void sign() noexcept;
  void show_format() noexcept;
  bool put(const layout::UnitInfo& info, std::span<const std::byte> payload);
  void wake() noexcept;
  void drop(std::uint64_t units = 1) noexcept;
  void leave() noexcept;
  bool escape(std::uint64_t bytes);
  layout::Header& header() noexcept { return *parts.header; }

  const Options options;
  Control control;
  const std::string shown;
  std::optional<layout::Format> inherited;
  std::optional<layout::Format> format;
  bool format_is_new = false;
  std::shared_ptr<kernel::Object> object;
  layout::Geometry geometry;
  layout::Parts parts;
  std::variant<std::monostate, RawSlots, CodedArena> store;
  std::uint64_t seq = 0;
  std::uint64_t arena_bytes = 0;  ///< for the next ring
  std::uint32_t generation = 0;
  Stats stats;
  bool complained = false;
  std::int64_t escaped_ns = 0;
  std::atomic<std::uint32_t> interrupts{0};
  std::uint32_t interrupts_seen = 0;
};

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

bool Writer::State::fits(std::uint64_t bytes) const noexcept {
  if (!object || object->damaged() || geometry.kind != format->kind()) return false;
  if (const auto* arena = std::get_if<CodedArena>(&store)) {
    return arena->takes(bytes) && geometry.slot_bytes >= std::min(arena_bytes, kMostGrownArena);
  }
  return bytes <= geometry.slot_bytes;
}

/// A ring that units of `bytes` bytes go into, and the format in it.
void Writer::State::prepare(std::uint64_t bytes) {
  if (!fits(bytes) && (object || !take_over(bytes))) renew(bytes);
  if (std::exchange(format_is_new, false)) show_format();
}

/// Goes on with the ring of a writer that died or left. Answers false when it does not fit.
bool Writer::State::take_over(std::uint64_t bytes) {
  int error = 0;
  auto last = kernel::Object::open(kernel::object_path(options.name), kernel::Object::Access::read_write, error);
  if (!last || last->owner() != ::geteuid()) return false;
  layout::Geometry g;
  std::string why;
  if (!layout::read_geometry(*last, g, why) || g.kind != format->kind()) return false;
  const layout::Parts old(*last, g);
  const std::uint64_t head = old.header->head.load(std::memory_order_relaxed);
  if (old.header->state.load(std::memory_order_relaxed) == layout::kRetired || head >= kLastSeq) return false;
  const bool room =
      g.kind == layout::Kind::raw
          ? g.slots == options.slots && g.tickets == g.slots - layout::kUnleasedSlots && bytes <= g.slot_bytes
          : g.slot_bytes / 4 >= bytes &&
                (options.arena_bytes == 0 ||
                 g.slot_bytes / kernel::kPage == (options.arena_bytes + kernel::kPage - 1) / kernel::kPage);
  if (!room) return false;
  ::fchmod(last->fd(), object_mode(options.mode));
  seq = head;
  generation = old.header->generation.load(std::memory_order_relaxed);
  use(std::move(last), g);
  header().epoch.fetch_add(1, std::memory_order_relaxed);
  sign();
  header().state.store(layout::kLive, std::memory_order_release);
  return true;
}

/// A new ring under the name. Readers of the old one, if any, read it to its end and follow.
void Writer::State::renew(std::uint64_t bytes) {
  const bool raw = format->kind() == layout::Kind::raw;
  std::uint64_t room = bytes;
  if (!raw) {
    arena_bytes = std::max({arena_bytes, options.arena_bytes != 0 ? options.arena_bytes : kDefaultArena, 4 * bytes});
    room = arena_bytes;
  }
  layout::Geometry g = layout::make_geometry(format->kind(), options.slots, room);
  int error = 0;
  auto old = object;
  if (!old) old = kernel::Object::open(kernel::object_path(options.name), kernel::Object::Access::read_write, error);
  layout::Geometry before;
  std::string why;
  const bool known = old && old->owner() == ::geteuid() && layout::read_geometry(*old, before, why);
  const std::uint64_t head = object  ? seq
                             : known ? layout::Parts(*old, before).header->head.load(std::memory_order_relaxed)
                                     : 0;
  const bool goes_on = known && head < kLastSeq;
  g.lineage = goes_on ? before.lineage : random_u64();
  g.first_seq = (goes_on ? head : 0) + 1;

  const std::string path = kernel::object_path(options.name), fresh = path + ".new";
  ::unlink(fresh.c_str());  // of a writer that was killed just here; we have its lock now
  auto made = kernel::Object::create(fresh, g.total_bytes, object_mode(options.mode), options.group, shown);
  layout::Header& top = *reinterpret_cast<layout::Header*>(made->data());
  top.version = layout::kVersion;
  top.kind = static_cast<std::uint32_t>(g.kind);
  top.total_bytes = g.total_bytes;
  top.lineage = g.lineage;
  top.slots = g.slots;
  top.tickets = g.tickets;
  top.slot_bytes = g.slot_bytes;
  top.records_offset = layout::kRecordsOffset;
  top.data_offset = g.data_offset;
  top.first_seq = g.first_seq;
  top.created_us = realtime_us();
  std::copy_n(boot_id().begin(), std::min(boot_id().size(), top.boot_id.size() - 1), top.boot_id.begin());
  top.state.store(layout::kLive, std::memory_order_relaxed);
  top.epoch.store(1, std::memory_order_relaxed);
  top.head.store(g.first_seq - 1, std::memory_order_relaxed);
  top.oldest_seq.store(g.first_seq, std::memory_order_relaxed);
  top.futex.store(static_cast<std::uint32_t>(g.first_seq - 1), std::memory_order_relaxed);
  if (known) {
    const layout::Header& last = *layout::Parts(*old, before).header;
    top.epoch.store(last.epoch.load(std::memory_order_relaxed) + (object ? 0 : 1), std::memory_order_relaxed);
    top.units.store(last.units.load(std::memory_order_relaxed), std::memory_order_relaxed);
    top.bytes.store(last.bytes.load(std::memory_order_relaxed), std::memory_order_relaxed);
    top.dropped.store(last.dropped.load(std::memory_order_relaxed), std::memory_order_relaxed);
    generation = std::max(generation, last.generation.load(std::memory_order_relaxed));
  }
  // Release: whoever sees the magic sees all of the header.
  top.magic.store(layout::kMagic, std::memory_order_release);
  seq = g.first_seq - 1;
  store.emplace<std::monostate>();
  use(std::move(made), g);
  sign();
  show_format();  // so that a ring has one from its first moment under its name
  format_is_new = false;
  if (::rename(fresh.c_str(), path.c_str()) != 0) throw_errno(errno, shown + ": cannot put the ring in place");
  if (known) {
    layout::Header& last = *layout::Parts(*old, before).header;
    // Release: who sees it (acquire) finds the new ring under the name.
    last.state.store(layout::kRetired, std::memory_order_release);
    kernel::wake_all(last.futex);
  }
}

void Writer::State::use(std::shared_ptr<kernel::Object> next, const layout::Geometry& g) {
  object = std::move(next);
  geometry = g;
  parts = layout::Parts(*object, g);
  if (g.kind == layout::Kind::raw) {
    store.emplace<RawSlots>(object, g);
  } else {
    store.emplace<CodedArena>(object, g);
  }
}

/// Who writes, for those who look.
void Writer::State::sign() noexcept {
  header().writer_pid.store(static_cast<std::uint32_t>(::getpid()), std::memory_order_relaxed);
  header().writer_since_us.store(realtime_us(), std::memory_order_relaxed);
  const auto command = kernel::own_command();
  for (std::size_t i = 0; i < command.size(); ++i) {
    header().writer_comm[i].store(command[i], std::memory_order_relaxed);
  }
}

void Writer::State::show_format() noexcept {
  if (++generation == 0) generation = 1;
  put_format(parts.formats, generation, *format);
  // Release: the table is seen with it. Readers take the number from a unit's record; this one is for onlookers.
  header().generation.store(generation, std::memory_order_release);
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

/// Every slot is locked, which no reader of ours does: somebody locks them all. A new ring has none of their locks.
/// Answers false when that was done a moment ago: it must not become a way to fill this machine's memory.
bool Writer::State::escape(std::uint64_t bytes) {
  constexpr std::int64_t kBetweenNs = 10'000'000'000;
  const std::int64_t now = monotonic_ns();
  if (geometry.kind != layout::Kind::raw || (escaped_ns != 0 && now - escaped_ns < kBetweenNs)) return false;
  escaped_ns = now;
  log::warning("{}: another program locks all of its slots: made anew, readers follow", shown);
  try {
    renew(bytes);
  } catch (const Error& error) {
    log::warning("{}", error.what());
    return false;
  }
  return true;
}

/// In order: what nobody reads goes away; what somebody reads waits for the next writer.
void Writer::State::leave() noexcept {
  if (!control.object().is_ours()) return;
  if (object) {
    header().state.store(layout::kClosed, std::memory_order_release);
    std::atomic_thread_fence(std::memory_order_seq_cst);  // before the look for readers, see Reader::State::leave()
    kernel::wake_all(header().futex);
  }
  const std::string ctl = kernel::control_path(options.name);
  if (!control.alone() || !control.object().is_at(ctl)) return;
  if (object && object->is_at(kernel::object_path(options.name))) ::unlink(kernel::object_path(options.name).c_str());
  ::unlink(ctl.c_str());  // ours as long as we hold its lock
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
  if (!s.control.object().is_ours()) {
    throw Error(ExitCode::internal, s.shown + ": a forked child cannot write its parent's ring");
  }
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

bool Writer::wanted() {
  return state_->control.wanted();
}

bool Writer::keyframe_wanted() noexcept {
  return state_->control.keyframe_wanted();
}

void Writer::wait_for_wish(int timeout_ms) {
  constexpr int kMostMs = 500;  // a reader that was killed tells nobody
  State& s = *state_;
  const std::uint32_t now = s.interrupts.load(std::memory_order_acquire);
  if (now != s.interrupts_seen) {
    s.interrupts_seen = now;
    return;
  }
  s.control.wait(s.interrupts, now, std::clamp(timeout_ms, 0, kMostMs));
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
