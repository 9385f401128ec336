#include "serve/rtp/tracks.hpp"

#include <algorithm>

#include "media/h264.hpp"
#include "media/h265.hpp"

namespace campipe::serve::rtp {

std::vector<std::byte> parameter_sets_of(const hub::Stream& stream) {
  const media::VideoFormat& video = stream.format()->video;
  if (!video.parameter_sets.empty()) return video.parameter_sets;
  const hub::UnitPtr keyframe = stream.history().newest_keyframe();
  if (!keyframe) return {};
  const auto bytes = keyframe->packet.payload.bytes();
  if (video.codec == media::VideoCodec::h264) return media::h264::parameter_sets_of(bytes);
  if (video.codec == media::VideoCodec::h265) return media::h265::parameter_sets_of(bytes);
  return {};
}

std::vector<TrackInfo> tracks_of(const hub::Stream& stream) {
  media::VideoFormat video = stream.format()->video;
  video.parameter_sets = parameter_sets_of(stream);
  std::vector<TrackInfo> tracks{{media::Track::video, campipe::rtp::describe_track(video)}};
  const auto& audio = stream.format()->audio;
  if (audio && campipe::rtp::is_supported(*audio))
    tracks.push_back({media::Track::audio, campipe::rtp::describe_track(*audio)});
  return tracks;
}

bool have_same_wire_format(const std::vector<TrackInfo>& a, const std::vector<TrackInfo>& b) {
  const auto same = [](const TrackInfo& one, const TrackInfo& other) {
    const campipe::rtp::TrackDescription& x = one.description;
    const campipe::rtp::TrackDescription& y = other.description;
    const bool configured_alike = one.track == media::Track::video || x.fmtp == y.fmtp;
    return x.payload_type == y.payload_type && x.rtpmap == y.rtpmap && configured_alike;
  };
  const auto common = static_cast<std::ptrdiff_t>(std::min(a.size(), b.size()));
  return std::equal(a.begin(), a.begin() + common, b.begin(), same);
}

std::unique_ptr<campipe::rtp::Packetizer> packetizer_of(const hub::Stream& stream, media::Track track,
                                                        std::size_t max_payload) {
  if (track == media::Track::audio) return campipe::rtp::make_packetizer(*stream.format()->audio, max_payload);
  media::VideoFormat video = stream.format()->video;
  video.parameter_sets = parameter_sets_of(stream);
  return campipe::rtp::make_packetizer(video, max_payload);
}

const Split& split_of(const hub::Unit& unit, const campipe::rtp::Packetizer& packetizer) {
  return unit.derived.get<Split>([&] { return Split{packetizer.split(unit.packet.payload)}; });
}

}  // namespace campipe::serve::rtp
