#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include <sys/uio.h>

#include "net/connection.hpp"
#include "serve/rtsp_output.hpp"

namespace campipe::serve {

/// RTP and RTCP interleaved on the RTSP connection (RFC 2326, 10.12): one writev for one unit.
class RtspTcpOutput : public RtspOutput {
public:
  /// @param connection  must outlive this.
  RtspTcpOutput(net::Loop& loop, net::Connection& connection) : loop_(loop), connection_(connection) {}

  /// Tracks are numbered from 0 and may come in any order.
  void set_channels(std::size_t track, std::uint8_t rtp, std::uint8_t rtcp);

  bool idle() const override { return connection_.idle(); }
  std::size_t send(std::size_t track, rtp::RtpSender& sender, rtp::RtpTicks time, const rtp::PayloadList& list,
                   UnitPtr unit) override;
  void send_rtcp(std::size_t track, std::span<const std::byte> packet) override;
  Progress progress() override;
  std::int64_t stuck_ms() const override;

private:
  struct Channels {
    std::uint8_t rtp = 0, rtcp = 1;
  };
  /// What a write under way points into; shared with the connection, which may outlive us.
  struct Batch {
    std::vector<std::byte> headers;
    UnitPtr unit;
  };

  net::Loop& loop_;
  net::Connection& connection_;
  std::vector<Channels> channels_;
  std::shared_ptr<Batch> batch_;
  std::vector<iovec> parts_;
};

}  // namespace campipe::serve
