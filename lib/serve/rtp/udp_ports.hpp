#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "base/fd.hpp"
#include "net/address.hpp"
#include "net/loop.hpp"
#include "serve/rtp/block.hpp"

namespace campipe::serve::rtp {

/// The server's pair of UDP ports on one local address: RTP on an even port, RTCP on the next (RFC 3550, 11); all
/// clients that reached us on this address share it, so that media comes from where the request went to. For the loop's
/// thread.
class UdpPorts {
public:
  using OnRtcp = std::function<void(const net::Address& from, std::span<const std::byte> packet)>;

  /// @param local  its port is not used. Throws Error when there is no pair of free ports.
  UdpPorts(net::Loop& loop, const net::Address& local, OnRtcp on_rtcp);

  int rtp_port() const noexcept { return rtp_port_; }
  int rtcp_port() const noexcept { return rtp_port_ + 1; }

  enum class Sent {
    all,
    some,    ///< the socket is full: try the rest later
    failed,  ///< the kernel refuses them (no route, a firewall): the rest is lost
  };
  struct Result {
    Sent sent = Sent::all;
    std::size_t datagrams = 0;
    std::size_t calls = 0;  ///< system calls that it took
  };
  /// Sends packets of block(), in order and by as few system calls as there may be: runs of equal size go down as one
  /// (UDP_SEGMENT), all by one sendmmsg(2).
  Result send(const net::Address& to, std::size_t first, std::size_t count);
  /// What all clients send from; without framing.
  Block& block() noexcept { return block_; }

  void send_rtcp(const net::Address& to, std::span<const std::byte> packet);

private:
  bool bind_pair(const net::Address& local);
  Result send_batch(const net::Address& to, std::span<const Block::Packet> packets);
  void on_rtcp_readable();
  void discard_rtp();

  net::Loop& loop_;
  OnRtcp on_rtcp_;
  Fd rtp_, rtcp_;
  Block block_{0};
  int rtp_port_ = 0;
  bool segment_ = true;  // until the kernel or the interface says that it cannot
  std::unique_ptr<net::Watch> rtp_watch_, rtcp_watch_;
};

}  // namespace campipe::serve::rtp
