#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "ring/layout/layout.hpp"

namespace campipe::ring::layout {

/// What is known of one raw picture or one access unit.
struct UnitInfo {
  std::int64_t pts_us = 0;            ///< Unix time on the stream's clock
  std::int64_t dts_us = 0;            ///< with kHasDts
  std::int64_t captured_ns = 0;       ///< CLOCK_MONOTONIC, with kHasCapture
  std::uint64_t source_sequence = 0;  ///< the driver's count, with kHasSequence
  std::uint32_t flags = 0;            ///< kKeyframe …
  std::uint32_t planes = 0;           ///< raw: entries of `plane`; 0 = tight planes one after the other
  std::array<Plane, kMaxPlanes> plane{};
};

/// A unit in a reader's hands. `bytes` stay as they are while `owner` lives: it holds the lease, or the copy.
struct Unit {
  UnitInfo info;
  std::uint64_t seq = 0;          ///< the ring's own count
  std::uint64_t lost = 0;         ///< units between the one before and this that this reader did not get
  std::int64_t published_ns = 0;  ///< CLOCK_MONOTONIC
  bool leased = false;            ///< the bytes are the ring's own
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

}  // namespace campipe::ring::layout
