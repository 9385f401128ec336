#include "ring/write/raw_slots.hpp"

#include <cstring>

#include "ring/kernel/futex.hpp"
#include "ring/kernel/lock.hpp"

namespace campipe::ring::write {

namespace {

constexpr std::uint32_t kMostRooms = 2;

}  // namespace

struct RawSlots::Holding {
  Holding(std::shared_ptr<kernel::Object> o, std::shared_ptr<Held> h, std::uint32_t s)
      : object(std::move(o)), held(std::move(h)), slot(s) {
    held->slot[slot].store(true, std::memory_order_relaxed);  // the writer's thread, which alone asks
    held->count.fetch_add(1, std::memory_order_relaxed);
  }
  ~Holding() {
    // Release: whatever this thread read of the slot is done before the writer finds it free (acquire there).
    held->slot[slot].store(false, std::memory_order_release);
    held->count.fetch_sub(1, std::memory_order_release);
  }
  Holding(const Holding&) = delete;
  Holding& operator=(const Holding&) = delete;

  std::shared_ptr<kernel::Object> object;  // keeps the mapping
  std::shared_ptr<Held> held;
  std::uint32_t slot;
};

RawSlots::RawSlots(std::shared_ptr<kernel::Object> object, const layout::Geometry& geometry)
    : object_(std::move(object)), geometry_(geometry), parts_(*object_, geometry_) {
  const std::uint64_t head = parts_.header->head.load(std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < geometry_.slots; ++i) {
    const std::uint64_t seq = parts_.records[i].seq.load(std::memory_order_relaxed);
    if (seq == head && seq != 0) newest_ = i;
    // A writer that was killed between these two stores of publish(): the number will be given again.
    if (seq > head) parts_.records[i].seq.store(0, std::memory_order_relaxed);
  }
}

/// A slot that is not the newest, not held here and not leased by any reader; its record is invalid from then on.
///
/// A reader locks the slot's byte and then looks whether the record still has the number it came for; we take the
/// number away and then look for locks. Both with a full fence between: at least one of the two sees the other
/// (Dekker's order), so a slot is never written to that a reader believes to have.
std::optional<std::uint32_t> RawSlots::acquire() {
  for (std::uint32_t i = 0; i < geometry_.slots; ++i) {
    const std::uint32_t slot = (next_ + i) % geometry_.slots;
    if (slot == newest_ || drawn_[slot] || held_->slot[slot].load(std::memory_order_acquire)) continue;
    // Asked before, too, so that the number of a leased slot hardly ever goes away for a moment.
    if (kernel::any_locked(object_->fd(), slot)) continue;
    layout::Record& record = parts_.records[slot];
    const std::uint64_t seq = record.seq.exchange(0, std::memory_order_seq_cst);
    // Sequentially consistent: orders the 0 before the look for locks, and (on ARM64 an exchange alone would not)
    // before the picture's bytes, which copying readers check the number after.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (kernel::any_locked(object_->fd(), slot)) {
      record.seq.store(seq, std::memory_order_release);  // nothing was written: it is what it was
      continue;
    }
    next_ = slot + 1;
    return slot;
  }
  return std::nullopt;
}

std::optional<Room> RawSlots::room(std::size_t bytes) {
  if (bytes > geometry_.slot_bytes || held_->count.load(std::memory_order_acquire) >= kMostRooms) return std::nullopt;
  for (std::uint32_t i = 0; i < geometry_.slots; ++i) {
    // A room that was given back unpublished.
    if (drawn_[i] && !held_->slot[i].load(std::memory_order_acquire)) drawn_[i] = false;
  }
  const auto slot = acquire();
  if (!slot) return std::nullopt;
  drawn_[*slot] = true;
  auto owner = std::make_shared<Holding>(object_, held_, *slot);
  return Room{{at(*slot), bytes}, std::move(owner)};
}

std::optional<std::uint32_t> RawSlots::room_of(std::span<const std::byte> payload) const noexcept {
  const auto begin = reinterpret_cast<std::uintptr_t>(parts_.data);
  const auto address = reinterpret_cast<std::uintptr_t>(payload.data());
  if (address < begin || address - begin >= geometry_.slots * geometry_.slot_bytes) return std::nullopt;
  const std::uint64_t offset = address - begin;
  const auto slot = static_cast<std::uint32_t>(offset / geometry_.slot_bytes);
  if (offset % geometry_.slot_bytes != 0 || !drawn_[slot]) return std::nullopt;
  return slot;
}

bool RawSlots::publish(layout::RecordFields fields, std::span<const std::byte> payload, std::uint64_t seq) {
  auto slot = room_of(payload);
  if (!slot) {
    slot = acquire();
    if (!slot) return false;
    std::memcpy(at(*slot), payload.data(), payload.size());
  }
  drawn_[*slot] = false;
  fields.bytes = payload.size();
  layout::Header& header = *parts_.header;
  layout::Record& record = parts_.records[*slot];
  record.store(fields);
  // Release: who loads this number (acquire) sees the picture and the record.
  record.seq.store(seq, std::memory_order_release);
  // Relaxed: before head, whose release carries it.
  header.slot_of[seq % layout::kIndex].store(*slot, std::memory_order_relaxed);
  header.head.store(seq, std::memory_order_release);
  newest_ = *slot;
  return true;
}

}  // namespace campipe::ring::write
