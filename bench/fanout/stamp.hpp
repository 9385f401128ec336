#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

/// When a frame left its source, carried inside the frame through every server: in a COM segment of a JPEG, in a
/// user_data_unregistered SEI of an H.264 access unit. CLOCK_MONOTONIC, so source and client share a machine.
namespace fanout {

/// A frame with room for a stamp.
struct StampedFrame {
  std::vector<std::byte> bytes;
  std::size_t stamp_at = 0;  ///< where its digits begin
};

/// The COM segment goes right behind SOI.
StampedFrame with_jpeg_stamp(std::span<const std::byte> jpeg);
/// The SEI goes before the first slice. `access_unit` is Annex B.
StampedFrame with_h264_stamp(std::span<const std::byte> access_unit);

/// Writes the time over the digits that are there.
void set_stamp(StampedFrame& frame, std::int64_t now_ns) noexcept;

/// The time in bytes that hold a whole stamp; nothing when they do not.
std::optional<std::int64_t> find_stamp(std::span<const std::byte> bytes) noexcept;

}  // namespace fanout
