#include "rtp/sender.hpp"

#include <algorithm>

#include "base/random.hpp"
#include "rtp/bytes.hpp"

namespace campipe::rtp {

RtpSender::Identity RtpSender::Identity::random() {
  return {random_u32(), static_cast<std::uint16_t>(random_u32() & 0xFFFF), random_u32()};
}

RtpSender::RtpSender(std::uint8_t payload_type, std::uint32_t clock_hz, Identity identity)
    : payload_type_(payload_type), clock_hz_(clock_hz), identity_(identity), sequence_(identity.first_sequence) {}

std::uint32_t RtpSender::timestamp(RtpTicks ticks) const noexcept {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(ticks.value)) + identity_.timestamp_offset;
}

std::size_t RtpSender::write_header(const RtpPayload& payload, RtpTicks time, std::byte* out) noexcept {
  constexpr std::uint32_t kVersion2 = 0x8000;
  put_u16(out, kVersion2 | (payload.marker ? 0x80U : 0U) | payload_type_);
  put_u16(out + 2, sequence_++);
  put_u32(out + 4, timestamp(time) + payload.extra_ticks);
  put_u32(out + 8, identity_.ssrc);
  std::copy_n(payload.prefix.begin(), payload.prefix_bytes, out + kRtpHeaderBytes);
  ++packets_;
  octets_ += payload.bytes;
  return kRtpHeaderBytes + payload.prefix_bytes;
}

SenderReport RtpSender::report(std::int64_t now_us) const noexcept {
  const RtpTicks now = ticks_from_us(now_us, clock_hz_);
  return {identity_.ssrc, ntp_from_ticks(now, clock_hz_), timestamp(now), packets_, octets_};
}

}  // namespace campipe::rtp
