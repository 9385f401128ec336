#include "wire/nut/reorder_depth.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "media/h264.hpp"
#include "media/h265.hpp"

namespace campipe::wire::nut {

namespace {

std::optional<int> promised_by_h264(media::Nal nal) {
  const auto sps = media::h264::nal_type(nal) == media::h264::kSps ? media::h264::parse_sps(nal) : std::nullopt;
  return sps ? sps->max_reorder_frames : std::nullopt;
}

std::optional<int> promised_by_h265(media::Nal nal) {
  const auto sps = media::h265::nal_type(nal) == media::h265::kSps ? media::h265::parse_sps(nal) : std::nullopt;
  return sps ? sps->max_reorder_frames : std::nullopt;
}

}  // namespace

void ReorderDepth::promise(const media::VideoFormat& format) {
  const bool h264 = format.codec == media::VideoCodec::h264;
  if (!h264 && format.codec != media::VideoCodec::h265) return;
  for (const media::Nal nal : media::split_annex_b(format.parameter_sets)) {
    const auto frames = h264 ? promised_by_h264(nal) : promised_by_h265(nal);
    if (!frames) continue;
    frames_ = std::max(frames_, static_cast<unsigned>(std::clamp(*frames, 0, int{kMax})));
    promised_ = true;
  }
}

bool ReorderDepth::take(const media::Packet& packet, Rational frame_rate) {
  unsigned depth = 0;
  if (recent_pts_us_.empty() && packet.dts_us && frame_rate) {  // the first frame's delay is the whole depth
    const double frames = static_cast<double>(packet.pts_us - *packet.dts_us) * frame_rate.value() / 1e6;
    depth = static_cast<unsigned>(std::clamp(std::round(frames), 0.0, double{kMax}));
  }
  const auto later = std::ranges::count_if(recent_pts_us_, [&](std::int64_t pts_us) { return pts_us > packet.pts_us; });
  depth = std::max(depth, static_cast<unsigned>(later));
  recent_pts_us_.push_back(packet.pts_us);
  if (recent_pts_us_.size() > kMax) recent_pts_us_.pop_front();
  if (depth <= frames_) return false;
  frames_ = depth;
  return true;
}

}  // namespace campipe::wire::nut
