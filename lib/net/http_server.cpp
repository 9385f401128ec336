#include "net/http_server.hpp"

#include <sys/socket.h>

#include "net/http_session.hpp"

namespace campipe::net {

namespace {

constexpr std::int64_t kTickMs = 250;

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
  }
  return "?";
}

void HttpReply::send(HttpResponse response) {
  if (const auto session = session_.lock()) (*session)->respond(std::move(response));
  session_.reset();
}

void HttpReply::stream(const HttpResponse& head, std::unique_ptr<StreamBody> body) {
  if (const auto session = session_.lock()) (*session)->stream(head, std::move(body));
  session_.reset();
}

HttpServer::HttpServer(Loop& loop, Fd listener, Handler handler, Limits limits)
    : loop_(loop),
      handler_(std::move(handler)),
      limits_(limits),
      ticker_(loop, [this] { tick(); }),
      sweeper_(loop, [this] { sweep(); }) {
  listener_ = std::make_unique<Listener>(loop, std::move(listener),
                                         [this](Fd fd, Address peer) { accept(std::move(fd), peer); });
  ticker_.start(kTickMs, kTickMs);
}

HttpServer::~HttpServer() = default;

void HttpServer::accept(Fd fd, Address peer) {
  if (sessions_.size() >= limits_.connections) {
    if (on_response_) on_response_(503);
    const HttpResponse full = text_response(503, "too many connections");
    const std::string text = format_head(full, true, false) + full.body;
    ::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return;
  }
  sessions_.push_back(std::make_unique<HttpSession>(*this, std::move(fd), peer));
}

void HttpServer::tick() {
  const std::int64_t now = loop_.now_ms();
  for (const auto& session : sessions_) session->tick(now);
}

void HttpServer::sweep() {
  std::erase_if(sessions_, [](const auto& session) { return session->closed(); });
}

void HttpServer::stop(bool streams) {
  stopping_ = true;
  listener_.reset();
  for (const auto& session : sessions_) session->finish(streams);
}

}  // namespace campipe::net
