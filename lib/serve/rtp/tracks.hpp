#pragma once
#include <cstddef>
#include <memory>
#include <vector>

#include "rtp/packetizer.hpp"
#include "rtp/sdp.hpp"
#include "serve/hub/stream.hpp"
#include "serve/rtp/output.hpp"

namespace campipe::serve::rtp {

/// Those of the stream's format, else of its newest keyframe; empty while neither has any. The format must be known.
std::vector<std::byte> parameter_sets_of(const hub::Stream& stream);

/// A track of a stream as RTSP numbers them: video is 0, audio 1.
struct TrackInfo {
  media::Track track = media::Track::video;
  campipe::rtp::TrackDescription description;
};

/// The tracks of a stream that can be sent; its format must be known. Parameter sets come from the format, else from
/// the newest keyframe.
std::vector<TrackInfo> tracks_of(const hub::Stream& stream);

/// Whether players of one need not notice the other: the tracks that both have are coded alike. Parameter sets of video
/// do not count, they come in-band.
bool have_same_wire_format(const std::vector<TrackInfo>& a, const std::vector<TrackInfo>& b);

/// The packetizer of one of them.
std::unique_ptr<campipe::rtp::Packetizer> packetizer_of(const hub::Stream& stream, media::Track track,
                                                        std::size_t max_payload);

/// What all clients share of a unit: split by the first that asks.
const Split& split_of(const hub::Unit& unit, const campipe::rtp::Packetizer& packetizer);

}  // namespace campipe::serve::rtp
