#include "floor/packets.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "rtp/bytes.hpp"
#include "rtp/ticks.hpp"

namespace fanout {

using namespace campipe;

namespace {

constexpr std::size_t kInterleaved = 4;
constexpr std::size_t kHeaderRoom = kInterleaved + rtp::kRtpHeaderBytes + 12;
constexpr std::string_view kBehindPicture = "\r\n--next\r\n";

iovec part_of(std::span<const std::byte> bytes) {
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}

}  // namespace

Packets::Packets(Way way, const Clip& clip)
    : way_(way),
      packetizer_(rtp::make_packetizer(clip.format().video, rtp::kDefaultMaxPayload)),
      sender_(96, 90'000, {0x666C6F6F, 0, 0}),
      frame_ns_(clip.frame_ns()) {}

void Packets::make(const Clip::Frame& frame) {
  parts_.clear();
  datagrams_.clear();
  if (way_ == Way::mjpeg) return make_part(frame);
  make_rtp(frame);
  if (way_ != Way::tcp_apart) join_parts();
}

void Packets::make_part(const Clip::Frame& frame) {
  head_ = fmt::format("Content-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", frame.coded.bytes.size());
  parts_.push_back(part_of(std::as_bytes(std::span(head_.data(), head_.size()))));
  parts_.push_back(part_of(frame.coded.bytes));
  parts_.push_back(part_of(std::as_bytes(std::span(kBehindPicture.data(), kBehindPicture.size()))));
}

void Packets::make_rtp(const Clip::Frame& frame) {
  auto split = packetizer_->split(media::Payload(nullptr, frame.coded.bytes));
  if (!split) throw Error(ExitCode::bad_data, std::string(rtp::text(split.error())));
  list_ = std::make_unique<rtp::PayloadList>(std::move(*split));
  headers_.resize(list_->payloads().size() * kHeaderRoom);
  at_us_ += frame_ns_ / 1000;
  std::byte* at = headers_.data();
  for (const rtp::RtpPayload& payload : list_->payloads()) {
    std::size_t framing = 0;
    const std::size_t bytes = rtp::kRtpHeaderBytes + payload.bytes;
    if (way_ == Way::tcp || way_ == Way::tcp_apart) {
      at[0] = std::byte{'$'};
      at[1] = std::byte{0};
      rtp::put_u16(at + 2, static_cast<std::uint32_t>(bytes));
      framing = kInterleaved;
    }
    const std::size_t header =
        framing + sender_.write_header(payload, rtp::ticks_from_us(at_us_, sender_.clock_hz()), at + framing);
    datagrams_.push_back({parts_.size(), 1 + payload.pieces, bytes});
    parts_.push_back({at, header});
    for (std::size_t i = 0; i < payload.pieces; ++i) parts_.push_back(part_of(list_->piece(payload, i)));
    at += header;
  }
}

/// Packets end to end in one buffer: each datagram, and all of a stream's bytes, one part.
void Packets::join_parts() {
  joined_.clear();
  std::vector<std::size_t> offsets;
  for (const Datagram& datagram : datagrams_) {
    offsets.push_back(joined_.size());
    for (const iovec& part : std::span(parts_).subspan(datagram.first_part, datagram.parts)) {
      const auto* bytes = static_cast<const std::byte*>(part.iov_base);
      joined_.insert(joined_.end(), bytes, bytes + part.iov_len);
    }
  }
  parts_.clear();
  if (way_ == Way::tcp) {
    parts_.push_back(part_of(joined_));
    return;
  }
  for (std::size_t i = 0; i < datagrams_.size(); ++i) {
    datagrams_[i].first_part = i;
    datagrams_[i].parts = 1;
    parts_.push_back(part_of(std::span(joined_).subspan(offsets[i], datagrams_[i].bytes)));
  }
}

}  // namespace fanout
