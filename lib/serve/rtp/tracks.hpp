#pragma once
#include <cstddef>
#include <memory>
#include <vector>

#include "rtp/packetizer.hpp"
#include "rtp/sdp.hpp"
#include "serve/hub/stream.hpp"
#include "serve/rtp/output.hpp"

namespace campipe::serve {

/// Those of the stream's format, else of its newest keyframe; empty while neither has any. The format must be known.
std::vector<std::byte> parameter_sets_of(const Stream& stream);

/// A track of a stream as RTSP numbers them: video is 0, audio 1.
struct RtspTrackInfo {
  media::Track track = media::Track::video;
  rtp::TrackDescription description;
};

/// The tracks of a stream that can be sent; its format must be known. Parameter sets come from the format, else from
/// the newest keyframe.
std::vector<RtspTrackInfo> tracks_of(const Stream& stream);

/// Whether players of one need not notice the other: the tracks that both have are coded alike. Parameter sets of video
/// do not count, they come in-band.
bool have_same_wire_format(const std::vector<RtspTrackInfo>& a, const std::vector<RtspTrackInfo>& b);

/// The packetizer of one of them.
std::unique_ptr<rtp::Packetizer> packetizer_of(const Stream& stream, media::Track track, std::size_t max_payload);

/// What all clients share of a unit: split by the first that asks.
const RtpSplit& split_of(const Unit& unit, const rtp::Packetizer& packetizer);

}  // namespace campipe::serve
