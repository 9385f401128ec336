#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "media/format.hpp"

/// Session descriptions (RFC 4566) as RTSP servers give them in answer to DESCRIBE.
namespace campipe::rtp {

/// How one track is called and coded on the wire.
struct TrackDescription {
  std::string media;  ///< "video" or "audio"
  std::uint8_t payload_type = 96;
  std::uint32_t clock_hz = 90'000;
  std::string rtpmap;      ///< "H264/90000"; always given, though RFC 3551 lets static types leave it out
  std::string fmtp;        ///< empty = no line
  std::string frame_rate;  ///< decimal, empty = unknown
};

/// Dynamic payload types start at 96 for video, 97 for audio; JPEG is 26, PCMU 0 and PCMA 8 (8 kHz mono only).
/// Throws std::invalid_argument for raw video and audio codecs without an RTP packetizer here.
/// H.264 and H.265 parameter sets go in when the format has them.
TrackDescription describe_track(const media::VideoFormat& format);
TrackDescription describe_track(const media::AudioFormat& format);

/// Whether describe_track and make_packetizer take it.
bool is_supported(const media::VideoFormat& format) noexcept;
bool is_supported(const media::AudioFormat& format) noexcept;

struct SessionDescription {
  std::uint64_t id = 0;                   ///< the same for all descriptions of a stream
  std::uint64_t version = 0;              ///< grows with each change
  std::string name;                       ///< of the stream
  std::string origin_host = "127.0.0.1";  ///< numeric address of the server
  std::vector<TrackDescription> tracks;   ///< controls are trackID=0, 1, …
};

/// The text, lines ended by CR LF.
std::string make_sdp(const SessionDescription& session);

}  // namespace campipe::rtp
