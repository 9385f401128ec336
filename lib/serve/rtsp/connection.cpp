#include "serve/rtsp/connection.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/redact.hpp"

namespace campipe::serve::rtsp {

namespace {

constexpr std::int64_t kRetryMs = 50;
constexpr std::int64_t kFinishMs = 5000;   // for a peer to take the last bytes and to close
constexpr std::int64_t kRefusedMs = 2000;  // for the request that is answered with 503
constexpr std::size_t kMaxCseq = 32;
constexpr int kRequestsATurn = 16;  // of one connection, then others have theirs

/// 9.4: what a request that could not be parsed gets.
int status_of(net::ParseError error) {
  switch (error) {
    case net::ParseError::line_too_long:
      return 414;
    case net::ParseError::bad_version:
      return 505;
    case net::ParseError::body_too_large:  // no method of ours has a body worth the name
    case net::ParseError::malformed:
    case net::ParseError::headers_too_large:
      break;
  }
  return 400;
}

}  // namespace

Connection::Connection(Sessions& sessions, Fd fd, const net::Address& peer, std::int64_t describe_wait_ms, bool refuses,
                       OnClosed on_closed)
    : sessions_(sessions),
      loop_(sessions.loop()),
      describe_wait_ms_(describe_wait_ms),
      refuses_(refuses),
      on_closed_(std::move(on_closed)),
      connection_(loop_, std::move(fd), peer, *this),
      requests_(sessions, connection_,
                [this](Sessions::Over how, std::string_view reason) {
                  if (how == Sessions::Over::orderly) return finish(reason);
                  close(reason);
                }),
      last_event_ms_(loop_.now_ms()),
      retry_(loop_, [this] { guarded([this] { try_waiting(); }); }) {}

Connection::~Connection() {
  sessions_.connection_gone(&connection_, "closed_by_peer");
}

void Connection::on_data(std::span<const std::byte> bytes) {
  process(bytes);
}

void Connection::process(std::span<const std::byte> bytes) {
  using Got = Demultiplexer::Got;
  int handled = 0;
  while (!closed_ && !finishing_since_ms_) {
    if (waiting_) {
      held_.assign(bytes.begin(), bytes.end());
      connection_.set_reading(false);
      return;
    }
    if (handled == kRequestsATurn && !bytes.empty()) return yield(bytes);
    const Got got = demultiplexer_.next(bytes);
    if (got == Got::request || got == Got::frame) {
      any_event_ = true;
      last_event_ms_ = loop_.now_ms();
      begun_ms_.reset();
    }
    switch (got) {
      case Got::nothing:
        if (demultiplexer_.started() && !begun_ms_) begun_ms_ = loop_.now_ms();
        return;
      case Got::frame:
        requests_.on_frame(demultiplexer_.channel(), demultiplexer_.payload());
        break;
      case Got::request:
        handle(demultiplexer_.request());
        ++handled;
        break;
      case Got::error:
        return refuse_unparsed();
    }
  }
}

/// Requests that were sent ahead wait for the next turn of the loop, and until the answers before them are out: a heap
/// of them would hold all streams up.
void Connection::yield(std::span<const std::byte> rest) {
  held_.assign(rest.begin(), rest.end());
  connection_.set_reading(false);
  loop_.defer([this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) guarded([this] { go_on(); });
  });
}

void Connection::go_on() {
  if (closed_ || finishing_since_ms_) return;
  go_on_when_drained_ = !connection_.idle();
  if (go_on_when_drained_) return;
  const std::vector<std::byte> rest = std::exchange(held_, {});
  connection_.set_reading(true);
  process(rest);
}

void Connection::handle(const net::Request& request) {
  const std::string* header = request.header("CSeq");
  const std::string cseq = header == nullptr ? std::string() : *header;
  if (cseq.empty() || cseq.size() > kMaxCseq) {
    const Response response{.status = 400, .reason = "no CSeq", .headers = {}, .body = {}};
    note_refused(request, response, {});
    send(response, {});
    return;
  }
  if (refuses_) {
    note_refused(request, {.status = 503, .reason = {}, .headers = {}, .body = {}}, cseq);
    return turn_away(cseq);
  }
  unanswered_ = cseq;
  const bool may_wait = !waiting_ || loop_.now_ms() < waiting_until_ms_;
  const Requests::Answer answer = requests_.answer(request, may_wait);
  if (answer.wait) {
    std::vector<hub::Wish> wishes;
    for (hub::Stream* stream : answer.awaited) wishes.emplace_back(*stream);
    wishes_.swap(wishes);  // the new ones are there before the old ones go
    if (waiting_) return;
    waiting_ = request;
    waiting_until_ms_ = loop_.now_ms() + describe_wait_ms_;
    retry_.start(kRetryMs, kRetryMs);
    return;
  }
  if (waiting_) {
    waiting_.reset();
    wishes_.clear();
    retry_.stop();
  }
  if (answer.response.status >= 400) note_refused(request, answer.response, cseq);
  if (!send(answer.response, cseq)) return;
  if (answer.start != nullptr) answer.start->start();
  if (!request.keep_alive) finish("asked");
}

void Connection::try_waiting() {
  const net::Request request = *waiting_;
  handle(request);
  if (waiting_ || closed_ || finishing_since_ms_) return;
  const std::vector<std::byte> rest = std::move(held_);
  held_.clear();
  connection_.set_reading(true);
  process(rest);
}

bool Connection::send(const Response& response, std::string_view cseq) {
  const std::string text = to_text(response, cseq);
  unanswered_.clear();
  if (connection_.send(text)) return true;
  close("reads_no_answers");
  return false;
}

void Connection::note_refused(const net::Request& request, const Response& response, std::string_view cseq) {
  const std::string line = fmt::format("{} {} RTSP/1.0", request.method, request.target);
  log::debug("rtsp {} CSeq {}: {}: {} {}", connection_.peer().to_string(), cseq, redact_request(line), response.status,
             response.reason);
  const std::string* agent = request.header("User-Agent");
  sessions_.note_refused(connection_.peer(), line, response.status, agent != nullptr ? *agent : std::string_view{});
}

void Connection::note_refused(int status) {
  const std::string_view head = demultiplexer_.head();
  sessions_.note_refused(connection_.peer(), head.substr(0, head.find_first_of("\r\n")), status);
}

void Connection::turn_away(std::string_view cseq) {
  if (send({.status = 503, .reason = "all connections are taken: try again later"}, cseq)) finish("refused");
}

void Connection::refuse_unparsed() {
  const net::ParseError error = demultiplexer_.error();
  const std::string_view head = demultiplexer_.head();
  note_refused(status_of(error));
  if (error == net::ParseError::bad_version && head.find(" HTTP/") < head.find('\n')) {
    connection_.send("HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  } else {
    send({.status = status_of(error), .reason = std::string(net::describe(error))}, scan_cseq(head));
  }
  finish("malformed");
}

/// A client that sends its request byte by byte would hold its connection for ever.
void Connection::refuse_unfinished() {
  note_refused(408);
  if (!demultiplexer_.head().empty()) send({.status = 408}, scan_cseq(demultiplexer_.head()));
  finish("unfinished");
}

void Connection::on_drained() {
  if (go_on_when_drained_) go_on();
  if (closed_) return;
  if (Sessions::Entry* entry = sessions_.owned_by(&connection_)) entry->session->pump();
}

void Connection::on_end() {
  close("closed_by_peer");
}

void Connection::on_failed(int error) {
  log::debug("rtsp {}: {}", connection_.peer().to_string(), errno_text(error));
  close("connection_lost");
}

void Connection::on_fault() {
  if (closed_) return;
  const std::string cseq = std::exchange(unanswered_, {});
  if (cseq.empty() || finishing_since_ms_ || !connection_.idle()) return close("fault");
  if (send({.status = 500}, cseq)) finish("fault");
}

void Connection::tick(bool stopping) {
  const std::int64_t now_ms = loop_.now_ms();
  if (finishing_since_ms_ && now_ms - *finishing_since_ms_ > kFinishMs) return close("finished");
  if (!connection_.idle() && now_ms - connection_.last_progress_ms() > sessions_.options().stuck_ms)
    return close("stuck");
  const Sessions::Options& options = sessions_.options();
  if (refuses_ && !finishing_since_ms_ && now_ms - last_event_ms_ > kRefusedMs) {
    note_refused(503);
    return turn_away(scan_cseq(demultiplexer_.head()));
  }
  if (begun_ms_ && now_ms - *begun_ms_ > options.request_ms) return refuse_unfinished();
  if (requests_.has_session()) return;
  if (stopping) return finish("server");
  if (now_ms - last_event_ms_ > (any_event_ ? options.timeout_ms : options.request_ms)) close("idle");
}

void Connection::finish(std::string_view reason) {
  if (closed_ || finishing_since_ms_) return;
  sessions_.connection_gone(&connection_, reason);
  finishing_since_ms_ = loop_.now_ms();
  connection_.shutdown_after_flush();
}

void Connection::close(std::string_view reason) {
  if (std::exchange(closed_, true)) return;
  if (!connection_.idle()) connection_.abort_on_close();  // who takes nothing would not see an orderly end
  retry_.stop();
  wishes_.clear();
  sessions_.connection_gone(&connection_, reason);
  loop_.defer([this, alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    const OnClosed on_closed = std::move(on_closed_);  // it destroys us, and what belongs to us
    on_closed(*this);
  });
}

}  // namespace campipe::serve::rtsp
