#include "rtp/packetizer.hpp"

#include <algorithm>
#include <cassert>

#include "rtp/audio.hpp"
#include "rtp/h264.hpp"
#include "rtp/h265.hpp"
#include "rtp/jpeg.hpp"

namespace campipe::rtp {

std::string_view text(RtpError error) noexcept {
  switch (error) {
    case RtpError::empty:
      return "an access unit without data";
    case RtpError::too_large:
      return "an access unit larger than its RTP payload format allows";
    case RtpError::not_jpeg:
      return "a picture that is not valid JPEG";
    case RtpError::jpeg_over_2040_px:
      return "JPEG pictures over 2040 pixels do not fit RTP (RFC 2435)";
    case RtpError::jpeg_not_baseline:
      return "RTP carries baseline JPEG only (RFC 2435)";
    case RtpError::jpeg_sampling:
      return "RTP carries JPEG in 4:2:0 or 4:2:2 only (RFC 2435)";
    case RtpError::jpeg_quantisation:
      return "RTP carries JPEG with 8-bit tables, one for luma and one for chroma (RFC 2435)";
    case RtpError::jpeg_huffman:
      return "RTP carries JPEG with the standard Huffman tables only (RFC 2435)";
  }
  return "?";
}

std::span<const std::byte> PayloadList::piece(const RtpPayload& payload, std::size_t index) const noexcept {
  assert(index < payload.pieces);
  const Piece& piece = pieces_[payload.first_piece + index];
  const std::byte* base = piece.own ? own_.data() : source_.data();
  return {base + piece.offset, piece.bytes};
}

void PayloadList::begin(std::span<const std::byte> prefix) {
  RtpPayload& payload = payloads_.emplace_back();
  assert(prefix.size() <= payload.prefix.size());
  std::ranges::copy(prefix, payload.prefix.begin());
  payload.prefix_bytes = static_cast<std::uint8_t>(prefix.size());
  payload.bytes = static_cast<std::uint32_t>(prefix.size());
  payload.first_piece = static_cast<std::uint32_t>(pieces_.size());
}

void PayloadList::add_piece(std::size_t offset, std::size_t bytes, bool own) {
  pieces_.push_back({static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(bytes), own});
  ++payloads_.back().pieces;
  payloads_.back().bytes += static_cast<std::uint32_t>(bytes);
}

void PayloadList::add(std::span<const std::byte> part_of_source) {
  assert(part_of_source.data() >= source_.data());
  add_piece(static_cast<std::size_t>(part_of_source.data() - source_.data()), part_of_source.size(), false);
}

void PayloadList::add_copy(std::span<const std::byte> bytes) {
  const std::size_t offset = own_.size();
  own_.insert(own_.end(), bytes.begin(), bytes.end());
  add_piece(offset, bytes.size(), true);
}

void PayloadList::end(bool marker, std::uint32_t extra_ticks) {
  RtpPayload& payload = payloads_.back();
  payload.marker = marker;
  payload.extra_ticks = extra_ticks;
  bytes_ += payload.bytes;
}

std::unique_ptr<Packetizer> make_packetizer(const media::VideoFormat& format, std::size_t max_payload) {
  switch (format.codec) {
    case media::VideoCodec::h264:
      return std::make_unique<H264Packetizer>(max_payload, format.parameter_sets);
    case media::VideoCodec::h265:
      return std::make_unique<H265Packetizer>(max_payload, format.parameter_sets);
    case media::VideoCodec::mjpeg:
      return std::make_unique<JpegPacketizer>(max_payload);
    case media::VideoCodec::raw:
      break;
  }
  return nullptr;
}

std::unique_ptr<Packetizer> make_packetizer(const media::AudioFormat& format, std::size_t max_payload) {
  switch (format.codec) {
    case media::AudioCodec::aac:
      return std::make_unique<AacPacketizer>(max_payload);
    case media::AudioCodec::pcm_alaw:
    case media::AudioCodec::pcm_mulaw:
      return std::make_unique<G711Packetizer>(max_payload, format.channels);
    case media::AudioCodec::opus:
      return std::make_unique<OpusPacketizer>(max_payload);
    case media::AudioCodec::mp3:
    case media::AudioCodec::pcm_s16le:
      break;
  }
  return nullptr;
}

}  // namespace campipe::rtp
