#include "serve/rtsp/server.hpp"

#include <algorithm>
#include <string_view>

#include <sys/socket.h>

#include "base/faults.hpp"
#include "base/log.hpp"

namespace campipe::serve::rtsp {

namespace {

constexpr std::int64_t kTickMs = 1000;
constexpr std::int64_t kStoppingTickMs = 50;
constexpr std::int64_t kTellAgainMs = 60'000;
constexpr std::size_t kMostRefusing = 64;

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

/// Some more are taken in to be told in order that there is no place: an answer that comes before the request, and
/// without its CSeq, is lost on most clients.
void Server::accept(Fd fd, const net::Address& peer) {
  const bool refuse = connections_.size() - refusing_ >= options_.max_connections;
  if (refuse) sessions_.hub().count("rtsp_connections_refused_total");
  if (refuse && refusing_ >= kMostRefusing) {
    constexpr std::string_view kFull = "RTSP/1.0 503 Service Unavailable\r\n\r\n";
    ::send(fd.get(), kFull.data(), kFull.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    sessions_.note_refused(peer, {}, 503);
    return;
  }
  if (refuse) tell_full(peer);
  const auto on_closed = [this](const Connection& gone) {
    if (gone.refuses()) --refusing_;
    std::erase_if(connections_, [&](const auto& one) { return one.get() == &gone; });
  };
  connections_.push_back(
      std::make_unique<Connection>(sessions_, std::move(fd), peer, options_.describe_wait_ms, refuse, on_closed));
  if (refuse) ++refusing_;
}

void Server::tell_full(const net::Address& peer) {
  const std::int64_t now_ms = sessions_.loop().now_ms();
  if (told_full_ms_ && now_ms - *told_full_ms_ < kTellAgainMs) return;
  told_full_ms_ = now_ms;
  log::warning("rtsp {}: refused: all {} connections are taken", peer.to_string(), options_.max_connections);
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
