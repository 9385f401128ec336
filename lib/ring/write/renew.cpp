// How a ring comes to be: taken over from the writer before, or made.
#include <algorithm>
#include <cerrno>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/random.hpp"
#include "ring/kernel/command.hpp"
#include "ring/kernel/futex.hpp"
#include "ring/kernel/names.hpp"
#include "ring/layout/format_table.hpp"
#include "ring/layout/source_field.hpp"
#include "ring/write/state.hpp"

namespace campipe::ring::write {

namespace {

constexpr std::uint64_t kDefaultArena = std::uint64_t{16} << 20;
constexpr std::uint64_t kLastSeq = std::uint64_t{1} << 62;

/// Nobody but the owner may write pictures, whatever the mode says of wishes.
mode_t object_mode(mode_t mode) noexcept {
  return (mode & 0444) | 0600;
}

}  // namespace

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
  if (noted != header().epoch.load(std::memory_order_relaxed)) header().epoch.fetch_add(1, std::memory_order_relaxed);
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
    const std::uint32_t epoch = last.epoch.load(std::memory_order_relaxed);
    top.epoch.store(epoch + (object || noted == epoch ? 0 : 1), std::memory_order_relaxed);
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
  if (source) layout::put_source(header(), *source);  // after the epoch, which it is stored with
}

void Writer::State::show_format() noexcept {
  if (++generation == 0) generation = 1;
  put_format(parts.formats, generation, *format);
  // Release: the table is seen with it. Readers take the number from a unit's record; this one is for onlookers.
  header().generation.store(generation, std::memory_order_release);
}

}  // namespace campipe::ring::write
