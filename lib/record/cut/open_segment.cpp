#include "record/cut/open_segment.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace campipe::record::cut {

namespace {

constexpr std::size_t kPartBytes = 16U << 20;

}  // namespace

bool OpenSegment::due_before(const media::Packet& next) const {
  if (batch_.empty() || next.track != media::Track::video) return false;
  const std::int64_t length = media::decode_time_us(next) - media::decode_time_us(batch_.front());
  if (length >= kPartUs || length < 0 || batch_bytes_ >= kPartBytes) return true;
  // Where all are keyframes a group is a part.
  const auto last = std::ranges::find(batch_.rbegin(), batch_.rend(), media::Track::video, &media::Packet::track);
  return next.keyframe && last != batch_.rend() && !last->keyframe;
}

void OpenSegment::add(media::Packet packet) {
  batch_bytes_ += packet.payload.size();
  batch_.push_back(std::move(packet));
}

bool OpenSegment::begins_group() const {
  const auto first = std::ranges::find(batch_, media::Track::video, &media::Packet::track);
  return first != batch_.end() && first->keyframe;
}

int OpenSegment::write() {
  if (batch_.empty()) return 0;
  const bool new_group = begins_group();
  if (new_group) {
    only_group_ = !writer_->has_frames();
    writer_->mark();
    group_.clear();
    group_bytes_ = 0;
    group_held_ = true;
  }
  if (const int error = writer_->write(batch_); error != 0) return error;
  keep(std::exchange(batch_, {}));
  batch_bytes_ = 0;
  return 0;
}

void OpenSegment::keep(std::vector<media::Packet> written) {
  for (const media::Packet& packet : written) group_bytes_ += packet.payload.size();
  if (group_bytes_ > kMostHeld) group_held_ = false;
  if (!group_held_) return group_.clear();
  group_.insert(group_.end(), std::make_move_iterator(written.begin()), std::make_move_iterator(written.end()));
}

std::vector<media::Packet> OpenSegment::take_back(File file) {
  if (!group_held_) return {};
  if (file == File::shorten) writer_->rollback();
  std::vector<media::Packet> all = std::exchange(group_, {});
  all.insert(all.end(), std::make_move_iterator(batch_.begin()), std::make_move_iterator(batch_.end()));
  batch_.clear();
  return all;
}

std::vector<media::Packet> OpenSegment::give_up() {
  return std::exchange(batch_, {});
}

std::uint64_t OpenSegment::pictures_in(const std::vector<media::Packet>& packets) {
  return static_cast<std::uint64_t>(std::ranges::count(packets, media::Track::video, &media::Packet::track));
}

}  // namespace campipe::record::cut
