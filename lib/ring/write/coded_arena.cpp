#include "ring/write/coded_arena.hpp"

#include <cstring>

namespace campipe::ring::write {

namespace {

constexpr std::uint64_t kAlign = 8;  // readers copy in words

}  // namespace

CodedArena::CodedArena(std::shared_ptr<kernel::Object> object, const layout::Geometry& geometry)
    : object_(std::move(object)), geometry_(geometry), parts_(*object_, geometry_), position_(layout::kRecords) {
  take_over(parts_.header->head.load(std::memory_order_relaxed));
}

void CodedArena::take_over(std::uint64_t head) {
  const layout::Header& header = *parts_.header;
  oldest_ = header.oldest_seq.load(std::memory_order_relaxed);
  end_ = header.arena_end.load(std::memory_order_relaxed);
  last_key_ = header.last_key_seq.load(std::memory_order_relaxed);
  bool good = oldest_ <= head + 1 && head + 1 - oldest_ <= layout::kRecords && last_key_ <= head &&
              end_ % kAlign == 0 && end_ < (std::uint64_t{1} << 62);
  std::uint64_t least = end_ > geometry_.slot_bytes ? end_ - geometry_.slot_bytes : 0;
  for (std::uint64_t seq = oldest_; good && seq <= head; ++seq) {
    const layout::Record& record = parts_.records[seq % layout::kRecords];
    const layout::RecordFields fields = record.load();
    good = record.seq.load(std::memory_order_relaxed) == seq && fields.position >= least && fields.position <= end_ &&
           fields.bytes <= end_ - fields.position;
    least = fields.position + fields.bytes;
    position_[seq % layout::kRecords] = fields.position;
  }
  if (good) return;
  oldest_ = head + 1;
  end_ = 0;
  last_key_ = 0;
  parts_.header->last_key_seq.store(0, std::memory_order_relaxed);
  parts_.header->oldest_seq.store(oldest_, std::memory_order_release);
}

/// Gives up what lies where the arena's next bytes, up to `end`, go, and the record of `seq`.
void CodedArena::free_until(std::uint64_t end, std::uint64_t seq) {
  const std::uint64_t room = geometry_.slot_bytes;
  const std::uint64_t before = oldest_;
  while (oldest_ < seq && (position_[oldest_ % layout::kRecords] + room < end || seq - oldest_ >= layout::kRecords)) {
    ++oldest_;
  }
  if (oldest_ == before) return;
  if (last_key_ != 0 && oldest_ > last_key_) {
    lost_keyframe_ = true;
    last_key_ = 0;
    parts_.header->last_key_seq.store(0, std::memory_order_relaxed);
  }
  parts_.header->oldest_seq.store(oldest_, std::memory_order_relaxed);
  // A sequence lock's fence: whoever reads one of the bytes written from here on, and then (acquire fence) oldest_seq,
  // sees that its unit is gone.
  std::atomic_thread_fence(std::memory_order_release);
}

void CodedArena::publish(layout::RecordFields fields, std::span<const std::byte> payload, std::uint64_t seq) {
  const std::uint64_t room = geometry_.slot_bytes;
  std::uint64_t begin = end_;
  if (begin % room + payload.size() > room) begin += room - begin % room;  // units lie in one piece
  const std::uint64_t end = (begin + payload.size() + kAlign - 1) / kAlign * kAlign;
  free_until(end, seq);
  std::memcpy(parts_.data + begin % room, payload.data(), payload.size());
  fields.bytes = payload.size();
  fields.position = begin;
  layout::Header& header = *parts_.header;
  layout::Record& record = parts_.records[seq % layout::kRecords];
  record.seq.store(0, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);  // as above: the 0 is before the new words
  record.store(fields);
  // Release: who loads this number (acquire) sees the unit and its record.
  record.seq.store(seq, std::memory_order_release);
  position_[seq % layout::kRecords] = begin;
  end_ = end;
  header.arena_end.store(end, std::memory_order_relaxed);
  if ((fields.flags & layout::kKeyframe) != 0 && (fields.flags & layout::kAudio) == 0) {
    last_key_ = seq;
    lost_keyframe_ = false;
    header.last_key_seq.store(seq, std::memory_order_relaxed);  // before head, whose release carries it
  }
  header.head.store(seq, std::memory_order_release);
}

}  // namespace campipe::ring::write
