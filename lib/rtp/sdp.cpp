#include "rtp/sdp.hpp"

#include <span>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>

#include "media/h264.hpp"
#include "media/h265.hpp"
#include "media/nal.hpp"
#include "rtp/ticks.hpp"

namespace campipe::rtp {

namespace {

using Bytes = std::span<const std::byte>;

constexpr std::uint8_t kVideoType = 96, kAudioType = 97, kJpegType = 26, kPcmuType = 0, kPcmaType = 8;
constexpr std::uint32_t kOpusClockHz = 48'000;
/// Players read lines into buffers (FFmpeg: 16 KiB). Parameter sets are some hundred bytes, and come in-band as well.
constexpr std::size_t kMaxParameterSets = 8192;
constexpr std::size_t kMaxAacConfig = 512;
constexpr double kLeastRate = 0.001, kMostRate = 10'000;

std::string base64(Bytes bytes) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = i; j < i + 3; ++j)
      group = group << 8 | (j < bytes.size() ? std::to_integer<std::uint32_t>(bytes[j]) : 0);
    for (std::size_t j = 0; j < 4; ++j) {
      const bool padding = i + j > bytes.size();
      out += padding ? '=' : kAlphabet[group >> (18 - 6 * j) & 63];
    }
  }
  return out;
}

std::string hex(Bytes bytes) {
  std::string out;
  for (const std::byte byte : bytes) out += fmt::format("{:02X}", std::to_integer<int>(byte));
  return out;
}

/// All NAL units of `type`, base64, separated by commas.
template <class TypeOf>
std::string units(const std::vector<std::byte>& parameter_sets, int type, TypeOf type_of) {
  std::string out;
  for (const media::Nal nal : media::split_annex_b(parameter_sets)) {
    if (type_of(nal) == type) out += (out.empty() ? "" : ",") + base64(nal);
  }
  return out;
}

std::string h264_parameters(const std::vector<std::byte>& sets) {
  std::string fmtp = "packetization-mode=1";
  const std::string sps = units(sets, media::h264::kSps, media::h264::nal_type);
  const std::string pps = units(sets, media::h264::kPps, media::h264::nal_type);
  for (const media::Nal nal : media::split_annex_b(sets)) {
    if (media::h264::nal_type(nal) != media::h264::kSps || nal.size() < 4) continue;
    fmtp += ";profile-level-id=" + hex(nal.subspan(1, 3));
    break;
  }
  if (!sps.empty() && !pps.empty() && sps.size() + pps.size() <= kMaxParameterSets)
    fmtp += ";sprop-parameter-sets=" + sps + "," + pps;
  return fmtp;
}

std::string h265_parameters(const std::vector<std::byte>& sets) {
  std::string fmtp;
  const auto add = [&](std::string_view name, int type) {
    const std::string found = units(sets, type, media::h265::nal_type);
    if (!found.empty() && fmtp.size() + found.size() <= kMaxParameterSets)
      fmtp += fmt::format("{}{}={}", fmtp.empty() ? "" : ";", name, found);
  };
  add("sprop-vps", media::h265::kVps);
  add("sprop-sps", media::h265::kSps);
  add("sprop-pps", media::h265::kPps);
  return fmtp;
}

TrackDescription audio_track(std::uint8_t type, std::uint32_t clock_hz, std::string_view encoding, int channels) {
  TrackDescription track;
  track.media = "audio";
  track.payload_type = type;
  track.clock_hz = clock_hz;
  track.rtpmap = fmt::format("{}/{}", encoding, clock_hz);
  if (channels > 1) track.rtpmap += fmt::format("/{}", channels);
  return track;
}

TrackDescription g711_track(const media::AudioFormat& format, std::string_view encoding, std::uint8_t static_type) {
  const bool is_static = format.sample_rate_hz == 8000 && format.channels == 1;
  return audio_track(is_static ? static_type : kAudioType, static_cast<std::uint32_t>(format.sample_rate_hz), encoding,
                     format.channels);
}

}  // namespace

bool is_supported(const media::VideoFormat& format) noexcept {
  return format.codec != media::VideoCodec::raw;
}

bool is_supported(const media::AudioFormat& format) noexcept {
  const bool known = format.codec == media::AudioCodec::aac || format.codec == media::AudioCodec::pcm_alaw ||
                     format.codec == media::AudioCodec::pcm_mulaw || format.codec == media::AudioCodec::opus;
  const bool configured =
      format.codec != media::AudioCodec::aac || (!format.extradata.empty() && format.extradata.size() <= kMaxAacConfig);
  return known && configured && format.sample_rate_hz > 0 && format.sample_rate_hz <= 768'000 && format.channels > 0 &&
         format.channels <= 8;
}

TrackDescription describe_track(const media::VideoFormat& format) {
  TrackDescription track;
  track.media = "video";
  track.payload_type = kVideoType;
  track.clock_hz = kVideoClockHz;
  const double rate = format.frame_rate ? format.frame_rate.value() : 0;
  if (rate >= kLeastRate && rate <= kMostRate) track.frame_rate = fmt::format("{:.6g}", rate);
  switch (format.codec) {
    case media::VideoCodec::h264:
      track.rtpmap = "H264/90000";
      track.fmtp = h264_parameters(format.parameter_sets);
      return track;
    case media::VideoCodec::h265:
      track.rtpmap = "H265/90000";
      track.fmtp = h265_parameters(format.parameter_sets);
      return track;
    case media::VideoCodec::mjpeg:
      track.payload_type = kJpegType;
      track.rtpmap = "JPEG/90000";
      return track;
    case media::VideoCodec::raw:
      break;
  }
  throw std::invalid_argument("rtp: raw video has no payload format here");
}

TrackDescription describe_track(const media::AudioFormat& format) {
  if (!is_supported(format)) throw std::invalid_argument("rtp: this audio has no payload format here");
  switch (format.codec) {
    case media::AudioCodec::pcm_mulaw:
      return g711_track(format, "PCMU", kPcmuType);
    case media::AudioCodec::pcm_alaw:
      return g711_track(format, "PCMA", kPcmaType);
    case media::AudioCodec::opus: {
      TrackDescription track = audio_track(kAudioType, kOpusClockHz, "opus", 2);  // always 48000/2 (RFC 7587, 7)
      if (format.channels == 2) track.fmtp = "sprop-stereo=1";
      return track;
    }
    default:
      break;
  }
  TrackDescription track =
      audio_track(kAudioType, static_cast<std::uint32_t>(format.sample_rate_hz), "mpeg4-generic", format.channels);
  track.fmtp = "streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=" +
               hex(format.extradata);
  return track;
}

std::string make_sdp(const SessionDescription& session) {
  const bool ipv6 = session.origin_host.find(':') != std::string::npos;
  const std::string_view family = ipv6 ? "IP6" : "IP4";
  std::string sdp = fmt::format(
      "v=0\r\no=- {} {} IN {} {}\r\ns={}\r\nc=IN {} {}\r\nt=0 0\r\na=tool:campipe\r\na=type:broadcast\r\n"
      "a=control:*\r\na=range:npt=now-\r\n",
      session.id, session.version, family, session.origin_host, session.name.empty() ? "-" : session.name, family,
      ipv6 ? "::" : "0.0.0.0");
  for (std::size_t i = 0; i < session.tracks.size(); ++i) {
    const TrackDescription& track = session.tracks[i];
    sdp += fmt::format("m={} 0 RTP/AVP {}\r\na=rtpmap:{} {}\r\n", track.media, track.payload_type, track.payload_type,
                       track.rtpmap);
    if (!track.fmtp.empty()) sdp += fmt::format("a=fmtp:{} {}\r\n", track.payload_type, track.fmtp);
    if (!track.frame_rate.empty()) sdp += fmt::format("a=framerate:{}\r\n", track.frame_rate);
    sdp += fmt::format("a=control:trackID={}\r\n", i);
  }
  return sdp;
}

}  // namespace campipe::rtp
