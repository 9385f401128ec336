#pragma once
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/connection.hpp"
#include "net/http_message.hpp"
#include "net/listener.hpp"
#include "net/loop.hpp"
#include "net/url.hpp"

namespace campipe::net {

class HttpSession;

/// Why a connection ended; for counters.
enum class CloseReason { peer, finished, stuck, timeout, refused, server, kicked, fault };
std::string_view name(CloseReason reason) noexcept;

/// A body without an end: what to send next is decided when there is room for it. Called in the loop's thread; an
/// exception ends the connection.
class StreamBody {
public:
  using End = std::function<void(CloseReason reason)>;

  virtual ~StreamBody() = default;
  /// The head is on its way; the connection is the body's own to write to until on_closed(). `end` closes it when all
  /// that was written is out.
  virtual void start(Connection& connection, End end) = 0;
  /// The connection is idle again.
  virtual void on_drained() = 0;
  /// The connection ends; no write after it, the body is destroyed next.
  virtual void on_closed(CloseReason reason) = 0;
};

/// The right to answer one request, now or later. Cheap to move; answering a connection that has gone does nothing.
class HttpReply {
public:
  HttpReply() = default;
  void send(HttpResponse response);
  /// Sends the head (without a length) and then what `body` writes, until it or the peer ends the connection.
  void stream(const HttpResponse& head, std::unique_ptr<StreamBody> body);
  bool gone() const noexcept { return session_.expired(); }

private:
  friend class HttpSession;
  explicit HttpReply(std::weak_ptr<HttpSession*> session) : session_(std::move(session)) {}
  std::weak_ptr<HttpSession*> session_;
};

struct HttpRequest {
  const Request& head;
  const Target& target;
  const Address& peer;
  const Address& local;  ///< that the connection came in by
  bool is_head = false;  ///< HEAD: the server leaves the body out

  /// By which name and port it was asked for: the target's when that is an absolute URL (RFC 9112, 3.2.2), else the
  /// Host header; "" without either.
  std::string_view authority() const noexcept;
};

/// A request that is over: for a log. Texts as they were sent, borrowed until the call ends.
struct HttpServed {
  const Address& peer;
  std::string_view line;    ///< "GET /x HTTP/1.1"; what there was of one that could not be read
  int status = 0;           ///< 499: the client left before it was answered
  std::uint64_t bytes = 0;  ///< sent, headers included
  std::int64_t duration_ms = 0;
  std::string_view referer, user_agent;
};

/// HTTP/1.0 and 1.1: keep-alive, pipelined requests one after the other, time-outs, bounded connections. What to
/// answer, and to which methods, is the handler's business.
class HttpServer {
public:
  struct Limits {
    std::size_t connections = 1000;      ///< others get 503
    std::int64_t request_ms = 10'000;    ///< from a request's first byte (or the connection) to its last
    std::int64_t idle_ms = 30'000;       ///< between requests
    std::int64_t response_ms = 120'000;  ///< for an answer that has an end
    std::int64_t stuck_ms = 9'000;       ///< without a byte taken; looked at each second: closed within 10 s
    std::int64_t linger_ms = 2'000;      ///< for the peer's end after ours
    /// When all connections are taken, one that waits for a request for so long gives way to another.
    std::int64_t give_way_ms = 5'000;
  };
  /// Called in the loop's thread, once for each request; the references end with the call. An exception is answered
  /// with 500.
  using Handler = std::function<void(const HttpRequest&, HttpReply)>;
  using OnResponse = std::function<void(int status)>;
  using OnServed = std::function<void(const HttpServed&)>;

  HttpServer(Loop& loop, Fd listener, Handler handler)
      : HttpServer(loop, std::move(listener), std::move(handler), Limits{}) {}
  HttpServer(Loop& loop, Fd listener, Handler handler, Limits limits);
  ~HttpServer();

  /// Told of each answer's status.
  void set_on_response(OnResponse on_response) { on_response_ = std::move(on_response); }

  /// Told of each request when all of its answer is out, or its client gone.
  void set_on_served(OnServed on_served) { on_served_ = std::move(on_served); }

  /// Takes connections from another socket, too.
  void add_listener(Fd listener);
  /// Of the first.
  Address address() const { return listeners_.front()->address(); }
  std::size_t connections() const noexcept { return sessions_.size(); }

  /// Takes no more connections and ends those there are as soon as what they are sending is out; bodies without an end
  /// only with `streams` (else they are left to end by themselves).
  void stop(bool streams);

private:
  friend class HttpSession;
  void accept(Fd fd, Address peer);
  void tick();
  bool make_room();
  HttpResponse full() const;
  void tell_full(const Address& peer);
  /// Destroys the closed sessions, but not now: one of them is the caller.
  void retire(const HttpSession& session);
  void sweep();

  Loop& loop_;
  Handler handler_;
  Limits limits_;
  OnResponse on_response_;
  OnServed on_served_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  Timer ticker_, sweeper_;
  std::list<std::unique_ptr<HttpSession>> sessions_;
  std::size_t open_ = 0, refusing_ = 0;  // of sessions_, those that are not closed
  std::optional<std::int64_t> told_full_ms_;
  bool stopping_ = false;
};

}  // namespace campipe::net
