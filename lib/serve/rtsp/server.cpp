#include "serve/rtsp/server.hpp"

#include <algorithm>
#include <string_view>

#include <sys/socket.h>

#include "base/faults.hpp"

namespace campipe::serve::rtsp {

namespace {

constexpr std::int64_t kTickMs = 1000;
constexpr std::int64_t kStoppingTickMs = 50;

}  // namespace

Server::Server(net::Loop& loop, hub::Hub& hub, Fd listener, Options options)
    : options_(options), sessions_(loop, hub, options.sessions), timer_(loop, [this] { tick(); }) {
  add_listener(std::move(listener));
  timer_.start(kTickMs, kTickMs);
}

void Server::add_listener(Fd listener) {
  listeners_.push_back(std::make_unique<net::Listener>(
      sessions_.loop(), std::move(listener), [this](Fd fd, const net::Address& peer) { accept(std::move(fd), peer); }));
}

void Server::accept(Fd fd, const net::Address& peer) {
  if (connections_.size() >= options_.max_connections) {
    constexpr std::string_view kFull = "RTSP/1.0 503 Service Unavailable\r\n\r\n";
    ::send(fd.get(), kFull.data(), kFull.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return;
  }
  const auto on_closed = [this](Connection& gone) {
    std::erase_if(connections_, [&](const auto& one) { return one.get() == &gone; });
  };
  connections_.push_back(
      std::make_unique<Connection>(sessions_, std::move(fd), peer, options_.describe_wait_ms, on_closed));
}

void Server::stop(bool streams) {
  stopping_ = true;
  listeners_.clear();
  if (streams) sessions_.end_all();
  timer_.start(0, kStoppingTickMs);
}

void Server::tick() {
  for (const auto& connection : connections_) connection->guarded([&] { connection->tick(stopping_); });
  faults::contain("rtsp sessions", [this] { sessions_.tick(); });
}

}  // namespace campipe::serve::rtsp
