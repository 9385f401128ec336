#pragma once
#include <functional>
#include <vector>

#include "net/loop.hpp"
#include "serve/rtp/output.hpp"
#include "serve/rtp/udp_ports.hpp"

namespace campipe::serve::rtp {

/// RTP and RTCP by UDP to one client. Large units leave in bursts with a pause of a millisecond, as a keyframe at once
/// overruns the receive buffer that players use.
class UdpOutput : public Output {
public:
  /// @param ports    must outlive this.
  /// @param on_idle  called from the loop when idle() is true again.
  UdpOutput(net::Loop& loop, UdpPorts& ports, std::function<void()> on_idle);

  void set_addresses(std::size_t track, const net::Address& rtp, const net::Address& rtcp);

  bool idle() const override { return next_ == count_ && !resting_; }
  std::size_t send(std::size_t track, campipe::rtp::RtpSender& sender, campipe::rtp::RtpTicks time,
                   const campipe::rtp::PayloadList& list, hub::UnitPtr unit) override;
  void send_rtcp(std::size_t track, std::span<const std::byte> packet) override;
  Progress progress() override { return progress_; }
  std::int64_t stuck_ms() const override { return 0; }  // nobody can tell

  /// Packets that the kernel did not take.
  std::uint64_t lost() const noexcept { return lost_; }

private:
  struct Addresses {
    net::Address rtp, rtcp;
  };
  void flush();
  void go_on();
  void rest();
  void give_up();
  std::size_t allowance();

  net::Loop& loop_;
  UdpPorts& ports_;
  std::function<void()> on_idle_;
  std::vector<Addresses> addresses_;
  std::size_t track_ = 0;
  hub::UnitPtr unit_;                                // under way, and
  const campipe::rtp::PayloadList* list_ = nullptr;  // its packets
  std::size_t count_ = 0, next_ = 0;                 // of them, and the first that is not sent
  std::vector<std::byte> headers_;                   // of those that could not be sent at once
  std::size_t headers_from_ = 0;
  std::int64_t burst_at_ms_ = 0;  // when the present burst began
  std::size_t in_burst_ = 0;
  std::int64_t full_since_ms_ = -1;  // the socket takes nothing
  std::uint64_t lost_ = 0;
  Progress progress_;
  bool resting_ = false;
  net::Timer timer_;
};

}  // namespace campipe::serve::rtp
