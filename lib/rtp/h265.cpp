#include "rtp/h265.hpp"

#include <algorithm>
#include <stdexcept>

#include "media/h265.hpp"
#include "rtp/nal_splitter.hpp"

namespace campipe::rtp {

namespace {

namespace h265 = media::h265;

constexpr int kAggregation = 48;
constexpr int kFragmentation = 49;
constexpr int kEndOfSequence = 36;
constexpr int kEndOfBitstream = 37;
constexpr int kSuffixSei = 40;

/// The two header octets: F(1) type(6) layer(6) temporal-id-plus-1(3).
struct Header {
  int forbidden, layer, temporal;
  explicit Header(media::Nal nal) {
    const int first = std::to_integer<int>(nal[0]);
    const int second = std::to_integer<int>(nal[1]);
    forbidden = first & 0x80;
    layer = (first & 1) << 5 | second >> 3;
    temporal = second & 7;
  }
};

std::vector<std::byte> payload_header(int forbidden, int type, int layer, int temporal) {
  return {static_cast<std::byte>(forbidden | type << 1 | layer >> 5),
          static_cast<std::byte>((layer & 0x1F) << 3 | temporal)};
}

/// RFC 7798, 4.4.2 and 4.4.3.
class Scheme : public NalScheme {
public:
  std::size_t nal_header_bytes() const noexcept override { return 2; }

  std::vector<std::byte> aggregation_header(std::span<const NalPart> parts) const override {
    Header all(parts.front().nal);
    for (const NalPart& part : parts) {  // F is the OR, layer and temporal id the lowest of all
      const Header one(part.nal);
      all.forbidden |= one.forbidden;
      all.layer = std::min(all.layer, one.layer);
      all.temporal = std::min(all.temporal, one.temporal);
    }
    return payload_header(all.forbidden, kAggregation, all.layer, all.temporal);
  }

  std::vector<std::byte> fragment_header(media::Nal nal, bool start, bool end) const override {
    const Header header(nal);
    std::vector<std::byte> bytes = payload_header(header.forbidden, kFragmentation, header.layer, header.temporal);
    bytes.push_back(static_cast<std::byte>((start ? 0x80 : 0) | (end ? 0x40 : 0) | h265::nal_type(nal)));
    return bytes;
  }
};

bool is_sent(int type) {
  return type < kAggregation && type != h265::kAud && type != kEndOfSequence && type != kEndOfBitstream &&
         type != h265::kFiller;
}

bool is_small(int type) {
  return type == h265::kVps || type == h265::kSps || type == h265::kPps || type == h265::kPrefixSei ||
         type == kSuffixSei;
}

bool is_random_access(int type) {
  return type >= h265::kBlaWLp && type <= h265::kLastIrap;
}

}  // namespace

H265Packetizer::H265Packetizer(std::size_t max_payload, std::vector<std::byte> parameter_sets)
    : max_payload_(max_payload), parameter_sets_(std::move(parameter_sets)) {
  if (max_payload < kLeastMaxPayload) throw std::invalid_argument("rtp: the payload size is too small");
}

Expected<PayloadList, RtpError> H265Packetizer::split(const media::Payload& access_unit) const {
  std::vector<NalPart> parts;
  bool has_entry = false, has_sps = false;
  for (const media::Nal nal : media::split_annex_b(access_unit.bytes())) {
    if (nal.size() < 2) continue;
    const int type = h265::nal_type(nal);
    if (!is_sent(type)) continue;
    has_entry |= is_random_access(type);
    has_sps |= type == h265::kSps;
    parts.push_back({nal, true, is_small(type)});
  }
  if (parts.empty()) return Unexpected(RtpError::empty);
  if (has_entry && !has_sps) {
    std::vector<NalPart> sets;
    for (const media::Nal nal : media::split_annex_b(parameter_sets_)) {
      if (nal.size() >= 2) sets.push_back({nal, false, true});
    }
    parts.insert(parts.begin(), sets.begin(), sets.end());
  }
  PayloadList list(access_unit);
  split_nals(Scheme(), parts, max_payload_, list);
  return list;
}

}  // namespace campipe::rtp
