#include "rtp/rtcp.hpp"

#include <algorithm>

#include "rtp/bytes.hpp"

namespace campipe::rtp {

namespace {

constexpr std::uint32_t kSenderReport = 200, kReceiverReport = 201, kSourceDescription = 202, kGoodbye = 203;
constexpr std::size_t kHeaderBytes = 4;
constexpr std::size_t kSenderInfoBytes = 20;
constexpr std::size_t kBlockBytes = 24;
constexpr std::size_t kMaxBlocks = 32;

/// The common header; its length field counts 32-bit words after the first.
void append_header(std::vector<std::byte>& out, std::uint32_t type, std::uint32_t count, std::size_t bytes) {
  append_u16(out, 0x8000 | count << 8 | type);
  append_u16(out, static_cast<std::uint32_t>(bytes / 4 - 1));
}

void append_description(std::vector<std::byte>& out, std::uint32_t ssrc, std::string_view cname) {
  cname = cname.substr(0, 255);
  const std::size_t item = 4 + 2 + cname.size();      // SSRC, type, length, text
  const std::size_t padded = (item + 1 + 3) / 4 * 4;  // at least one null octet ends the items
  append_header(out, kSourceDescription, 1, kHeaderBytes + padded);
  const std::size_t end = out.size() + padded;
  append_u32(out, ssrc);
  out.push_back(std::byte{1});  // CNAME
  out.push_back(static_cast<std::byte>(cname.size()));
  std::ranges::transform(cname, std::back_inserter(out), [](char c) { return static_cast<std::byte>(c); });
  out.resize(end);
}

void read_blocks(std::span<const std::byte> body, std::size_t count, std::vector<ReportBlock>& out) {
  for (std::size_t i = 0; i < count && out.size() < kMaxBlocks; ++i) {
    const std::span<const std::byte> block = body.subspan(i * kBlockBytes, kBlockBytes);
    const std::uint32_t lost = get_u32(block, 4);
    auto cumulative = static_cast<std::int32_t>(lost & 0xFF'FFFF);
    if (cumulative >= 0x80'0000) cumulative -= 0x100'0000;
    out.push_back({get_u32(block, 0), static_cast<std::uint8_t>(lost >> 24), cumulative, get_u32(block, 8),
                   get_u32(block, 12), get_u32(block, 16), get_u32(block, 20)});
  }
}

/// Takes one packet's content; false when its counts run over its end.
bool read_packet(std::uint32_t type, std::size_t count, std::span<const std::byte> body, ReceiverInfo& info) {
  if (type == kGoodbye) {
    info.goodbye = true;
    return body.size() >= 4 * count;
  }
  if (type != kSenderReport && type != kReceiverReport) return true;
  const std::size_t before = 4 + (type == kSenderReport ? kSenderInfoBytes : 0);
  if (body.size() < before + count * kBlockBytes) return false;
  read_blocks(body.subspan(before), count, info.reports);
  return true;
}

}  // namespace

std::vector<std::byte> make_sender_report(const SenderReport& report, std::string_view cname) {
  std::vector<std::byte> out;
  make_sender_report(report, cname, out);
  return out;
}

void make_sender_report(const SenderReport& report, std::string_view cname, std::vector<std::byte>& out) {
  out.clear();
  append_header(out, kSenderReport, 0, kHeaderBytes + 4 + kSenderInfoBytes);
  append_u32(out, report.ssrc);
  append_u32(out, report.ntp.seconds);
  append_u32(out, report.ntp.fraction);
  append_u32(out, report.rtp_timestamp);
  append_u32(out, report.packets);
  append_u32(out, report.octets);
  append_description(out, report.ssrc, cname);
}

std::vector<std::byte> make_goodbye(const SenderReport& report, std::string_view cname) {
  std::vector<std::byte> out = make_sender_report(report, cname);
  append_header(out, kGoodbye, 1, kHeaderBytes + 4);
  append_u32(out, report.ssrc);
  return out;
}

std::optional<ReceiverInfo> parse_rtcp(std::span<const std::byte> packet) {
  if (packet.empty()) return std::nullopt;
  ReceiverInfo info;
  while (!packet.empty()) {
    if (packet.size() < kHeaderBytes) return std::nullopt;
    const std::uint32_t first = get_u16(packet, 0);
    const std::size_t bytes = (std::size_t{get_u16(packet, 2)} + 1) * 4;
    if (first >> 14 != 2 || bytes > packet.size()) return std::nullopt;
    if (!read_packet(first & 0xFF, first >> 8 & 0x1F, packet.subspan(kHeaderBytes, bytes - kHeaderBytes), info)) {
      return std::nullopt;
    }
    packet = packet.subspan(bytes);
  }
  return info;
}

}  // namespace campipe::rtp
