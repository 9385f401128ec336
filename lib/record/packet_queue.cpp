#include "record/packet_queue.hpp"

#include <algorithm>

namespace campipe::record {

namespace {

constexpr std::size_t kItemBytes = sizeof(PacketQueue::Item) + 64;  // so that empty packets are bounded too

}  // namespace

void PacketQueue::push(media::StreamFormat format) {
  const std::lock_guard lock(mutex_);
  const std::size_t bytes =
      kItemBytes + format.video.parameter_sets.size() + (format.audio ? format.audio->extradata.size() : 0);
  // No packet between two formats: the first is of no use. So a full queue does not grow by formats either.
  if (!items_.empty() && std::holds_alternative<media::StreamFormat>(items_.back().first)) {
    bytes_ -= items_.back().second;
    items_.pop_back();
  }
  put(std::move(format), bytes);
}

PacketQueue::Pushed PacketQueue::push(media::Packet packet, const Wait& wait) {
  std::unique_lock lock(mutex_);
  const bool video = packet.track == media::Track::video;
  const bool leaves_out = lost_ && video && !packet.keyframe;  // until the next keyframe
  if (!leaves_out && !wait_for_room(lock, packet, wait)) return Pushed::given_up;
  if (leaves_out || !fits(packet)) {
    if (!video) return Pushed::left_out;
    if (!lost_) lost_ = Lost{.frames = 0, .from_us = packet.pts_us};
    ++lost_->frames;
    return Pushed::left_out;
  }
  if (lost_ && video) {
    put(*lost_, kItemBytes);
    lost_.reset();
  }
  const std::size_t bytes = packet.payload.size() + kItemBytes;
  put(std::move(packet), bytes);
  return Pushed::taken;
}

bool PacketQueue::wait_for_room(std::unique_lock<std::mutex>& lock, const media::Packet& packet, const Wait& wait) {
  constexpr auto kTick = std::chrono::seconds(1);
  const auto begin = std::chrono::steady_clock::now();
  for (;;) {
    if (fits(packet)) return true;
    const auto left = wait.at_most - (std::chrono::steady_clock::now() - begin);
    if (left <= left.zero()) return true;
    room_.wait_for(lock, std::min<std::chrono::nanoseconds>(left, kTick), [&] { return fits(packet); });
    if (fits(packet)) return true;
    lock.unlock();
    const bool go_on = !wait.go_on || wait.go_on();
    lock.lock();
    if (!go_on) return false;
  }
}

bool PacketQueue::full_for(const media::Packet& packet) const {
  const std::lock_guard lock(mutex_);
  return !fits(packet);
}

/// An empty queue takes a packet of any size.
bool PacketQueue::fits(const media::Packet& packet) const noexcept {
  return items_.empty() || bytes_ + packet.payload.size() + kItemBytes <= max_bytes_;
}

void PacketQueue::end() {
  const std::lock_guard lock(mutex_);
  if (lost_) put(*lost_, kItemBytes);
  lost_.reset();
  put(End{}, kItemBytes);
  end_ = true;
  ended_.notify_all();
}

bool PacketQueue::ended_by(std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  return ended_.wait_until(lock, deadline, [this] { return end_; });
}

void PacketQueue::put(Item item, std::size_t bytes) {
  items_.emplace_back(std::move(item), bytes);
  bytes_ += bytes;
  filled_.notify_one();
}

std::optional<PacketQueue::Item> PacketQueue::pop(std::optional<std::chrono::steady_clock::time_point> deadline) {
  std::unique_lock lock(mutex_);
  const auto ready = [this] { return !items_.empty(); };
  if (!deadline) {
    filled_.wait(lock, ready);
  } else if (!filled_.wait_until(lock, *deadline, ready)) {
    return std::nullopt;
  }
  auto [item, bytes] = std::move(items_.front());
  items_.pop_front();
  bytes_ -= bytes;
  room_.notify_one();
  return std::move(item);
}

}  // namespace campipe::record
