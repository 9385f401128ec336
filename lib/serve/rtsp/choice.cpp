#include "serve/rtsp/choice.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>

#include "rtp/jpeg.hpp"
#include "serve/rtp/tracks.hpp"

namespace campipe::serve::rtsp {

namespace {

using media::VideoCodec;
using Kind = Choice::Kind;

Choice refused(const hub::Stream& stream, std::string_view why) {
  return {Kind::refused,
          nullptr,
          fmt::format("{}: {}: for RTSP put camenc -c h264 before camserve", stream.path(), why),
          {}};
}

/// JPEG is more than RTP can carry: the newest picture tells.
Choice check_jpeg(hub::Stream& stream, std::size_t max_payload) {
  const media::VideoFormat& video = stream.format()->video;
  if (!campipe::rtp::fits_jpeg(video.size)) return refused(stream, text(campipe::rtp::RtpError::jpeg_over_2040_px));
  const hub::UnitPtr picture = stream.history().newest_video();
  if (!picture) return {Kind::waiting, nullptr, stream.path() + ": no picture yet", {&stream}};
  const auto packetizer = campipe::rtp::make_packetizer(video, max_payload);
  const rtp::Split& split = rtp::split_of(*picture, *packetizer);
  if (!split.list) return refused(stream, text(split.list.error()));
  return {Kind::found, &stream, {}, {}};
}

Choice check(hub::Stream& stream, std::size_t max_payload) {
  const media::VideoFormat& video = stream.format()->video;
  if (video.codec == VideoCodec::raw) return refused(stream, "raw pictures are not sent by RTP");
  if (video.codec == VideoCodec::mjpeg) return check_jpeg(stream, max_payload);
  if (rtp::parameter_sets_of(stream).empty())
    return {Kind::waiting, nullptr, stream.path() + ": no keyframe yet", {&stream}};
  return {Kind::found, &stream, {}, {}};
}

/// Those of the first stream's rendition that have not ended.
std::vector<hub::Stream*> candidates_of(const hub::Hub& hub, const Target& target) {
  std::vector<hub::Stream*> found = hub.find(target.name, target.rendition);
  if (found.empty()) return found;
  const std::string rendition = found.front()->rendition();
  std::erase_if(found, [&](const hub::Stream* s) {
    return s->rendition() != rendition || s->state() == hub::StreamState::ended;
  });
  return found;
}

}  // namespace

Choice choose_stream(const hub::Hub& hub, const Target& target, std::size_t max_payload) {
  const std::vector<hub::Stream*> candidates = candidates_of(hub, target);
  if (candidates.empty()) return {Kind::unknown, nullptr, fmt::format("no such stream: there is {}", hub.offer()), {}};
  const bool more_may_come = std::ranges::any_of(candidates, [](const hub::Stream* s) { return !s->format(); });
  Choice best{Kind::unknown, nullptr, fmt::format("{} is not there in that codec", target.name), {}};
  for (const VideoCodec codec : {VideoCodec::h264, VideoCodec::h265, VideoCodec::mjpeg, VideoCodec::raw}) {
    if (target.codec && *target.codec != codec) continue;
    for (hub::Stream* stream : candidates) {
      if (!stream->has_codec(codec) || best.kind == Kind::found || best.kind == Kind::waiting) continue;
      best = check(*stream, max_payload);
    }
  }
  const bool is_best = target.codec.has_value() || (best.stream != nullptr && best.stream->has_codec(VideoCodec::h264));
  if (!more_may_come || (best.kind == Kind::found && is_best)) return best;
  std::vector<hub::Stream*> awaited = best.awaited;
  std::ranges::copy_if(candidates, std::back_inserter(awaited), [](const hub::Stream* s) { return !s->format(); });
  return {Kind::waiting, best.stream, best.stream != nullptr ? "" : target.name + ": nothing came yet", awaited};
}

}  // namespace campipe::serve::rtsp
