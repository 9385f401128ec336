#include "serve/rtp/interleaved_output.hpp"

#include <array>

#include "rtp/bytes.hpp"

namespace campipe::serve::rtp {

namespace {

void put_interleaved(std::byte* out, std::uint8_t channel, std::size_t length) {
  out[0] = std::byte{'$'};
  out[1] = static_cast<std::byte>(channel);
  campipe::rtp::put_u16(out + 2, static_cast<std::uint32_t>(length));
}

iovec part_of(std::span<const std::byte> bytes) {
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}

/// What a write under way points into.
struct Waiting {
  std::vector<std::byte> headers;
  hub::UnitPtr unit;
};

}  // namespace

void InterleavedOutput::set_channels(std::size_t track, std::uint8_t rtp, std::uint8_t rtcp) {
  if (channels_.size() <= track) channels_.resize(track + 1);
  channels_[track] = {rtp, rtcp};
}

std::size_t InterleavedOutput::send(std::size_t track, campipe::rtp::RtpSender& sender, campipe::rtp::RtpTicks time,
                                    const campipe::rtp::PayloadList& list, hub::UnitPtr unit) {
  block_.hold(unit, list);
  const std::span<std::byte> bytes = block_.bytes();
  for (const Block::Packet& packet : block_.packets())
    put_interleaved(bytes.data() + packet.offset, channels_[track].rtp, packet.bytes - kFramingBytes);
  block_.write_headers(sender, time);
  const iovec all = part_of(bytes);
  const std::size_t taken = connection_.try_write({&all, 1});
  if (taken < bytes.size()) queue_rest(list, std::move(unit), taken);
  return bytes.size();
}

/// The block is the next client's: the rest is sent from the unit itself and a copy of the headers.
void InterleavedOutput::queue_rest(const campipe::rtp::PayloadList& list, hub::UnitPtr unit, std::size_t taken) {
  const auto packets = block_.packets();
  std::size_t first = 0;
  while (taken >= packets[first].bytes) taken -= packets[first++].bytes;
  auto waiting = std::make_shared<Waiting>();
  waiting->unit = std::move(unit);
  block_.save_headers(first, waiting->headers);
  std::vector<iovec> parts;
  std::span<const std::byte> headers = waiting->headers;
  for (std::size_t i = first; i < packets.size(); ++i) {
    parts.push_back(part_of(headers.first(packets[i].header_bytes)));
    headers = headers.subspan(packets[i].header_bytes);
    const campipe::rtp::RtpPayload& payload = list.payloads()[i];
    for (std::size_t piece = 0; piece < payload.pieces; ++piece) parts.push_back(part_of(list.piece(payload, piece)));
  }
  connection_.queue(parts, taken, std::move(waiting));
}

void InterleavedOutput::send_rtcp(std::size_t track, std::span<const std::byte> packet) {
  std::array<std::byte, kFramingBytes> header{};
  put_interleaved(header.data(), channels_[track].rtcp, packet.size());
  rtcp_.assign(reinterpret_cast<const char*>(header.data()), header.size());
  rtcp_.append(reinterpret_cast<const char*>(packet.data()), packet.size());
  connection_.send(rtcp_);  // one that does not fit is told again with the next
}

Output::Progress InterleavedOutput::progress() {
  Progress progress{.send_calls = connection_.send_calls()};
  if (connection_.idle()) progress.taken_ns = loop_.now_ns();  // asked at once, or from on_drained()
  return progress;
}

std::int64_t InterleavedOutput::stuck_ms() const {
  return connection_.idle() ? 0 : loop_.now_ms() - connection_.last_progress_ms();
}

}  // namespace campipe::serve::rtp
