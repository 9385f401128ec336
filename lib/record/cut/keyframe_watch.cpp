#include "record/cut/keyframe_watch.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "base/units.hpp"

namespace campipe::record::cut {

void KeyframeWatch::note(const media::Packet& packet) {
  constexpr std::chrono::microseconds kBeforeTheFirst = std::chrono::seconds(10);
  constexpr int kSegments = 3;
  if (packet.keyframe || !since_us_ || packet.pts_us < *since_us_) {
    had_one_ = had_one_ || packet.keyframe;
    since_us_ = packet.pts_us;
    return;
  }
  const std::chrono::microseconds without(packet.pts_us - *since_us_);
  if (told_ || without < (had_one_ ? kSegments * segment_ : std::min(kBeforeTheFirst, kSegments * segment_))) return;
  told_ = true;
  constexpr const char* kRemedy = "have the source send one more often (camenc -g, the camera's keyframe interval)";
  const std::string length = format_duration(std::chrono::duration_cast<std::chrono::seconds>(without));
  if (had_one_) {
    log::warning("no keyframe for {}: files cannot be cut (--segment {}) nor the oldest part deleted: {}", length,
                 format_duration(segment_), kRemedy);
  } else {
    log::warning("no keyframe for {}: recording cannot begin: {}", length, kRemedy);
  }
}

}  // namespace campipe::record::cut
