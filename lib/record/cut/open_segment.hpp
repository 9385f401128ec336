#pragma once
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "media/packet.hpp"
#include "record/segment/writer.hpp"

namespace campipe::record::cut {

/// A segment, what waits to be written to it, and the group of pictures that it ends with, which is kept in memory so
/// that another file can begin with it when this one takes no more. One thread.
class OpenSegment {
public:
  static constexpr std::int64_t kPartUs = 200'000;
  static constexpr std::size_t kMostHeld = 32U << 20;  ///< a longer group is not kept

  OpenSegment() = default;
  OpenSegment(std::unique_ptr<segment::Writer> writer, std::int64_t start_us)
      : writer_(std::move(writer)), start_us_(start_us) {}

  explicit operator bool() const noexcept { return writer_ != nullptr; }
  segment::Writer& writer() const noexcept { return *writer_; }
  const segment::Writer* get() const noexcept { return writer_.get(); }
  std::int64_t start_us() const noexcept { return start_us_; }
  const std::vector<media::Packet>& batch() const noexcept { return batch_; }

  /// Whether what waits is to be written before `next` joins it: so that each part begins within 200 ms of the one
  /// before, and a group of pictures with a part.
  bool due_before(const media::Packet& next) const;
  void add(media::Packet packet);
  /// Writes what waits. errno or 0; after an error it waits as before, and only take_back() or give_up() may follow.
  int write();

  /// Whether the file has nothing but this group of pictures, so that another file would end where this one does.
  bool only_group() const noexcept { return only_group_; }
  /// Ends the file before its last group of pictures (or leaves the file alone: it is not ours any more), and answers
  /// that group with all that waits, in order. Empty when the group is not in memory: what is written stays.
  enum class File { shorten, leave };
  std::vector<media::Packet> take_back(File file);
  /// How many pictures of the last group the file has.
  std::uint64_t group_pictures() const noexcept { return group_held_ ? pictures_in(group_) : 0; }
  /// What waits, which is written nowhere then.
  std::vector<media::Packet> give_up();
  std::unique_ptr<segment::Writer> release() { return std::exchange(*this, {}).writer_; }

  static std::uint64_t pictures_in(const std::vector<media::Packet>& packets);

private:
  bool begins_group() const;
  void keep(std::vector<media::Packet> written);

  std::unique_ptr<segment::Writer> writer_;
  std::int64_t start_us_ = 0;
  std::vector<media::Packet> batch_;
  std::size_t batch_bytes_ = 0;
  std::vector<media::Packet> group_;  // written since the last keyframe that began a part
  std::size_t group_bytes_ = 0;
  bool group_held_ = true;
  bool only_group_ = true;
};

}  // namespace campipe::record::cut
