#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "rtp/ticks.hpp"

/// RTCP by RFC 3550, section 6: what a sender says and what receivers answer.
namespace campipe::rtp {

struct SenderReport {
  std::uint32_t ssrc = 0;
  NtpTime ntp;
  std::uint32_t rtp_timestamp = 0;  ///< of the same instant
  std::uint32_t packets = 0;
  std::uint32_t octets = 0;
};

/// A compound packet: sender report and the canonical name (SDES CNAME).
/// @param cname  at most 255 bytes, the rest is cut off; the same for all tracks of a session.
std::vector<std::byte> make_sender_report(const SenderReport& report, std::string_view cname);
/// The same in place of what `out` holds, whose memory is used again: clients get reports as long as they stay.
void make_sender_report(const SenderReport& report, std::string_view cname, std::vector<std::byte>& out);

/// The same followed by BYE: the track ends.
std::vector<std::byte> make_goodbye(const SenderReport& report, std::string_view cname);

/// A receiver's view of one of our tracks (RFC 3550, 6.4.1).
struct ReportBlock {
  std::uint32_t ssrc = 0;            ///< the track reported on
  std::uint8_t fraction_lost = 0;    ///< of 256 since the last report
  std::int32_t cumulative_lost = 0;  ///< 24 bits with sign
  std::uint32_t highest_sequence = 0;
  std::uint32_t jitter = 0;        ///< in timestamp units
  std::uint32_t last_report = 0;   ///< middle_of() the newest sender report it had; 0 = none
  std::uint32_t since_report = 0;  ///< between that and this, in 1/65536 s
};

/// What a compound packet from a receiver says.
struct ReceiverInfo {
  std::vector<ReportBlock> reports;
  bool goodbye = false;
};

/// Parses a compound packet; nothing unless it is RTCP from first to last byte. Report blocks beyond 32 are left out;
/// packet types that are not known are skipped.
std::optional<ReceiverInfo> parse_rtcp(std::span<const std::byte> packet);

}  // namespace campipe::rtp
