#include "serve/rtp/udp_output.hpp"

#include <algorithm>

#include "base/faults.hpp"

namespace campipe::serve::rtp {

namespace {

/// 46 kB: a third of what Linux' default receive buffer holds of such packets. At most 370 Mbit/s for one client.
constexpr std::size_t kBurst = 32;
constexpr std::int64_t kRestMs = 1;
constexpr std::int64_t kPatienceMs = 200;  // with a socket that is full, before the rest of a unit is given up

}  // namespace

UdpOutput::UdpOutput(net::Loop& loop, UdpPorts& ports, std::function<void()> on_idle)
    : loop_(loop), ports_(ports), on_idle_(std::move(on_idle)), timer_(loop, [this] {
        resting_ = false;
        faults::contain("rtsp session", [this] { go_on(); }, [this] { give_up(); });
        if (idle()) on_idle_();
      }) {}

void UdpOutput::set_addresses(std::size_t track, const net::Address& rtp, const net::Address& rtcp) {
  if (addresses_.size() <= track) addresses_.resize(track + 1);
  addresses_[track] = {rtp, rtcp};
}

std::size_t UdpOutput::send(std::size_t track, campipe::rtp::RtpSender& sender, campipe::rtp::RtpTicks time,
                            const campipe::rtp::PayloadList& list, hub::UnitPtr unit) {
  track_ = track;
  unit_ = std::move(unit);
  list_ = &list;
  progress_ = {.send_calls = progress_.send_calls};
  Block& block = ports_.block();
  block.hold(unit_, list);
  block.write_headers(sender, time);
  count_ = block.packets().size();
  next_ = 0;
  flush();
  if (next_ < count_) {  // the block is the next client's
    block.save_headers(next_, headers_);
    headers_from_ = next_;
  }
  return list.bytes() + count_ * campipe::rtp::kRtpHeaderBytes;
}

void UdpOutput::go_on() {
  if (next_ == count_) return;
  ports_.block().hold(unit_, *list_);
  ports_.block().restore_headers(headers_from_, headers_);
  flush();
}

/// How many packets may go now; a burst ends with the millisecond.
std::size_t UdpOutput::allowance() {
  if (loop_.now_ms() - burst_at_ms_ >= kRestMs) {
    burst_at_ms_ = loop_.now_ms();
    in_burst_ = 0;
  }
  return kBurst - in_burst_;
}

void UdpOutput::flush() {
  const std::size_t count = std::min(allowance(), count_ - next_);
  const auto result = ports_.send(addresses_[track_].rtp, next_, count);
  progress_.send_calls += result.calls;
  next_ += result.datagrams;
  in_burst_ += result.datagrams;
  if (result.datagrams > 0) full_since_ms_ = -1;
  if (result.sent == UdpPorts::Sent::failed) give_up();
  if (result.sent == UdpPorts::Sent::some) {
    if (full_since_ms_ < 0) full_since_ms_ = loop_.now_ms();
    if (loop_.now_ms() - full_since_ms_ > kPatienceMs) give_up();
  }
  if (next_ == count_ && unit_) {
    unit_.reset();
    if (!progress_.lost) progress_.taken_ns = loop_.now_ns();
  }
  if (next_ < count_ || in_burst_ >= kBurst) rest();
}

void UdpOutput::give_up() {
  lost_ += count_ - next_;
  progress_.lost = true;
  next_ = count_;
  full_since_ms_ = -1;
}

void UdpOutput::rest() {
  resting_ = true;
  timer_.start(kRestMs);
}

void UdpOutput::send_rtcp(std::size_t track, std::span<const std::byte> packet) {
  ++progress_.send_calls;
  ports_.send_rtcp(addresses_[track].rtcp, packet);
}

}  // namespace campipe::serve::rtp
