#include "rtp/audio.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "rtp/bytes.hpp"

namespace campipe::rtp {

namespace {

constexpr std::size_t kAuHeaderSection = 4;  // AU-headers-length and one AU-header
constexpr std::size_t kMaxAacBytes = 8191;   // 13 bits

void check(std::size_t max_payload) {
  if (max_payload < kLeastMaxPayload) throw std::invalid_argument("rtp: the payload size is too small");
}

}  // namespace

AacPacketizer::AacPacketizer(std::size_t max_payload) : max_payload_(max_payload) {
  check(max_payload);
}

Expected<PayloadList, RtpError> AacPacketizer::split(const media::Payload& access_unit) const {
  std::span<const std::byte> rest = access_unit.bytes();
  if (rest.empty()) return Unexpected(RtpError::empty);
  if (rest.size() > kMaxAacBytes) return Unexpected(RtpError::too_large);
  std::array<std::byte, kAuHeaderSection> header{};
  put_u16(header.data(), 16);                                                // bits of AU-headers
  put_u16(header.data() + 2, static_cast<std::uint32_t>(rest.size()) << 3);  // the whole unit's size in each fragment
  PayloadList list(access_unit);
  while (!rest.empty()) {
    const std::size_t bytes = std::min(rest.size(), max_payload_ - kAuHeaderSection);
    list.begin(header);
    list.add(rest.first(bytes));
    rest = rest.subspan(bytes);
    list.end(rest.empty());
  }
  return list;
}

G711Packetizer::G711Packetizer(std::size_t max_payload, int channels)
    : max_payload_(max_payload), channels_(static_cast<std::size_t>(std::clamp(channels, 1, 8))) {
  check(max_payload);
}

Expected<PayloadList, RtpError> G711Packetizer::split(const media::Payload& access_unit) const {
  std::span<const std::byte> rest = access_unit.bytes();
  rest = rest.first(rest.size() - rest.size() % channels_);
  if (rest.empty()) return Unexpected(RtpError::empty);
  const std::size_t room = max_payload_ - max_payload_ % channels_;
  PayloadList list(access_unit);
  std::uint32_t samples = 0;
  while (!rest.empty()) {
    const std::size_t bytes = std::min(rest.size(), room);
    list.begin({});
    list.add(rest.first(bytes));
    list.end(false, samples);
    samples += static_cast<std::uint32_t>(bytes / channels_);
    rest = rest.subspan(bytes);
  }
  return list;
}

OpusPacketizer::OpusPacketizer(std::size_t max_payload) : max_payload_(max_payload) {
  check(max_payload);
}

Expected<PayloadList, RtpError> OpusPacketizer::split(const media::Payload& access_unit) const {
  if (access_unit.empty()) return Unexpected(RtpError::empty);
  if (access_unit.size() > max_payload_) return Unexpected(RtpError::too_large);
  PayloadList list(access_unit);
  list.begin({});
  list.add(access_unit.bytes());
  list.end(false);
  return list;
}

}  // namespace campipe::rtp
