#include "ring/read/view.hpp"

#include <algorithm>

namespace campipe::ring::read {

namespace {

layout::Unit unit_of(const layout::RecordFields& fields, std::uint64_t seq) noexcept {
  layout::Unit unit;
  unit.seq = seq;
  unit.published_ns = fields.published_ns;
  unit.info.pts_us = fields.pts_us;
  unit.info.dts_us = fields.dts_us;
  unit.info.captured_ns = fields.captured_ns;
  unit.info.source_sequence = fields.source_sequence;
  unit.info.flags = fields.flags;
  unit.info.planes = fields.planes;
  unit.info.plane = fields.plane;
  return unit;
}

class RawView final : public View {
public:
  RawView(std::shared_ptr<kernel::Object> object, const layout::Geometry& geometry, Delivery delivery,
          std::uint32_t leases)
      : View(object, geometry, delivery), leases_(std::make_shared<Leases>(std::move(object))), most_(leases) {}

  Place join(bool stale) const noexcept override {
    const std::uint64_t head = header().head.load(std::memory_order_acquire);
    const bool any = head >= geometry_.first_seq && head > 0;
    return {.last = any && !stale ? head - 1 : head};
  }

  std::optional<Taken> take(Place& place) override {
    constexpr int kTries = 8;  // each lost to a writer that was once round meanwhile
    for (int i = 0; i < kTries; ++i) {
      // Acquire: slot_of and the record of every number up to this one are seen.
      const std::uint64_t head = header().head.load(std::memory_order_acquire);
      if (head <= place.last) return std::nullopt;
      for (std::uint64_t seq = first(place, head); seq <= head; seq = delivery_ == Delivery::live ? head : seq + 1) {
        if (auto taken = get(seq, place)) return taken;
        if (seq == head) break;
      }
    }
    return std::nullopt;
  }

private:
  /// Where to look first.
  std::uint64_t first(const Place& place, std::uint64_t head) const noexcept {
    const std::uint64_t window = geometry_.slots - 1;  // the last may be being written
    switch (delivery_) {
      case Delivery::in_order:
        return std::max(place.last + 1, head > window ? head - window : 1);
      case Delivery::live:
        return head - place.last < window ? place.last + 1 : head;
      case Delivery::newest:
        break;
    }
    return head;
  }

  std::optional<Taken> get(std::uint64_t seq, Place& place) {
    const std::uint32_t slot = header().slot_of[seq % layout::kIndex].load(std::memory_order_relaxed);
    if (slot >= geometry_.slots) return std::nullopt;
    const layout::Record& record = parts_.records[slot];
    const std::byte* const data = parts_.data + slot * geometry_.slot_bytes;
    Taken taken;
    std::shared_ptr<const void> owner = most_ > 0 ? leases_->take(slot, record, seq, most_) : nullptr;
    const bool leased = owner != nullptr;
    // Acquire: the picture and the record are seen with the number.
    if (!leased && record.seq.load(std::memory_order_acquire) != seq) return std::nullopt;
    const layout::RecordFields fields = record.load();
    const bool sane = fields.bytes <= geometry_.slot_bytes && fields.planes <= layout::kMaxPlanes &&
                      std::all_of(fields.plane.begin(), fields.plane.begin() + fields.planes,
                                  [&](const layout::Plane& plane) { return plane.offset <= fields.bytes; });
    taken.unit = unit_of(fields, seq);
    taken.generation = fields.generation;
    if (sane && leased) taken.unit.bytes = {data, fields.bytes};
    if (sane && !leased) taken.unit.bytes = copy(data, fields.bytes, owner);
    if (!leased) {
      // A sequence lock's second half: had a word of the copy been overwritten, the 0 that was stored before would be
      // seen.
      std::atomic_thread_fence(std::memory_order_acquire);
      if (record.seq.load(std::memory_order_relaxed) != seq) return std::nullopt;
    }
    if (!sane) {
      ++place.damaged;
      return std::nullopt;
    }
    taken.unit.owner = std::move(owner);
    taken.unit.leased = leased;
    taken.unit.lost = place.lost + (seq - place.last - 1);
    place.lost = 0;
    place.last = seq;
    return taken;
  }

  std::shared_ptr<Leases> leases_;
  std::uint32_t most_;
};

class CodedView final : public View {
public:
  using View::View;

  Place join(bool stale) const noexcept override {
    const std::uint64_t head = header().head.load(std::memory_order_acquire);
    const std::uint64_t key = header().last_key_seq.load(std::memory_order_relaxed);
    const std::uint64_t oldest = header().oldest_seq.load(std::memory_order_relaxed);
    const bool from_key = !stale && key != 0 && key >= oldest && key <= head;
    return {.last = from_key ? key - 1 : head, .need_key = true};
  }

  std::optional<Taken> take(Place& place) override {
    const std::uint64_t head = header().head.load(std::memory_order_acquire);
    if (head <= place.last) return std::nullopt;
    std::uint64_t seq = first(place, head);
    for (; seq <= head; ++seq) {
      Taken taken;
      if (!read(seq, taken, place)) continue;
      const bool video = (taken.unit.info.flags & layout::kAudio) == 0;
      const bool key = (taken.unit.info.flags & layout::kKeyframe) != 0;
      if (seq != place.last + 1) place.need_key = true;
      if (video && place.need_key && !key) {
        ++place.lost;
        place.lost += seq - place.last - 1;
        place.last = seq;
        continue;
      }
      if (video) place.need_key = false;
      taken.unit.lost = place.lost + (seq - place.last - 1);
      place.lost = 0;
      place.last = seq;
      return taken;
    }
    place.lost += head - place.last;
    place.last = head;
    place.need_key = true;
    return std::nullopt;
  }

private:
  /// The first to try: the next one, or where a decoder can begin when that is gone or, newest wins, late.
  std::uint64_t first(const Place& place, std::uint64_t head) const noexcept {
    const std::uint64_t next = place.last + 1;
    const std::uint64_t key = header().last_key_seq.load(std::memory_order_relaxed);
    const std::uint64_t least = std::max(header().oldest_seq.load(std::memory_order_relaxed),
                                         head >= layout::kRecords ? head - layout::kRecords + 1 : std::uint64_t{1});
    const bool key_there = key > next && key >= least && key <= head;
    if (key_there && (next < least || delivery_ == Delivery::newest)) return key;
    return std::clamp(next, std::min(least, head), head);
  }

  bool read(std::uint64_t seq, Taken& taken, Place& place) {
    const layout::Record& record = parts_.records[seq % layout::kRecords];
    // Acquire: the record's words are seen with its number.
    if (record.seq.load(std::memory_order_acquire) != seq) return false;
    const layout::RecordFields fields = record.load();
    const std::uint64_t room = geometry_.slot_bytes;
    const std::uint64_t begin = fields.position % room;
    const bool sane = fields.bytes <= room - begin && begin % 8 == 0;
    taken.unit = unit_of(fields, seq);
    taken.generation = fields.generation;
    std::shared_ptr<const void> owner;
    if (sane) taken.unit.bytes = copy(parts_.data + begin, fields.bytes, owner);
    // A sequence lock's second half: had a word of the copy or of the record been overwritten, oldest_seq or the
    // record's number, stored before it, would tell.
    std::atomic_thread_fence(std::memory_order_acquire);
    if (header().oldest_seq.load(std::memory_order_relaxed) > seq ||
        record.seq.load(std::memory_order_relaxed) != seq) {
      return false;
    }
    if (!sane) ++place.damaged;
    taken.unit.owner = std::move(owner);
    return sane;
  }
};

}  // namespace

std::span<const std::byte> View::copy(const std::byte* from, std::size_t bytes, std::shared_ptr<const void>& owner) {
  auto buffer = copies_.get(bytes);
  copy_words(buffer.get(), from, bytes);
  const auto* begin = reinterpret_cast<const std::byte*>(buffer.get());
  owner = std::move(buffer);
  return {begin, bytes};
}

std::optional<std::int64_t> View::newest_published_ns() const noexcept {
  const std::uint64_t head = header().head.load(std::memory_order_acquire);
  std::uint64_t at = head % layout::kRecords;
  if (geometry_.kind == layout::Kind::raw) at = header().slot_of[head % layout::kIndex].load(std::memory_order_relaxed);
  if (head < geometry_.first_seq || at >= geometry_.slots) return std::nullopt;
  return parts_.records[at].load().published_ns;
}

std::unique_ptr<View> make_view(std::shared_ptr<kernel::Object> object, const layout::Geometry& geometry,
                                Delivery delivery, std::uint32_t leases) {
  if (geometry.kind == layout::Kind::raw) {
    return std::make_unique<RawView>(std::move(object), geometry, delivery, leases);
  }
  return std::make_unique<CodedView>(std::move(object), geometry, delivery);
}

}  // namespace campipe::ring::read
