#include "serve/rtsp_udp_output.hpp"

#include <algorithm>

#include "base/clock.hpp"

namespace campipe::serve {

namespace {

constexpr std::size_t kHeaderRoom = rtp::kRtpHeaderBytes + std::tuple_size_v<decltype(rtp::RtpPayload::prefix)>;
/// 46 kB: a third of what Linux' default receive buffer holds of such packets. At most 370 Mbit/s for one client.
constexpr std::size_t kBurst = 32;
constexpr std::int64_t kRestMs = 1;
constexpr std::int64_t kPatienceMs = 200;  // with a socket that is full, before the rest of a unit is given up

iovec part_of(std::span<const std::byte> bytes) {
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}

}  // namespace

RtspUdpOutput::RtspUdpOutput(net::Loop& loop, RtspUdpPorts& ports, std::function<void()> on_idle)
    : loop_(loop), ports_(ports), on_idle_(std::move(on_idle)), timer_(loop, [this] {
        resting_ = false;
        flush();
        if (idle()) on_idle_();
      }) {}

void RtspUdpOutput::set_addresses(std::size_t track, const net::Address& rtp, const net::Address& rtcp) {
  if (addresses_.size() <= track) addresses_.resize(track + 1);
  addresses_[track] = {rtp, rtcp};
}

std::size_t RtspUdpOutput::send(std::size_t track, rtp::RtpSender& sender, rtp::RtpTicks time,
                                const rtp::PayloadList& list, UnitPtr unit) {
  track_ = track;
  unit_ = std::move(unit);
  headers_.resize(list.payloads().size() * kHeaderRoom);
  parts_.clear();
  datagrams_.clear();
  next_ = 0;
  progress_ = {.send_calls = progress_.send_calls};
  std::byte* at = headers_.data();
  for (const rtp::RtpPayload& payload : list.payloads()) {
    const std::size_t header = sender.write_header(payload, time, at);
    parts_.push_back({at, header});
    for (std::size_t i = 0; i < payload.pieces; ++i) parts_.push_back(part_of(list.piece(payload, i)));
    at += header;
  }
  std::size_t first = 0;
  for (const rtp::RtpPayload& payload : list.payloads()) {  // only now does parts_ stay where it is
    datagrams_.push_back({std::span(parts_).subspan(first, 1 + payload.pieces), rtp::kRtpHeaderBytes + payload.bytes});
    first += 1 + payload.pieces;
  }
  flush();
  return list.bytes() + list.payloads().size() * rtp::kRtpHeaderBytes;
}

/// How many packets may go now; a burst ends with the millisecond.
std::size_t RtspUdpOutput::allowance() {
  if (loop_.now_ms() - burst_at_ms_ >= kRestMs) {
    burst_at_ms_ = loop_.now_ms();
    in_burst_ = 0;
  }
  return kBurst - in_burst_;
}

void RtspUdpOutput::flush() {
  const std::size_t count = std::min(allowance(), datagrams_.size() - next_);
  const auto result = ports_.send(addresses_[track_].rtp, std::span(datagrams_).subspan(next_, count));
  progress_.send_calls += result.calls;
  next_ += result.datagrams;
  in_burst_ += result.datagrams;
  if (result.datagrams > 0) full_since_ms_ = -1;
  if (result.sent == RtspUdpPorts::Sent::failed) give_up();
  if (result.sent == RtspUdpPorts::Sent::some) {
    if (full_since_ms_ < 0) full_since_ms_ = loop_.now_ms();
    if (loop_.now_ms() - full_since_ms_ > kPatienceMs) give_up();
  }
  if (next_ == datagrams_.size() && unit_) {
    unit_.reset();
    if (!progress_.lost) progress_.taken_ns = monotonic_ns();
  }
  if (next_ < datagrams_.size() || in_burst_ >= kBurst) rest();
}

void RtspUdpOutput::give_up() {
  lost_ += datagrams_.size() - next_;
  progress_.lost = true;
  next_ = datagrams_.size();
  full_since_ms_ = -1;
}

void RtspUdpOutput::rest() {
  resting_ = true;
  timer_.start(kRestMs);
}

void RtspUdpOutput::send_rtcp(std::size_t track, std::span<const std::byte> packet) {
  ++progress_.send_calls;
  ports_.send_rtcp(addresses_[track].rtcp, packet);
}

}  // namespace campipe::serve
