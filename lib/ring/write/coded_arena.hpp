#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ring/layout/geometry.hpp"
#include "ring/layout/unit.hpp"

namespace campipe::ring::write {

/// The writer's side of a coded ring: access units one after the other in an arena that is written round and round, a
/// record each. Nobody can hold anything here: before bytes are overwritten, `oldest_seq` says so. One thread.
class CodedArena {
public:
  /// Goes on behind what lies there; what does not make sense is dropped.
  CodedArena(std::shared_ptr<kernel::Object> object, const layout::Geometry& geometry);

  /// Whether a unit of that size may go in: at most a quarter, so that a few always are there for readers.
  bool takes(std::uint64_t bytes) const noexcept { return bytes <= geometry_.slot_bytes / 4; }

  /// Makes it the newest, as number `seq`. takes() must allow it.
  void publish(layout::RecordFields fields, std::span<const std::byte> payload, std::uint64_t seq);

  /// Whether the newest keyframe was overwritten before a newer one came: a GOP does not fit, joiners would wait.
  bool lost_keyframe() const noexcept { return lost_keyframe_; }

private:
  void take_over(std::uint64_t head);
  void free_until(std::uint64_t end, std::uint64_t seq);

  std::shared_ptr<kernel::Object> object_;
  layout::Geometry geometry_;
  layout::Parts parts_;
  std::vector<std::uint64_t> position_;  ///< of the units in the ring: our own copy, by number modulo kRecords
  std::uint64_t oldest_ = 1, end_ = 0, last_key_ = 0;
  bool lost_keyframe_ = false;
};

}  // namespace campipe::ring::write
