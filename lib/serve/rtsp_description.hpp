#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "rtp/packetizer.hpp"
#include "rtp/sdp.hpp"
#include "serve/hub.hpp"
#include "serve/rtsp_output.hpp"
#include "serve/rtsp_url.hpp"

namespace campipe::serve {

/// Which stream a request means.
struct RtspChoice {
  enum class Kind {
    found,
    waiting,  ///< what is needed to describe it may still come; `stream` is what can be had meanwhile, if anything
    unknown,  ///< no such stream, codec, or it has ended
    refused,  ///< RTP cannot carry it
  };
  Kind kind = Kind::unknown;
  Stream* stream = nullptr;
  std::string reason;            ///< in words, for all but `found`
  std::vector<Stream*> awaited;  ///< whose frames are needed for it, while `waiting`
};

/// Of the streams of that name in the first (or the wanted) rendition: the wanted codec, else H.264, H.265, JPEG in
/// this order.
/// @param max_payload  of RTP, in bytes.
RtspChoice choose_stream(const Hub& hub, const RtspTarget& target, std::size_t max_payload);

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
