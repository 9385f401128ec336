#pragma once
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_server.hpp"
#include "serve/http/host_check.hpp"
#include "serve/http/waiter.hpp"
#include "serve/hub/hub.hpp"
#include "serve/status/status.hpp"
#include "serve/still/keyframe_pictures.hpp"

namespace campipe::serve::http {

/// Answers HTTP requests about a hub's streams: the viewer page, live MJPEG, snapshots, health, metrics, the API. For
/// the loop's thread.
class Routes {
public:
  struct Options {
    std::int64_t wait_ms = 5'000;  ///< for the first picture of a stream
    std::int64_t keep_ms = 3'000;  ///< that a stream is wanted on after a still: pages ask for one each second
    std::string camenc = "camenc";
    /// Where RTSP listens: a request is told its port when it is served at the address that the request came to. Empty:
    /// what ServerFacts say.
    std::vector<net::Address> rtsp_at{};
    access::HostRules hosts{};  ///< by which names it may be asked
  };

  Routes(net::Loop& loop, hub::Hub& hub, status::ServerFacts facts, Options options);

  void handle(const net::HttpRequest& request, net::HttpReply reply);

private:
  /// Of the address that a request came to; 0: not served there.
  int rtsp_port_at(const net::Address& local) const;
  void handle_action(const net::HttpRequest& request, net::HttpReply reply);
  void serve_stream(const net::HttpRequest& request, std::string_view path, net::HttpReply reply);
  void serve_snapshot(const net::HttpRequest& request, std::string_view path, net::HttpReply reply);
  /// @param from  the index of the oldest unit that will do.
  void send_keyframe(hub::Stream& stream, std::uint64_t from, const net::Address& peer,
                     std::shared_ptr<net::HttpReply> reply);
  void keep_wanted(hub::Stream& stream);
  /// Answers 404 and nothing when there is no such stream.
  std::vector<hub::Stream*> find(std::string_view path, net::HttpReply& reply);
  std::string first_name() const;  ///< "" with no stream
  void wait(std::vector<hub::Stream*> streams, const net::Address& peer, const std::shared_ptr<net::HttpReply>& reply,
            Waiter::Attempt attempt);
  void tick();

  net::Loop& loop_;
  hub::Hub& hub_;
  status::ServerFacts facts_;
  Options options_;
  HostCheck hosts_;
  still::KeyframePictures pictures_;
  struct Kept {
    hub::Wish wish;
    std::int64_t until_ms = 0;
  };

  std::list<std::unique_ptr<Waiter>> waiters_;
  std::map<const hub::Stream*, Kept> kept_;
  net::Timer ticker_;
};

}  // namespace campipe::serve::http
