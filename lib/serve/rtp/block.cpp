#include "serve/rtp/block.hpp"

#include <algorithm>

namespace campipe::serve::rtp {

namespace {

/// More than this is not kept for the next unit: one large keyframe is not to be paid for as long as the server runs.
constexpr std::size_t kKeptBytes = 1 << 20;

}  // namespace

void Block::hold(const hub::UnitPtr& unit, const campipe::rtp::PayloadList& list) {
  if (list_ == &list && unit_ == unit) return;
  unit_ = unit;
  list_ = &list;
  const auto payloads = list.payloads();
  const std::size_t bytes = list.bytes() + payloads.size() * (framing_ + campipe::rtp::kRtpHeaderBytes);
  if (bytes_.capacity() > kKeptBytes && bytes <= kKeptBytes) std::vector<std::byte>().swap(bytes_);
  bytes_.resize(bytes);
  packets_.clear();
  std::size_t at = 0;
  for (const campipe::rtp::RtpPayload& payload : payloads) {
    const std::size_t header = framing_ + campipe::rtp::kRtpHeaderBytes + payload.prefix_bytes;
    packets_.push_back({at, framing_ + campipe::rtp::kRtpHeaderBytes + payload.bytes, header});
    auto out = bytes_.begin() + static_cast<std::ptrdiff_t>(at + header);
    for (std::size_t i = 0; i < payload.pieces; ++i) out = std::ranges::copy(list.piece(payload, i), out).out;
    at += packets_.back().bytes;
  }
}

void Block::write_headers(campipe::rtp::RtpSender& sender, campipe::rtp::RtpTicks time) {
  for (std::size_t i = 0; i < packets_.size(); ++i)
    sender.write_header(list_->payloads()[i], time, bytes_.data() + packets_[i].offset + framing_);
}

void Block::save_headers(std::size_t first, std::vector<std::byte>& out) const {
  out.clear();
  for (const Packet& packet : std::span(packets_).subspan(first)) {
    const auto from = bytes_.begin() + static_cast<std::ptrdiff_t>(packet.offset);
    out.insert(out.end(), from, from + static_cast<std::ptrdiff_t>(packet.header_bytes));
  }
}

void Block::restore_headers(std::size_t first, std::span<const std::byte> saved) {
  for (const Packet& packet : std::span(packets_).subspan(first)) {
    std::ranges::copy(saved.first(packet.header_bytes), bytes_.begin() + static_cast<std::ptrdiff_t>(packet.offset));
    saved = saved.subspan(packet.header_bytes);
  }
}

}  // namespace campipe::serve::rtp
