#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <variant>

#include "media/packet.hpp"

namespace campipe::record {

/// Between the thread that reads the input and the one that writes to a disk that may be slow. Bounded: when it is full
/// and the input cannot wait, whole GOPs are left out, from the picture that did not fit to the next keyframe that
/// does.
class PacketQueue {
public:
  struct Lost {
    std::uint64_t frames = 0;
    std::int64_t from_us = 0;  ///< pts of the first
  };
  struct End {};
  using Item = std::variant<media::StreamFormat, media::Packet, Lost, End>;

  /// How long push() waits for room in a full queue.
  struct Wait {
    std::chrono::nanoseconds at_most{0};  ///< max() = without a limit
    std::function<bool()> go_on;          ///< called once a second meanwhile; false ends the wait
  };
  enum class Pushed {
    taken,
    left_out,  ///< counted as lost
    given_up,  ///< go_on() said so: not taken, not counted
  };

  explicit PacketQueue(std::size_t max_bytes = 64U << 20) : max_bytes_(max_bytes) {}

  void push(media::StreamFormat format);
  Pushed push(media::Packet packet, const Wait& wait);
  Pushed push(media::Packet packet) { return push(std::move(packet), Wait{}); }
  /// Whether push() would have to wait for room.
  bool full_for(const media::Packet& packet) const;
  /// The last item.
  void end();

  /// Waits for an item, at most until `deadline` (steady clock); empty: the time is over.
  std::optional<Item> pop(std::optional<std::chrono::steady_clock::time_point> deadline);

  /// Waits until `deadline` without taking anything; ends before and answers true once end() was called.
  bool ended_by(std::chrono::steady_clock::time_point deadline);

private:
  bool fits(const media::Packet& packet) const noexcept;
  /// Answers false when the wait was given up.
  bool wait_for_room(std::unique_lock<std::mutex>& lock, const media::Packet& packet, const Wait& wait);
  void put(Item item, std::size_t bytes);

  const std::size_t max_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable filled_, room_, ended_;
  std::deque<std::pair<Item, std::size_t>> items_;
  std::size_t bytes_ = 0;
  bool end_ = false;
  std::optional<Lost> lost_;  // left out since the last packet that fitted
};

}  // namespace campipe::record
