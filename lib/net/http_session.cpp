#include "net/http_session.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace campipe::net {

namespace {

constexpr int kRequestsATurn = 16;            // of one connection, then others have theirs
constexpr std::size_t kMaxInput = 64 * 1024;  // of requests sent ahead; more stays with the kernel

constexpr std::size_t kMostNoted = 2048;  // bytes of a text that is noted for a log
constexpr int kClientLeft = 499, kServerError = 500;

std::string request_line(const Request& request) {
  return fmt::format("{} {} HTTP/{}.{}", request.method, request.target, request.major, request.minor);
}

std::string_view first_line(std::string_view head) {
  return head.substr(0, head.find_first_of("\r\n"));
}

int status_of(ParseError error) {
  switch (error) {
    case ParseError::line_too_long:
      return 414;
    case ParseError::headers_too_large:
      return 431;
    case ParseError::body_too_large:
      return 413;
    case ParseError::bad_version:
      return 505;
    case ParseError::malformed:
      return 400;
  }
  return 400;
}

iovec part(std::span<const std::byte> bytes) {
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}
iovec part(std::string_view text) {
  return part(std::as_bytes(std::span(text.data(), text.size())));
}

/// What a response's write needs alive until it is out.
struct Outgoing {
  std::string head;
  HttpResponse response;
};

}  // namespace

HttpSession::HttpSession(HttpServer& server, Fd fd, Address peer, bool refuses)
    : server_(server),
      connection_(server.loop_, std::move(fd), peer, *this),
      local_(local_address(connection_.fd())),
      refuses_(refuses),
      state_since_ms_(server.loop_.now_ms()),
      self_(std::make_shared<HttpSession*>(this)) {}

HttpSession::~HttpSession() {
  if (body_ && state_ == State::streaming) end_body(CloseReason::server);
  served(kServerError);
}

void HttpSession::note(std::string_view line, const Request* request) {
  if (!server_.on_served_) return;
  const auto header = [request](std::string_view name) {
    const std::string* value = request != nullptr ? request->header(name) : nullptr;
    return value != nullptr ? value->substr(0, kMostNoted) : std::string();
  };
  noted_ = std::make_unique<Noted>(Noted{std::string(line.substr(0, 2 * kMostNoted)), header("Referer"),
                                         header("User-Agent"), server_.loop_.now_ms(), connection_.bytes_sent()});
}

void HttpSession::served(int status_without_answer) noexcept {
  const std::unique_ptr<Noted> noted = std::move(noted_);
  if (!noted || !server_.on_served_) return;
  faults::contain(kKind, [&] {
    server_.on_served_({.peer = connection_.peer(),
                        .line = noted->line,
                        .status = noted->status != 0 ? noted->status : status_without_answer,
                        .bytes = connection_.bytes_sent() - noted->sent_before,
                        .duration_ms = server_.loop_.now_ms() - noted->since_ms,
                        .referer = noted->referer,
                        .user_agent = noted->user_agent});
  });
}

void HttpSession::enter(State state) {
  state_ = state;
  state_since_ms_ = server_.loop_.now_ms();
}

void HttpSession::on_data(std::span<const std::byte> bytes) {
  if (state_ == State::streaming || state_ == State::lingering || state_ == State::closed)
    return;  // nobody asked for it
  if (state_ == State::reading && !parser_.started() && input_.empty()) state_since_ms_ = server_.loop_.now_ms();
  input_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (state_ != State::reading && input_.size() >= kMaxInput) connection_.set_reading(false);
  parse();
}

void HttpSession::parse() {
  if (parsing_ || yielded_) return;  // an answer given at once comes back here: the loop below goes on
  parsing_ = true;
  int handled = 0;
  while (state_ == State::reading && !input_.empty() && connection_.idle() && !yielded_) {
    const auto taken = parser_.feed(std::as_bytes(std::span(input_.data(), input_.size())));
    if (!taken) {
      refuse(taken.error());
      break;
    }
    input_.erase(0, *taken);
    if (parser_.complete()) {
      if (++handled == kRequestsATurn) yield();
      told_to_continue_ = false;
      handle(parser_.take());
    } else if (parser_.expects_continue() && !std::exchange(told_to_continue_, true)) {
      connection_.send("HTTP/1.1 100 Continue\r\n\r\n");
    }
  }
  parsing_ = false;
  if (yielded_) return;
  if (state_ == State::reading) connection_.set_reading(true);
  if (state_ == State::reading && peer_ended_ && input_.empty()) close(CloseReason::peer);
}

/// Requests that were sent ahead wait for the next turn of the loop: a heap of them would hold all streams up.
void HttpSession::yield() {
  yielded_ = true;
  connection_.set_reading(false);
  server_.loop_.defer([session = std::weak_ptr(self_)] {
    const auto alive = session.lock();
    if (!alive) return;
    (*alive)->yielded_ = false;
    (*alive)->guarded([&] { (*alive)->parse(); });
  });
}

void HttpSession::handle(Request request) {
  enter(State::answering);
  if (server_.on_served_) note(request_line(request), &request);
  is_head_ = request.method == "HEAD";
  keep_alive_ = request.keep_alive && !server_.stopping_;
  HttpReply reply{std::weak_ptr(self_)};
  if (refuses_) {
    keep_alive_ = false;
    return reply.send(server_.full());
  }
  const std::string* expect = request.header("Expect");
  if (expect != nullptr && !equal_ignoring_case(*expect, "100-continue"))
    return reply.send(text_response(417, "the only expectation known here is 100-continue"));
  // "OPTIONS *" asks about the server itself.
  const bool star = request.target == "*" && request.method == "OPTIONS";
  const auto target = star ? Target{.authority = {}, .path = "*", .query = {}} : parse_target(request.target);
  if (!target) return reply.send(text_response(400, fmt::format("the URL cannot be read: {}", target.error())));
  server_.handler_({request, *target, connection_.peer(), local_, is_head_}, std::move(reply));
}

void HttpSession::refuse(ParseError error) {
  is_head_ = keep_alive_ = false;
  enter(State::answering);
  respond(text_response(status_of(error), describe(error)));
}

void HttpSession::respond(HttpResponse response) {
  if (state_ != State::answering) return;
  if (server_.on_response_) server_.on_response_(response.status);
  if (!noted_) note(first_line(parser_.head()), nullptr);
  if (noted_) noted_->status = response.status;
  enter(State::sending);
  auto out = std::make_shared<Outgoing>();
  out->head = format_head(response, true, keep_alive_);
  out->response = std::move(response);
  const auto body = out->response.owner
                        ? out->response.shared_body
                        : std::as_bytes(std::span(out->response.body.data(), out->response.body.size()));
  const std::array parts{part(out->head), part(body)};
  if (connection_.write(std::span(parts).first(is_head_ || body.empty() ? 1 : 2), out)) sent();
}

void HttpSession::stream(const HttpResponse& head, std::unique_ptr<StreamBody> body) {
  if (state_ != State::answering) return;
  keep_alive_ = false;  // the body has no length: it ends with the connection
  if (server_.on_response_) server_.on_response_(head.status);
  if (noted_) noted_->status = head.status;
  const std::string text = format_head(head, false, false);
  connection_.send(text);
  if (is_head_) {
    enter(State::sending);
    if (connection_.idle()) sent();
    return;
  }
  if (server_.stopping_) return linger();
  enter(State::streaming);
  input_.clear();
  connection_.set_reading(true);  // or the peer's leaving would not be seen
  body_ = std::move(body);
  body_->start(connection_, [this](CloseReason reason) {
    if (state_ != State::streaming) return;
    end_body(reason);
    linger();
  });
}

void HttpSession::on_drained() {
  if (state_ == State::streaming) return body_->on_drained();
  if (state_ == State::sending) return sent();
  if (state_ == State::reading) parse();  // what was sent was "100 Continue"
}

void HttpSession::sent() {
  served(0);
  if (!keep_alive_) return linger();
  enter(State::reading);
  parse();
}

void HttpSession::linger() {
  enter(State::lingering);
  input_.clear();
  connection_.set_reading(true);
  connection_.shutdown_after_flush();
  if (connection_.idle()) served(0);
  if (peer_ended_ && connection_.idle()) close(CloseReason::finished);
}

void HttpSession::on_end() {
  peer_ended_ = true;
  switch (state_) {
    case State::reading:
      if (input_.empty()) close(CloseReason::peer);
      return;  // or it waits for answers to what is here
    case State::streaming:
      return close(CloseReason::peer);  // whether it still reads cannot be known
    case State::lingering:
      if (connection_.idle()) close(CloseReason::finished);
      return;
    default:
      return;  // it may still wait for the answer, and for those to what it sent ahead
  }
}

void HttpSession::on_failed(int) {
  close(state_ == State::lingering ? CloseReason::finished : CloseReason::peer);
}

void HttpSession::on_fault() {
  const bool unanswered = state_ == State::reading || state_ == State::answering;
  if (!unanswered || !connection_.idle()) return close(CloseReason::fault);
  keep_alive_ = false;
  enter(State::answering);
  respond(text_response(500, "an error in the server ended this request; its log has the reason"));
}

void HttpSession::end_body(CloseReason reason) noexcept {
  faults::contain(kKind, [&] { body_->on_closed(reason); });
}

void HttpSession::tick(std::int64_t now_ms) {
  const HttpServer::Limits& limits = server_.limits_;
  if (state_ == State::closed) return;
  if (!connection_.idle() && now_ms - connection_.last_progress_ms() >= limits.stuck_ms)
    return close(CloseReason::stuck);
  const std::int64_t age = now_ms - state_since_ms_;
  if (state_ == State::reading && parser_.started() && connection_.idle() && age >= limits.request_ms) {
    is_head_ = keep_alive_ = false;
    enter(State::answering);
    return respond(text_response(408, "the request did not come to its end in time"));
  }
  if (state_ == State::reading && refuses_ && age >= limits.linger_ms) {
    is_head_ = keep_alive_ = false;
    enter(State::answering);
    return respond(server_.full());
  }
  const bool first = connection_.bytes_received() == 0;
  if (state_ == State::reading && age >= (first ? limits.request_ms : limits.idle_ms))
    return close(CloseReason::timeout);
  if (state_ == State::sending && age >= limits.response_ms) return close(CloseReason::timeout);
  if (state_ == State::lingering && connection_.idle() && age >= limits.linger_ms) close(CloseReason::finished);
}

std::int64_t HttpSession::waiting_ms(std::int64_t now_ms) const noexcept {
  return state_ == State::reading && !refuses_ ? now_ms - state_since_ms_ : -1;
}

void HttpSession::finish(bool streams) {
  keep_alive_ = false;
  switch (state_) {
    case State::reading:
      return close(CloseReason::server);
    case State::answering:
      return respond(text_response(503, "the server is stopping"));
    case State::streaming:
      if (!streams) return;
      end_body(CloseReason::server);
      return linger();
    default:
      return;
  }
}

void HttpSession::close(CloseReason reason) {
  if (state_ == State::closed) return;
  if (state_ == State::streaming) end_body(reason);
  if (reason == CloseReason::stuck || reason == CloseReason::timeout) connection_.abort_on_close();
  served(reason == CloseReason::peer ? kClientLeft : kServerError);
  enter(State::closed);
  self_.reset();
  connection_.set_reading(false);
  server_.retire(*this);
}

}  // namespace campipe::net
