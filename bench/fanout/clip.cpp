#include "clip.hpp"

#include "base/error.hpp"
#include "wire/open.hpp"

namespace fanout {

using namespace campipe;

Clip::Clip(const std::string& path) {
  const auto reader = wire::open_reader(wire::parse_endpoint(path), {.on_change = wire::stream::OnChange::exit});
  for (wire::stream::Pull pull = reader->next(); pull != wire::stream::Pull::end; pull = reader->next()) {
    if (pull == wire::stream::Pull::format) format_ = reader->format();
    if (pull != wire::stream::Pull::packet || reader->packet().track != media::Track::video) continue;
    const auto bytes = reader->packet().payload.bytes();
    const bool jpeg = format_.video.codec == media::VideoCodec::mjpeg;
    frames_.push_back({jpeg ? with_jpeg_stamp(bytes) : with_h264_stamp(bytes), reader->packet().keyframe});
  }
  const auto codec = format_.video.codec;
  if (frames_.empty() || (codec != media::VideoCodec::mjpeg && codec != media::VideoCodec::h264))
    throw Error(ExitCode::bad_data, path + ": no MJPEG or H.264 clip");
  const double fps = format_.video.frame_rate ? format_.video.frame_rate.value() : 30;
  frame_ns_ = static_cast<std::int64_t>(1e9 / fps);
  format_.audio.reset();
}

const Clip::Frame& Clip::next(std::int64_t now_ns) {
  Frame& frame = frames_[next_];
  next_ = (next_ + 1) % frames_.size();
  set_stamp(frame.coded, now_ns);
  return frame;
}

}  // namespace fanout
