#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "ring/layout/geometry.hpp"
#include "ring/layout/unit.hpp"
#include "ring/write/writer.hpp"

namespace campipe::ring::write {

/// The writer's side of a raw ring: finds slots that nobody holds, fills them, shows them. One thread, but for what
/// owners of rooms do.
class RawSlots {
public:
  RawSlots(std::shared_ptr<kernel::Object> object, const layout::Geometry& geometry);

  /// At most two rooms are out at a time, so that publish() always finds a slot (layout::kUnleasedSlots).
  std::optional<Room> room(std::size_t bytes);

  /// Makes it the newest, as number `seq`. Answers false when no slot was free.
  bool publish(layout::RecordFields fields, std::span<const std::byte> payload, std::uint64_t seq);

  /// Whether `payload` begins at a room that was not published yet.
  bool is_room(std::span<const std::byte> payload) const noexcept { return room_of(payload).has_value(); }

private:
  struct Held {
    std::array<std::atomic<bool>, layout::kMaxSlots> slot{};
    std::atomic<std::uint32_t> count{0};
  };
  struct Holding;  // what a room's owner is

  std::optional<std::uint32_t> acquire();
  std::optional<std::uint32_t> room_of(std::span<const std::byte> payload) const noexcept;
  std::byte* at(std::uint32_t slot) const noexcept { return parts_.data + slot * geometry_.slot_bytes; }

  std::shared_ptr<kernel::Object> object_;
  layout::Geometry geometry_;
  layout::Parts parts_;
  std::shared_ptr<Held> held_ = std::make_shared<Held>();
  std::array<bool, layout::kMaxSlots> drawn_{};  ///< given out by room() and not published
  std::optional<std::uint32_t> newest_;
  std::uint32_t next_ = 0;
};

}  // namespace campipe::ring::write
