#include "load/rtp_track.hpp"

#include <algorithm>
#include <cmath>

#include "base/clock.hpp"
#include "rtp/bytes.hpp"
#include "stamp.hpp"

namespace fanout {

namespace {

using campipe::rtp::get_u16;
using campipe::rtp::get_u32;

constexpr std::size_t kRtpHeader = 12;
constexpr double kClockHz = 90'000;
constexpr int kSenderReport = 200;
constexpr double kNtpToUnix = 2208988800.0;
constexpr int kSei = 6, kStapA = 24, kFuA = 28;
constexpr std::uint16_t kOldHalf = 0x8000;

}  // namespace

void RtpTrack::rtp(std::span<const std::byte> packet) {
  if (packet.size() < kRtpHeader) return;
  const auto sequence = static_cast<std::uint16_t>(get_u16(packet, 2));
  const auto missing = static_cast<std::uint16_t>(sequence - next_sequence_);
  if (any_ && missing >= kOldHalf) return;  // a late one, counted as lost
  if (any_ && missing > 0) {
    meter_.lost_packets(missing);
    whole_ = false;
    check_.loss();
  }
  any_ = true;
  next_sequence_ = static_cast<std::uint16_t>(sequence + 1);
  if (h264_) payload(packet.subspan(kRtpHeader));
  if ((std::to_integer<int>(packet[1]) & 0x80) != 0) frame_complete(get_u32(packet, 4));
}

void RtpTrack::payload(std::span<const std::byte> bytes) {
  if (file_) file_->payload(bytes);
  if (bytes.size() < 3) return;
  const int octet = std::to_integer<int>(bytes[0]);
  const int type = octet & 0x1F;
  if ((type == kSei || type == kStapA) && !stamp_ns_)
    stamp_ns_ = find_stamp(bytes.first(std::min(bytes.size(), kBeginning)));
  if (type == kFuA) {
    const int fu = std::to_integer<int>(bytes[1]);
    if ((fu & 0x80) == 0) return;
    std::byte nal[64];  // its header, rebuilt, and what a slice header needs
    const std::size_t count = std::min(bytes.size() - 2, sizeof nal - 1);
    nal[0] = static_cast<std::byte>((octet & 0xE0) | (fu & 0x1F));
    std::copy_n(bytes.begin() + 2, count, nal + 1);
    check_.nal(std::span(nal, count + 1));
  } else if (type == kStapA) {
    for (auto rest = bytes.subspan(1); rest.size() > 3;) {
      const std::size_t size = std::min<std::size_t>(get_u16(rest, 0), rest.size() - 2);
      if (size == 0) return;
      check_.nal(rest.subspan(2, size));
      rest = rest.subspan(2 + size);
    }
  } else {
    check_.nal(bytes);
  }
}

void RtpTrack::frame_complete(std::uint32_t timestamp) {
  if (any_frame_) {
    const double step = static_cast<double>(static_cast<std::int32_t>(timestamp - last_timestamp_)) * fps_ / kClockHz;
    if (step > 1.5) meter_.lost(static_cast<std::uint64_t>(std::lround(step)) - 1);
  }
  any_frame_ = true;
  last_timestamp_ = timestamp;
  const H264Check::Picture picture = check_.take_picture();
  if (h264_ && !picture.decodable) meter_.undecodable();
  if (whole_) {
    meter_.frame(campipe::monotonic_ns(), picture.key || !h264_, stamp_ns_, told_us(timestamp));
  } else {
    meter_.damaged();
  }
  whole_ = true;
  stamp_ns_.reset();
}

std::optional<std::int64_t> RtpTrack::told_us(std::uint32_t timestamp) const {
  if (report_unix_s_ == 0) return std::nullopt;
  const double behind = static_cast<double>(static_cast<std::int32_t>(timestamp - report_rtp_)) / kClockHz;
  return std::llround((report_unix_s_ + behind) * 1e6);
}

void RtpTrack::rtcp(std::span<const std::byte> packet) {
  if (packet.size() < 28 || std::to_integer<int>(packet[1]) != kSenderReport) return;
  report_unix_s_ = get_u32(packet, 8) - kNtpToUnix + get_u32(packet, 12) / 4294967296.0;
  report_rtp_ = get_u32(packet, 16);
}

}  // namespace fanout
