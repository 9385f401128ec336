#pragma once
#include <cstddef>

#include "rtp/packetizer.hpp"

namespace campipe::rtp {

/// AAC by RFC 3640, mode AAC-hbr (sizeLength 13, indexLength and indexDeltaLength 3): one access unit a packet,
/// fragments when it does not fit; the marker is on the packet that completes an access unit.
class AacPacketizer : public Packetizer {
public:
  explicit AacPacketizer(std::size_t max_payload);
  /// @param access_unit  raw, without ADTS. Fails with too_large over 8191 bytes.
  Expected<PayloadList, RtpError> split(const media::Payload& access_unit) const override;

private:
  std::size_t max_payload_;
};

/// PCMA and PCMU by RFC 3551: one octet a sample and channel, cut at whole samples; no markers (no talkspurts are
/// known).
class G711Packetizer : public Packetizer {
public:
  G711Packetizer(std::size_t max_payload, int channels);
  Expected<PayloadList, RtpError> split(const media::Payload& access_unit) const override;

private:
  std::size_t max_payload_;
  std::size_t channels_;
};

/// Opus by RFC 7587: one packet each. The format has no fragments: fails with too_large over `max_payload` (no encoder
/// for live streams comes near it; 20 ms at the codec's highest rate are 1275 bytes).
class OpusPacketizer : public Packetizer {
public:
  explicit OpusPacketizer(std::size_t max_payload);
  Expected<PayloadList, RtpError> split(const media::Payload& access_unit) const override;

private:
  std::size_t max_payload_;
};

}  // namespace campipe::rtp
