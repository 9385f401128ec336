#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "net/connection.hpp"
#include "serve/rtp/block.hpp"
#include "serve/rtp/output.hpp"

namespace campipe::serve::rtp {

/// RTP and RTCP interleaved on the RTSP connection (RFC 2326, 10.12): one system call for one unit. Only what the
/// kernel does not take at once costs memory of this client.
class InterleavedOutput : public Output {
public:
  static constexpr std::size_t kFramingBytes = 4;

  /// @param connection  must outlive this, as must
  /// @param block       with room for the framing, shared with others.
  InterleavedOutput(net::Loop& loop, net::Connection& connection, Block& block)
      : loop_(loop), connection_(connection), block_(block) {}

  /// Tracks are numbered from 0 and may come in any order.
  void set_channels(std::size_t track, std::uint8_t rtp, std::uint8_t rtcp);

  bool idle() const override { return connection_.idle(); }
  std::size_t send(std::size_t track, campipe::rtp::RtpSender& sender, campipe::rtp::RtpTicks time,
                   const campipe::rtp::PayloadList& list, hub::UnitPtr unit) override;
  void send_rtcp(std::size_t track, std::span<const std::byte> packet) override;
  Progress progress() override;
  std::int64_t stuck_ms() const override;

private:
  struct Channels {
    std::uint8_t rtp = 0, rtcp = 1;
  };
  void queue_rest(const campipe::rtp::PayloadList& list, hub::UnitPtr unit, std::size_t taken);

  net::Loop& loop_;
  net::Connection& connection_;
  Block& block_;
  std::vector<Channels> channels_;
  std::string rtcp_;  // the newest packet with its framing
};

}  // namespace campipe::serve::rtp
