#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <netinet/in.h>

#include "base/fd.hpp"
#include "floor/packets.hpp"

namespace fanout {

/// One client of the floor: just enough of HTTP or RTSP for it to begin, then frames. Its socket is non-blocking.
class Receiver {
public:
  Receiver(campipe::Fd fd, Way way, std::string sdp);

  int fd() const noexcept { return fd_.get(); }
  bool playing() const noexcept { return playing_; }
  bool busy() const noexcept { return !rest_.empty(); }

  /// Reads and answers; false when the client is gone.
  bool on_readable();
  /// Sends what is left of a frame; false when the client is gone.
  bool on_writable();
  /// One frame, in as few system calls as there may be; left out while the last one is under way.
  void send(const Packets& packets, int udp_socket);

  std::uint64_t calls() const noexcept { return calls_; }
  std::uint64_t left_out() const noexcept { return left_out_; }

private:
  void answer(const std::string& request);
  void send_stream(std::span<const iovec> parts);
  void send_datagrams(const Packets& packets, int udp_socket);

  campipe::Fd fd_;
  Way way_;
  std::string sdp_, in_;
  bool playing_ = false;
  sockaddr_in udp_{};
  std::vector<iovec> rest_;
  std::uint64_t calls_ = 0, left_out_ = 0;
};

}  // namespace fanout
