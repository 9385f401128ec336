#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "net/http_server.hpp"
#include "serve/http/routes.hpp"
#include "serve/hub/deliveries.hpp"
#include "serve/rtsp/harness.hpp"

namespace campipe::serve::test {

/// A server with "cam" in H.264 over RTSP and "still" in MJPEG over HTTP, in this thread and with manual time.
struct Site {
  Fixture rtsp;
  hub::Stream& jpeg = rtsp.hub.add_stream("still", "");
  http::Routes routes{rtsp.loop, rtsp.hub, {}, {}};
  net::HttpServer http{
      rtsp.loop, net::listen_anywhere(),
      [this](const net::HttpRequest& request, net::HttpReply reply) { routes.handle(request, std::move(reply)); }};
  std::int64_t pictures = 0;
  std::uint64_t pushed_bytes = 0;  ///< of payload; each client gets more than that, because of the headers

  Site();
  hub::Stream& stream_of(hub::Protocol protocol);
  /// One frame of the stream that `protocol` carries: H.264 of 4 Mbit/s, or a small JPEG, so that the kernel takes each
  /// at once.
  void push(hub::Protocol protocol, bool key);
};

/// A client that reads all there is.
class Viewer {
public:
  virtual ~Viewer() = default;
  /// Until `bytes` have come since its first; fails the test when they do not.
  void read(std::uint64_t bytes);

protected:
  /// Waits for more when nothing is there; the bytes that came.
  virtual std::size_t take() = 0;

private:
  std::uint64_t received_ = 0;
};

/// `count` clients, all of which play.
std::vector<std::unique_ptr<Viewer>> make_viewers(Site& site, hub::Protocol protocol, std::size_t count);

}  // namespace campipe::serve::test
