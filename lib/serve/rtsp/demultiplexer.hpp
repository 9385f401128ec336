#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "net/message_parser.hpp"

namespace campipe::serve::rtsp {

/// Takes apart what an RTSP client sends on its connection: requests, and binary frames between them (`$`, channel,
/// 16-bit length; RFC 2326, 10.12). Bytes in, events out.
class Demultiplexer {
public:
  enum class Got {
    nothing,  ///< all bytes are taken, more are needed
    request,  ///< request()
    frame,    ///< channel() and payload()
    error,    ///< error(): there is no place to go on from
  };

  Demultiplexer();

  /// Takes bytes off the front of `bytes` up to the next event.
  Got next(std::span<const std::byte>& bytes);

  /// In the middle of a request or a frame: some bytes of it have come.
  bool started() const noexcept { return in_frame_ || parser_.started(); }

  net::Request request() { return parser_.take(); }
  std::uint8_t channel() const noexcept { return std::to_integer<std::uint8_t>(frame_[1]); }
  /// Until the next call of next().
  std::span<const std::byte> payload() const noexcept { return std::span(frame_).subspan(kHeaderBytes); }
  net::ParseError error() const noexcept { return error_; }
  /// What came of the request that could not be parsed.
  std::string_view head() const noexcept { return parser_.head(); }

private:
  static constexpr std::size_t kHeaderBytes = 4;
  Got next_frame(std::span<const std::byte>& bytes);
  void fill_frame(std::span<const std::byte>& bytes, std::size_t length);

  net::MessageParser parser_;
  std::vector<std::byte> frame_;  // one in the making, or the one that was told last
  bool in_frame_ = false;
  net::ParseError error_{};
};

}  // namespace campipe::serve::rtsp
