#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <variant>

#include "media/packet.hpp"

namespace campipe::record {

/// Between the thread that reads the input and never waits, and the one that writes to a disk that may. Bounded: when
/// it is full, whole GOPs are left out, from the picture that did not fit to the next keyframe that does.
class PacketQueue {
public:
  struct Lost {
    std::uint64_t frames = 0;
    std::int64_t from_us = 0;  ///< pts of the first
  };
  struct End {};
  using Item = std::variant<media::StreamFormat, media::Packet, Lost, End>;

  explicit PacketQueue(std::size_t max_bytes = 64U << 20) : max_bytes_(max_bytes) {}

  void push(media::StreamFormat format);
  /// Answers false when the packet was left out. @param wait  Waits for room instead: the input is a file.
  bool push(media::Packet packet, bool wait = false);
  /// The last item.
  void end();

  /// Waits for an item, at most until `deadline` (steady clock); empty: the time is over.
  std::optional<Item> pop(std::optional<std::chrono::steady_clock::time_point> deadline);

private:
  bool fits(const media::Packet& packet) const noexcept;
  void put(Item item, std::size_t bytes);

  const std::size_t max_bytes_;
  std::mutex mutex_;
  std::condition_variable filled_, room_;
  std::deque<std::pair<Item, std::size_t>> items_;
  std::size_t bytes_ = 0;
  std::optional<Lost> lost_;  // left out since the last packet that fitted
};

}  // namespace campipe::record
