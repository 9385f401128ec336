#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <variant>

#include "base/source_status.hpp"
#include "media/packet.hpp"

namespace campipe::wire::queue {

/// What waits for the thread of a LiveOutput, and what goes when it does not keep up. Not thread-safe.
class LiveQueue {
public:
  using Item = std::variant<media::StreamFormat, media::Packet, SourceStatus>;
  struct Dropped {
    std::uint64_t video = 0;
    std::uint64_t audio = 0;
  };

  explicit LiveQueue(bool live) noexcept : live_(live) {}

  void set_format(const media::StreamFormat& format);
  void set_source(const SourceStatus& status);
  /// Takes a packet, and drops what the rules of LiveOutput say; with `live` only.
  Dropped push(const media::Packet& packet);
  /// Whether a packet of this track may come now; always when `live`.
  bool has_room(media::Track track) const noexcept;

  bool empty() const noexcept { return items_.empty(); }
  Item pop();
  void clear() noexcept;

private:
  bool intra_only() const noexcept;
  Dropped push_audio(const media::Packet& packet);
  Dropped push_picture(const media::Packet& packet);
  Dropped push_coded(const media::Packet& packet);
  void add(const media::Packet& packet);
  std::deque<Item>::iterator oldest(media::Track track);
  std::uint64_t drop_oldest(media::Track track);
  std::int64_t waits_us(media::Track track, const media::Packet& newest);
  std::size_t& count(media::Track track) noexcept { return track == media::Track::video ? video_ : audio_; }

  bool live_;
  std::deque<Item> items_;  // in the order they came
  std::size_t video_ = 0, audio_ = 0;
  std::size_t video_bytes_ = 0;
  media::VideoCodec codec_ = media::VideoCodec::raw;
  bool until_key_ = false;  // drop coded video
  bool mark_next_ = false;  // the next video packet follows a drop
};

}  // namespace campipe::wire::queue
