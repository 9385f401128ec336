#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <sys/uio.h>

#include "clip.hpp"
#include "rtp/packetizer.hpp"
#include "rtp/sender.hpp"

namespace fanout {

enum class Way {
  mjpeg,         ///< a part of multipart/x-mixed-replace
  tcp,           ///< RTP interleaved on the RTSP connection
  tcp_apart,     ///< the same, each packet's header and payload where they are instead of in one buffer
  udp_sendmmsg,  ///< a datagram a message
  udp_gso,       ///< runs of equal datagrams as one message (UDP_SEGMENT)
};

/// A frame as it goes out, made once and the same for all clients: even RTP's headers are. What its parts point to
/// stays until the next is made.
class Packets {
public:
  explicit Packets(Way way, const Clip& clip);

  /// `frame` must stay as long as this is sent.
  void make(const Clip::Frame& frame);

  std::span<const iovec> parts() const noexcept { return parts_; }
  struct Datagram {
    std::size_t first_part = 0, parts = 0, bytes = 0;
  };
  std::span<const Datagram> datagrams() const noexcept { return datagrams_; }

private:
  void make_part(const Clip::Frame& frame);
  void make_rtp(const Clip::Frame& frame);
  void join_parts();

  Way way_;
  std::unique_ptr<campipe::rtp::Packetizer> packetizer_;
  campipe::rtp::RtpSender sender_;
  std::unique_ptr<campipe::rtp::PayloadList> list_;
  std::string head_;
  std::vector<std::byte> headers_, joined_;
  std::vector<iovec> parts_;
  std::vector<Datagram> datagrams_;
  std::int64_t frame_ns_, at_us_ = 0;
};

}  // namespace fanout
