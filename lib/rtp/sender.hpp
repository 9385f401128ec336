#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "rtp/packetizer.hpp"
#include "rtp/rtcp.hpp"
#include "rtp/ticks.hpp"

namespace campipe::rtp {

inline constexpr std::size_t kRtpHeaderBytes = 12;

/// What is a receiver's own of a track that many receive: SSRC, sequence numbers, timestamp offset, counters. Sequence
/// numbers are contiguous over what is really sent, so frames left out are no loss. Bytes in, bytes out.
class RtpSender {
public:
  struct Identity {
    std::uint32_t ssrc = 0;
    std::uint16_t first_sequence = 0;
    std::uint32_t timestamp_offset = 0;
    static Identity random();  ///< RFC 3550, 5.1: all three unpredictable
  };

  RtpSender(std::uint8_t payload_type, std::uint32_t clock_hz, Identity identity);

  std::uint32_t ssrc() const noexcept { return identity_.ssrc; }
  std::uint32_t clock_hz() const noexcept { return clock_hz_; }
  /// Sequence number of the packet that is written next.
  std::uint16_t next_sequence() const noexcept { return sequence_; }
  /// Wire timestamp of an instant on the stream's clock.
  std::uint32_t timestamp(RtpTicks ticks) const noexcept;

  /// Writes the RTP header and the payload's prefix, and counts the packet as sent.
  /// @param out  at least kRtpHeaderBytes + 12 bytes.
  /// Returns the bytes written.
  std::size_t write_header(const RtpPayload& payload, RtpTicks time, std::byte* out) noexcept;

  /// What a sender report at `now_us` (Unix time on the stream's clock) says.
  SenderReport report(std::int64_t now_us) const noexcept;

private:
  std::uint8_t payload_type_;
  std::uint32_t clock_hz_;
  Identity identity_;
  std::uint16_t sequence_;
  std::uint32_t packets_ = 0;
  std::uint32_t octets_ = 0;  // of payload; both wrap (RFC 3550, 6.4.1)
};

}  // namespace campipe::rtp
