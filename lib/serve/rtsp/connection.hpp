#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/faults.hpp"
#include "net/connection.hpp"
#include "serve/rtsp/demultiplexer.hpp"
#include "serve/rtsp/requests.hpp"

namespace campipe::serve::rtsp {

/// One RTSP connection: takes requests off the socket one after the other, has them answered, sends the answers between
/// the packets of its interleaved session. For the loop's thread.
class Connection : public net::ConnectionHandler {
public:
  using OnClosed = std::function<void(Connection& connection)>;

  /// @param on_closed  called once, never from inside a session's call; destroys this.
  /// @param refuses    its first request is answered with 503, and nothing else.
  Connection(Sessions& sessions, Fd fd, const net::Address& peer, std::int64_t describe_wait_ms, bool refuses,
             OnClosed on_closed);
  ~Connection() override;

  /// Once a second: time-outs.
  /// @param stopping  closes when no session needs it.
  void tick(bool stopping);
  bool refuses() const noexcept { return refuses_; }

  // net::ConnectionHandler
  void on_data(std::span<const std::byte> bytes) override;
  void on_drained() override;
  void on_end() override;
  void on_failed(int error) override;
  /// Answers 500 to the request that is being handled when nothing of an answer has been sent yet, then closes.
  void on_fault() override;
  std::string_view kind() const noexcept override { return kKind; }
  /// Runs `body`, whose exception ends this connection only.
  template <class Body>
  void guarded(Body&& body) noexcept {
    faults::contain(kKind, body, [this] { on_fault(); });
  }

private:
  static constexpr std::string_view kKind = "rtsp connection";

  void process(std::span<const std::byte> bytes);
  void handle(const net::Request& request);
  void yield(std::span<const std::byte> rest);
  void go_on();
  void try_waiting();
  bool send(const Response& response, std::string_view cseq);
  /// There is no place for it.
  void turn_away(std::string_view cseq);
  void note_refused(const net::Request& request, const Response& response, std::string_view cseq);
  /// The same of what was no whole request.
  void note_refused(int status);
  void refuse_unparsed();
  void refuse_unfinished();
  /// Says all that is to be said, then closes.
  void finish(std::string_view reason);
  void close(std::string_view reason);

  Sessions& sessions_;
  net::Loop& loop_;
  std::int64_t describe_wait_ms_;
  bool refuses_;
  OnClosed on_closed_;
  net::Connection connection_;
  Requests requests_;
  Demultiplexer demultiplexer_;
  std::optional<net::Request> waiting_;  // a DESCRIBE whose stream has no keyframe yet; nothing is read meanwhile
  std::string unanswered_;               // CSeq of the request that is being handled
  std::vector<hub::Wish> wishes_;        // that it may come
  std::vector<std::byte> held_;          // what came behind it, or behind as many requests as have their turn at once
  std::int64_t waiting_until_ms_ = 0;
  std::int64_t last_event_ms_;  // a whole request or frame, at first the connection: mere bytes are no sign of life
  std::optional<std::int64_t> begun_ms_;  // the request or frame under way
  bool any_event_ = false;
  bool go_on_when_drained_ = false;
  std::optional<std::int64_t> finishing_since_ms_;
  bool closed_ = false;
  net::Timer retry_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // what is deferred finds out whether we are
};

}  // namespace campipe::serve::rtsp
