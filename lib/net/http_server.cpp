#include "net/http_server.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include "base/log.hpp"
#include "net/http_session.hpp"

namespace campipe::net {

namespace {

constexpr std::int64_t kTickMs = 250;
constexpr std::size_t kMostRefusing = 64;
constexpr std::int64_t kTellAgainMs = 60'000;

}  // namespace

std::string_view name(CloseReason reason) noexcept {
  switch (reason) {
    case CloseReason::peer:
      return "peer";
    case CloseReason::finished:
      return "finished";
    case CloseReason::stuck:
      return "stuck";
    case CloseReason::timeout:
      return "timeout";
    case CloseReason::refused:
      return "refused";
    case CloseReason::server:
      return "server";
    case CloseReason::kicked:
      return "kicked";
    case CloseReason::fault:
      return "fault";
  }
  return "?";
}

std::string_view HttpRequest::authority() const noexcept {
  if (!target.authority.empty()) return target.authority;
  const std::string* host = head.header("Host");
  return host != nullptr ? std::string_view(*host) : std::string_view{};
}

void HttpReply::send(HttpResponse response) {
  if (const auto session = session_.lock()) (*session)->guarded([&] { (*session)->respond(std::move(response)); });
  session_.reset();
}

void HttpReply::stream(const HttpResponse& head, std::unique_ptr<StreamBody> body) {
  if (const auto session = session_.lock()) (*session)->guarded([&] { (*session)->stream(head, std::move(body)); });
  session_.reset();
}

HttpServer::HttpServer(Loop& loop, Fd listener, Handler handler, Limits limits)
    : loop_(loop),
      handler_(std::move(handler)),
      limits_(limits),
      ticker_(loop, [this] { tick(); }),
      sweeper_(loop, [this] { sweep(); }) {
  add_listener(std::move(listener));
  ticker_.start(kTickMs, kTickMs);
}

HttpServer::~HttpServer() = default;

void HttpServer::add_listener(Fd listener) {
  listeners_.push_back(std::make_unique<Listener>(loop_, std::move(listener),
                                                  [this](Fd fd, Address peer) { accept(std::move(fd), peer); }));
}

/// Some more are taken in to be told in order that there is no place: an answer that comes before the request is lost
/// on most clients.
void HttpServer::accept(Fd fd, Address peer) {
  const bool refuse = open_ >= limits_.connections && !make_room();
  if (refuse) tell_full(peer);
  if (refuse && refusing_ >= kMostRefusing) {
    if (on_response_) on_response_(503);
    const HttpResponse response = full();
    const std::string text = format_head(response, true, false) + response.body;
    ::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (on_served_) on_served_({.peer = peer, .line = {}, .status = 503, .bytes = text.size()});
    return;
  }
  sessions_.push_back(std::make_unique<HttpSession>(*this, std::move(fd), peer, refuse));
  ++(refuse ? refusing_ : open_);
}

bool HttpServer::make_room() {
  const std::int64_t now = loop_.now_ms();
  HttpSession* longest = nullptr;
  for (const auto& session : sessions_) {
    const std::int64_t waited = session->waiting_ms(now);
    if (waited >= limits_.give_way_ms && (longest == nullptr || waited > longest->waiting_ms(now)))
      longest = session.get();
  }
  if (longest != nullptr) longest->give_way();
  return longest != nullptr;
}

HttpResponse HttpServer::full() const {
  HttpResponse response =
      text_response(503, fmt::format("all {} connections are taken: try again, or allow more", limits_.connections));
  response.headers.push_back({"Retry-After", "5"});
  return response;
}

void HttpServer::tell_full(const Address& peer) {
  const std::int64_t now_ms = loop_.now_ms();
  if (told_full_ms_ && now_ms - *told_full_ms_ < kTellAgainMs) return;
  told_full_ms_ = now_ms;
  log::warning("http {}: refused: all {} connections are taken", peer.to_string(), limits_.connections);
}

void HttpServer::retire(const HttpSession& session) {
  --(session.refuses() ? refusing_ : open_);
  sweeper_.start(0);
}

void HttpServer::tick() {
  const std::int64_t now = loop_.now_ms();
  for (const auto& session : sessions_) session->guarded([&] { session->tick(now); });
}

void HttpServer::sweep() {
  std::erase_if(sessions_, [](const auto& session) { return session->closed(); });
}

void HttpServer::stop(bool streams) {
  stopping_ = true;
  listeners_.clear();
  for (const auto& session : sessions_) session->guarded([&] { session->finish(streams); });
}

}  // namespace campipe::net
