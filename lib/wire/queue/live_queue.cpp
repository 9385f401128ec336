#include "wire/queue/live_queue.hpp"

#include <algorithm>
#include <utility>

namespace campipe::wire::queue {

namespace {

using media::Packet;
using media::Track;

constexpr std::size_t kMostPictures = 4;
constexpr std::int64_t kMostPicturesUs = 250'000;
constexpr std::size_t kMostCoded = 1000;
constexpr std::size_t kMostCodedBytes = 64U << 20;
constexpr std::int64_t kMostCodedUs = 1'000'000;
constexpr std::size_t kMostAudio = 2000;
constexpr std::int64_t kMostAudioUs = 2'000'000;
/// Not live: what may wait before offer() does.
constexpr std::size_t kCodedRoom = 32;
constexpr std::size_t kAudioRoom = 128;

const Packet* packet_of(const LiveQueue::Item& item, Track track) noexcept {
  const auto* packet = std::get_if<Packet>(&item);
  return packet != nullptr && packet->track == track ? packet : nullptr;
}

}  // namespace

void LiveQueue::set_format(const media::StreamFormat& format) {
  codec_ = format.video.codec;
  until_key_ = false;
  items_.emplace_back(format);
}

/// Of two with nothing between them only the last counts, so that no more of them wait than packets.
void LiveQueue::set_source(const SourceStatus& status) {
  if (!items_.empty() && std::holds_alternative<SourceStatus>(items_.back())) {
    items_.back() = status;
  } else {
    items_.emplace_back(status);
  }
}

bool LiveQueue::intra_only() const noexcept {
  return codec_ == media::VideoCodec::raw || codec_ == media::VideoCodec::mjpeg;
}

bool LiveQueue::has_room(Track track) const noexcept {
  if (live_) return true;
  if (track == Track::audio) return audio_ < kAudioRoom;
  return video_ < (intra_only() ? kMostPictures : kCodedRoom) && video_bytes_ < kMostCodedBytes;
}

LiveQueue::Dropped LiveQueue::push(const Packet& packet) {
  if (!live_) {
    add(packet);
    return {};
  }
  if (packet.track == Track::audio) return push_audio(packet);
  return intra_only() ? push_picture(packet) : push_coded(packet);
}

LiveQueue::Dropped LiveQueue::push_audio(const Packet& packet) {
  Dropped dropped;
  while (audio_ >= kMostAudio || waits_us(Track::audio, packet) > kMostAudioUs)
    dropped.audio += drop_oldest(Track::audio);
  add(packet);
  return dropped;
}

LiveQueue::Dropped LiveQueue::push_picture(const Packet& packet) {
  Dropped dropped;
  while (video_ >= kMostPictures || waits_us(Track::video, packet) > kMostPicturesUs) {
    dropped.video += drop_oldest(Track::video);
  }
  add(packet);
  return dropped;
}

LiveQueue::Dropped LiveQueue::push_coded(const Packet& packet) {
  Dropped dropped;
  if (until_key_ && !packet.keyframe) return {.video = 1};
  if (video_ >= kMostCoded || video_bytes_ >= kMostCodedBytes || waits_us(Track::video, packet) > kMostCodedUs) {
    while (video_ > 0) dropped.video += drop_oldest(Track::video);
    mark_next_ = true;
    if (!packet.keyframe) {
      until_key_ = true;
      return {.video = dropped.video + 1};
    }
  }
  until_key_ = false;
  add(packet);
  return dropped;
}

void LiveQueue::add(const Packet& packet) {
  items_.emplace_back(packet);
  ++count(packet.track);
  if (packet.track != Track::video) return;
  video_bytes_ += packet.payload.size();
  if (std::exchange(mark_next_, false)) std::get<Packet>(items_.back()).discontinuity = true;
}

std::deque<LiveQueue::Item>::iterator LiveQueue::oldest(Track track) {
  return std::ranges::find_if(items_, [&](const Item& item) { return packet_of(item, track) != nullptr; });
}

/// Media time from the packet that waits longest to `newest`; a clock that stepped back counts as long.
std::int64_t LiveQueue::waits_us(Track track, const Packet& newest) {
  const auto first = count(track) > 0 ? oldest(track) : items_.end();
  if (first == items_.end()) return 0;
  return std::abs(media::decode_time_us(newest) - media::decode_time_us(*packet_of(*first, track)));
}

std::uint64_t LiveQueue::drop_oldest(Track track) {
  const auto first = oldest(track);
  if (track == Track::video) video_bytes_ -= packet_of(*first, track)->payload.size();
  --count(track);
  const auto next = items_.erase(first);
  if (track == Track::audio) return 1;
  const auto follower =
      std::find_if(next, items_.end(), [](const Item& item) { return packet_of(item, Track::video) != nullptr; });
  if (follower != items_.end()) {
    std::get<Packet>(*follower).discontinuity = true;
  } else {
    mark_next_ = true;
  }
  return 1;
}

LiveQueue::Item LiveQueue::pop() {
  Item item = std::move(items_.front());
  items_.pop_front();
  if (const auto* packet = std::get_if<Packet>(&item)) {
    --count(packet->track);
    if (packet->track == Track::video) video_bytes_ -= packet->payload.size();
  }
  return item;
}

void LiveQueue::clear() noexcept {
  items_.clear();
  video_ = audio_ = video_bytes_ = 0;
}

}  // namespace campipe::wire::queue
