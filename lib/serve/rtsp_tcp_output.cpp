#include "serve/rtsp_tcp_output.hpp"

#include <array>

#include "base/clock.hpp"
#include "rtp/bytes.hpp"

namespace campipe::serve {

namespace {

constexpr std::size_t kInterleavedBytes = 4;
constexpr std::size_t kHeaderRoom =
    kInterleavedBytes + rtp::kRtpHeaderBytes + std::tuple_size_v<decltype(rtp::RtpPayload::prefix)>;

void put_interleaved(std::byte* out, std::uint8_t channel, std::size_t length) {
  out[0] = std::byte{'$'};
  out[1] = static_cast<std::byte>(channel);
  rtp::put_u16(out + 2, static_cast<std::uint32_t>(length));
}

iovec part_of(std::span<const std::byte> bytes) {
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}

}  // namespace

void RtspTcpOutput::set_channels(std::size_t track, std::uint8_t rtp, std::uint8_t rtcp) {
  if (channels_.size() <= track) channels_.resize(track + 1);
  channels_[track] = {rtp, rtcp};
}

std::size_t RtspTcpOutput::send(std::size_t track, rtp::RtpSender& sender, rtp::RtpTicks time,
                                const rtp::PayloadList& list, UnitPtr unit) {
  if (!batch_ || batch_.use_count() > 1) batch_ = std::make_shared<Batch>();
  batch_->headers.resize(list.payloads().size() * kHeaderRoom);
  batch_->unit = std::move(unit);
  parts_.clear();
  std::byte* at = batch_->headers.data();
  std::size_t bytes = list.bytes();
  for (const rtp::RtpPayload& payload : list.payloads()) {
    put_interleaved(at, channels_[track].rtp, rtp::kRtpHeaderBytes + payload.bytes);
    const std::size_t header = kInterleavedBytes + sender.write_header(payload, time, at + kInterleavedBytes);
    parts_.push_back({at, header});
    for (std::size_t i = 0; i < payload.pieces; ++i) parts_.push_back(part_of(list.piece(payload, i)));
    at += header;
    bytes += kInterleavedBytes + rtp::kRtpHeaderBytes;
  }
  if (connection_.write(parts_, batch_)) batch_->unit.reset();
  return bytes;
}

void RtspTcpOutput::send_rtcp(std::size_t track, std::span<const std::byte> packet) {
  std::array<std::byte, kInterleavedBytes> header{};
  put_interleaved(header.data(), channels_[track].rtcp, packet.size());
  std::string text(reinterpret_cast<const char*>(header.data()), header.size());
  text.append(reinterpret_cast<const char*>(packet.data()), packet.size());
  connection_.send(text);  // one that does not fit is told again with the next
}

RtspOutput::Progress RtspTcpOutput::progress() {
  Progress progress{.send_calls = connection_.send_calls()};
  if (connection_.idle()) progress.taken_ns = monotonic_ns();  // asked at once, or from on_drained()
  return progress;
}

std::int64_t RtspTcpOutput::stuck_ms() const {
  return connection_.idle() ? 0 : loop_.now_ms() - connection_.last_progress_ms();
}

}  // namespace campipe::serve
