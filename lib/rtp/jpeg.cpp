#include "rtp/jpeg.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <vector>

#include "rtp/bytes.hpp"
#include "rtp/jpeg_scan.hpp"

namespace campipe::rtp {

namespace {

constexpr std::size_t kLeastJpegPayload = 256;
constexpr std::size_t kMaxScanBytes = (std::size_t{1} << 24) - 1;  // a 24-bit fragment offset
constexpr std::uint32_t kRestartTypes = 64;
constexpr std::uint32_t kTablesInBand = 255;
constexpr std::uint32_t kWholeFrame = 0xFFFF;  // F and L set, count 0x3FFF: reassemble before decoding (3.1.7)

/// Main header (3.1) and, with restart markers, the restart header (3.1.7).
std::vector<std::byte> fragment_header(const JpegScan& scan, std::size_t offset) {
  const std::uint32_t type = scan.type + (scan.restart_interval != 0 ? kRestartTypes : 0U);
  std::vector<std::byte> header;
  append_u32(header, static_cast<std::uint32_t>(offset));  // type-specific is 0: progressively scanned
  append_u32(header, type << 24 | kTablesInBand << 16 | static_cast<std::uint32_t>(scan.width) << 8 | scan.height);
  if (scan.restart_interval != 0) append_u32(header, std::uint32_t{scan.restart_interval} << 16 | kWholeFrame);
  return header;
}

/// Quantisation table header (3.1.8): MBZ, precision 0 (8 bit), length, tables.
std::vector<std::byte> table_header(const JpegScan& scan) {
  std::vector<std::byte> header;
  append_u32(header, static_cast<std::uint32_t>(scan.tables.size()));
  header.insert(header.end(), scan.tables.begin(), scan.tables.end());
  return header;
}

}  // namespace

JpegPacketizer::JpegPacketizer(std::size_t max_payload) : max_payload_(max_payload) {
  if (max_payload < kLeastJpegPayload) throw std::invalid_argument("rtp: the payload size is too small for JPEG");
}

Expected<PayloadList, RtpError> JpegPacketizer::split(const media::Payload& access_unit) const {
  const auto scan = read_jpeg_scan(access_unit.bytes());
  if (!scan) return Unexpected(scan.error());
  if (scan->data.empty()) return Unexpected(RtpError::empty);
  if (scan->data.size() > kMaxScanBytes) return Unexpected(RtpError::too_large);
  PayloadList list(access_unit);
  std::size_t sent = 0;
  while (sent < scan->data.size()) {
    const std::vector<std::byte> header = fragment_header(*scan, sent);
    std::size_t room = max_payload_ - header.size();
    list.begin(header);
    if (sent == 0) {
      const std::vector<std::byte> tables = table_header(*scan);
      list.add_copy(tables);
      room -= tables.size();
    }
    const std::size_t bytes = std::min(room, scan->data.size() - sent);
    list.add(scan->data.subspan(sent, bytes));
    sent += bytes;
    list.end(sent == scan->data.size());
  }
  return list;
}

}  // namespace campipe::rtp
