#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "net/unix_socket.hpp"

namespace campipe::serve {

/// Where a server is to listen: ADDR:PORT or unix:PATH, as given; empty: not at all.
struct ListenAt {
  std::vector<std::string> http, rtsp;
  std::optional<mode_t> socket_mode;  ///< of unix sockets
  /// Nothing was said of RTSP: it is tried on the hosts of `http`, on 127.0.0.1 when they are unix sockets, at port
  /// 8554. Where it cannot be had a line says so, and the rest is served.
  bool rtsp_follows = false;
};

/// The sockets that it listens to.
struct Listening {
  std::vector<Fd> http, rtsp;
  std::vector<net::SocketFile> files;  ///< of unix sockets; go with this
};

/// Opens them. Sockets that were passed to us take the place of all that are given for the same protocol; which one it
/// is tells the name ("http", "rtsp", or one that has it in it: camserve-rtsp.socket), else the port (554 and 8554 are
/// RTSP, others HTTP). Throws Error.
Listening start_listening(const ListenAt& at);

}  // namespace campipe::serve
