#include "rtp/h264.hpp"

#include <algorithm>
#include <stdexcept>

#include "media/h264.hpp"
#include "rtp/nal_splitter.hpp"

namespace campipe::rtp {

namespace {

namespace h264 = media::h264;

constexpr int kStapA = 24;
constexpr int kFuA = 28;

/// RFC 6184, 5.3, 5.7.1 and 5.8.
class Scheme : public NalScheme {
public:
  std::size_t nal_header_bytes() const noexcept override { return 1; }

  std::vector<std::byte> aggregation_header(std::span<const NalPart> parts) const override {
    int forbidden = 0;
    int importance = 0;
    for (const NalPart& part : parts) {  // F is the OR, NRI the maximum of all
      const int octet = std::to_integer<int>(part.nal.front());
      forbidden |= octet & 0x80;
      importance = std::max(importance, octet & 0x60);
    }
    return {static_cast<std::byte>(forbidden | importance | kStapA)};
  }

  std::vector<std::byte> fragment_header(media::Nal nal, bool start, bool end) const override {
    const int octet = std::to_integer<int>(nal.front());
    const int fu = (start ? 0x80 : 0) | (end ? 0x40 : 0) | (octet & 0x1F);
    return {static_cast<std::byte>((octet & 0xE0) | kFuA), static_cast<std::byte>(fu)};
  }
};

/// Types 24 to 31 mean something else on the wire; AUD, filler and stream ends tell an RTP receiver nothing.
bool is_sent(int type) {
  return type >= 1 && type < kStapA && type != h264::kAud && type != h264::kEndOfSequence &&
         type != h264::kEndOfStream && type != h264::kFiller;
}

bool is_small(int type) {
  return type == h264::kSei || type == h264::kSps || type == h264::kPps;
}

}  // namespace

H264Packetizer::H264Packetizer(std::size_t max_payload, std::vector<std::byte> parameter_sets)
    : max_payload_(max_payload), parameter_sets_(std::move(parameter_sets)) {
  if (max_payload < kLeastMaxPayload) throw std::invalid_argument("rtp: the payload size is too small");
}

Expected<PayloadList, RtpError> H264Packetizer::split(const media::Payload& access_unit) const {
  std::vector<NalPart> parts;
  bool has_idr = false, has_sps = false;
  for (const media::Nal nal : media::split_annex_b(access_unit.bytes())) {
    const int type = h264::nal_type(nal);
    if (!is_sent(type)) continue;
    has_idr |= type == h264::kIdr;
    has_sps |= type == h264::kSps;
    parts.push_back({nal, true, is_small(type)});
  }
  if (parts.empty()) return Unexpected(RtpError::empty);
  if (has_idr && !has_sps) {
    std::vector<NalPart> sets;
    for (const media::Nal nal : media::split_annex_b(parameter_sets_)) sets.push_back({nal, false, true});
    parts.insert(parts.begin(), sets.begin(), sets.end());
  }
  PayloadList list(access_unit);
  split_nals(Scheme(), parts, max_payload_, list);
  return list;
}

}  // namespace campipe::rtp
