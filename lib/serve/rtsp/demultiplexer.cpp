#include "serve/rtsp/demultiplexer.hpp"

#include <algorithm>

namespace campipe::serve::rtsp {

namespace {

constexpr std::byte kFrameMark{'$'};

/// A request line and headers of players stay far below these; larger is no player.
constexpr net::MessageParser::Limits kLimits{
    .line_bytes = 4096, .headers_bytes = 16384, .headers = 64, .body_bytes = 20000};

}  // namespace

Demultiplexer::Demultiplexer() : parser_(net::MessageParser::Dialect::rtsp, kLimits) {}

Demultiplexer::Got Demultiplexer::next(std::span<const std::byte>& bytes) {
  if (!in_frame_) frame_.clear();
  while (!bytes.empty()) {
    if (in_frame_ || (!parser_.started() && bytes.front() == kFrameMark)) {
      const Got got = next_frame(bytes);
      if (got != Got::nothing) return got;
      continue;
    }
    if (!parser_.started() && (bytes.front() == std::byte{'\r'} || bytes.front() == std::byte{'\n'})) {
      bytes = bytes.subspan(1);  // some players send empty lines to keep the connection alive
      continue;
    }
    const auto taken = parser_.feed(bytes);
    if (!taken) {
      error_ = taken.error();
      return Got::error;
    }
    bytes = bytes.subspan(*taken);
    if (parser_.complete()) return Got::request;
  }
  return Got::nothing;
}

Demultiplexer::Got Demultiplexer::next_frame(std::span<const std::byte>& bytes) {
  in_frame_ = true;
  fill_frame(bytes, kHeaderBytes);
  if (frame_.size() < kHeaderBytes) return Got::nothing;
  const std::size_t length = std::to_integer<std::size_t>(frame_[2]) << 8 | std::to_integer<std::size_t>(frame_[3]);
  fill_frame(bytes, kHeaderBytes + length);
  if (frame_.size() < kHeaderBytes + length) return Got::nothing;
  in_frame_ = false;
  return Got::frame;
}

void Demultiplexer::fill_frame(std::span<const std::byte>& bytes, std::size_t length) {
  if (frame_.size() >= length) return;
  const std::size_t count = std::min(length - frame_.size(), bytes.size());
  frame_.insert(frame_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
  bytes = bytes.subspan(count);
}

}  // namespace campipe::serve::rtsp
