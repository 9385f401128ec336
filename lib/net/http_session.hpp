#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "base/faults.hpp"
#include "net/http_server.hpp"

namespace campipe::net {

/// One connection of an HttpServer: reads a request, waits for its answer, sends it, reads the next.
class HttpSession final : public ConnectionHandler {
public:
  /// @param refuses  its request is answered with 503.
  HttpSession(HttpServer& server, Fd fd, Address peer, bool refuses);
  ~HttpSession() override;

  void on_data(std::span<const std::byte> bytes) override;
  void on_drained() override;
  void on_end() override;
  void on_failed(int error) override;
  /// Answers 500 when nothing of an answer has been sent yet, then closes.
  void on_fault() override;
  std::string_view kind() const noexcept override { return kKind; }
  /// Runs `body`, whose exception ends this session only.
  template <class Body>
  void guarded(Body&& body) noexcept {
    faults::contain(kKind, body, [this] { on_fault(); });
  }

  void respond(HttpResponse response);
  void stream(const HttpResponse& head, std::unique_ptr<StreamBody> body);
  /// Once a second.
  void tick(std::int64_t now_ms);
  /// The server ends: HttpServer::stop().
  void finish(bool streams);
  bool closed() const noexcept { return state_ == State::closed; }
  bool refuses() const noexcept { return refuses_; }
  /// How long it has waited for a request, or the rest of one; -1 while it does something.
  std::int64_t waiting_ms(std::int64_t now_ms) const noexcept;
  /// Its place is needed.
  void give_way() { close(CloseReason::server); }

private:
  static constexpr std::string_view kKind = "http connection";

  enum class State {
    reading,    ///< of a request, or between two
    answering,  ///< the handler has the request
    sending,    ///< an answer with an end
    streaming,
    lingering,  ///< all is out, our side is closed; the peer's is awaited
    closed,
  };

  void enter(State state);
  /// Reads requests out of `input_` while none is being answered.
  void parse();
  void yield();
  void handle(Request request);
  void refuse(ParseError error);
  /// A request begins, for HttpServer::set_on_served(). `line` as it was sent.
  void note(std::string_view line, const Request* request);
  /// It is over.
  void served(int status_without_answer) noexcept;
  void sent();
  void linger();
  void close(CloseReason reason);
  void end_body(CloseReason reason) noexcept;

  HttpServer& server_;
  Connection connection_;
  Address local_;
  MessageParser parser_{MessageParser::Dialect::http};
  bool refuses_;
  State state_ = State::reading;
  std::int64_t state_since_ms_;
  std::string input_;  // came while a request was being answered
  std::unique_ptr<StreamBody> body_;
  struct Noted {
    std::string line, referer, user_agent;
    std::int64_t since_ms;
    std::uint64_t sent_before;
    int status = 0;
  };
  std::unique_ptr<Noted> noted_;        // the request under way, where somebody wants to know
  std::shared_ptr<HttpSession*> self_;  // HttpReply holds it weakly
  bool is_head_ = false, keep_alive_ = true, peer_ended_ = false, parsing_ = false, yielded_ = false,
       told_to_continue_ = false;
};

}  // namespace campipe::net
