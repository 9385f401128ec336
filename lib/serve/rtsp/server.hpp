#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "base/fd.hpp"
#include "net/listener.hpp"
#include "serve/hub/hub.hpp"
#include "serve/rtsp/connection.hpp"
#include "serve/rtsp/sessions.hpp"

namespace campipe::serve::rtsp {

/// The RTSP server: streams of the hub at rtsp://HOST:PORT/NAME[/RENDITION][?codec=mjpeg|h264|h265], over UDP or
/// interleaved. For the loop's thread; the hub must outlive it.
class Server {
public:
  struct Options {
    Sessions::Options sessions;
    /// How long DESCRIBE waits for the first keyframe of a stream.
    std::int64_t describe_wait_ms = 4000;
    std::size_t max_connections = 1000;  ///< more get 503
  };

  /// @param listener  a listening stream socket.
  Server(net::Loop& loop, hub::Hub& hub, Fd listener, Options options);
  Server(net::Loop& loop, hub::Hub& hub, Fd listener) : Server(loop, hub, std::move(listener), Options{}) {}

  /// No more connections; those without a session are closed, and with `streams` the others too, after RTCP BYE. Else
  /// they go on until their streams have ended.
  void stop(bool streams);

  /// Takes connections from another socket, too.
  void add_listener(Fd listener);
  /// Of the first.
  net::Address address() const { return listeners_.front()->address(); }
  std::size_t connection_count() const noexcept { return connections_.size(); }
  std::size_t session_count() const noexcept { return sessions_.count(); }

private:
  void accept(Fd fd, const net::Address& peer);
  void tell_full(const net::Address& peer);
  void tick();

  Options options_;
  Sessions sessions_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::size_t refusing_ = 0;  // of connections_
  std::optional<std::int64_t> told_full_ms_;
  net::Timer timer_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  bool stopping_ = false;
};

}  // namespace campipe::serve::rtsp
