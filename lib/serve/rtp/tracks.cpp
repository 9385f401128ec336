#include "serve/rtp/tracks.hpp"

#include <algorithm>

#include "media/h264.hpp"
#include "media/h265.hpp"

namespace campipe::serve {

std::vector<std::byte> parameter_sets_of(const Stream& stream) {
  const media::VideoFormat& video = stream.format()->video;
  if (!video.parameter_sets.empty()) return video.parameter_sets;
  const UnitPtr keyframe = stream.history().newest_keyframe();
  if (!keyframe) return {};
  const auto bytes = keyframe->packet.payload.bytes();
  if (video.codec == media::VideoCodec::h264) return media::h264::parameter_sets_of(bytes);
  if (video.codec == media::VideoCodec::h265) return media::h265::parameter_sets_of(bytes);
  return {};
}

std::vector<RtspTrackInfo> tracks_of(const Stream& stream) {
  media::VideoFormat video = stream.format()->video;
  video.parameter_sets = parameter_sets_of(stream);
  std::vector<RtspTrackInfo> tracks{{media::Track::video, rtp::describe_track(video)}};
  const auto& audio = stream.format()->audio;
  if (audio && rtp::is_supported(*audio)) tracks.push_back({media::Track::audio, rtp::describe_track(*audio)});
  return tracks;
}

bool have_same_wire_format(const std::vector<RtspTrackInfo>& a, const std::vector<RtspTrackInfo>& b) {
  const auto same = [](const RtspTrackInfo& one, const RtspTrackInfo& other) {
    const rtp::TrackDescription& x = one.description;
    const rtp::TrackDescription& y = other.description;
    const bool configured_alike = one.track == media::Track::video || x.fmtp == y.fmtp;
    return x.payload_type == y.payload_type && x.rtpmap == y.rtpmap && configured_alike;
  };
  const auto common = static_cast<std::ptrdiff_t>(std::min(a.size(), b.size()));
  return std::equal(a.begin(), a.begin() + common, b.begin(), same);
}

std::unique_ptr<rtp::Packetizer> packetizer_of(const Stream& stream, media::Track track, std::size_t max_payload) {
  if (track == media::Track::audio) return rtp::make_packetizer(*stream.format()->audio, max_payload);
  media::VideoFormat video = stream.format()->video;
  video.parameter_sets = parameter_sets_of(stream);
  return rtp::make_packetizer(video, max_payload);
}

const RtpSplit& split_of(const Unit& unit, const rtp::Packetizer& packetizer) {
  return unit.derived.get<RtpSplit>([&] { return RtpSplit{packetizer.split(unit.packet.payload)}; });
}

}  // namespace campipe::serve
