#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.hpp"

namespace campipe::net {

struct Header {
  std::string name;  ///< as it was sent; compare without case
  std::string value;
};

/// A request of HTTP/1.x or RTSP/1.0.
struct Request {
  std::string method;  ///< "GET", "DESCRIBE"
  std::string target;  ///< as it was sent: "/stream/cam?fps=5", "rtsp://host:8554/cam", "*"
  int major = 1, minor = 1;
  std::vector<Header> headers;
  std::string body;
  bool keep_alive = true;  ///< by version and Connection header; RTSP: true unless "Connection: close"

  /// The first header of that name, compared without case; nullptr when there is none.
  const std::string* header(std::string_view name) const noexcept;
  /// How many headers of that name there are.
  std::size_t count(std::string_view name) const noexcept;
  /// The headers of that name as one list with commas, which is what several mean (RFC 2326, 4.2; RFC 9110, 5.3);
  /// nothing when there is none. Not for headers whose value is no list.
  std::optional<std::string> list(std::string_view name) const;
};

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

enum class ParseError {
  malformed,
  line_too_long,
  headers_too_large,
  body_too_large,
  bad_version,  ///< neither HTTP/1.x nor RTSP/1.0, or the other of the two
};
std::string_view describe(ParseError error) noexcept;

/// Parses requests by llhttp, within limits. Bytes in, requests out; knows no socket. Heads of HTTP are taken strictly,
/// since what a proxy before us reads in them must be the same; in RTSP a line may also end in LF alone.
class MessageParser {
public:
  enum class Dialect { http, rtsp };
  struct Limits {
    std::size_t line_bytes = 4096;      ///< request line
    std::size_t headers_bytes = 16384;  ///< all of them
    std::size_t headers = 64;
    std::size_t body_bytes = 65536;
  };

  explicit MessageParser(Dialect dialect) : MessageParser(dialect, Limits{}) {}
  MessageParser(Dialect dialect, Limits limits);
  ~MessageParser();
  MessageParser(const MessageParser&) = delete;
  MessageParser& operator=(const MessageParser&) = delete;

  /// Takes bytes up to the end of one request and answers how many it took; complete() tells whether there is one. An
  /// error stays: the stream has no place to go on from. A method that nobody knows is no error here.
  Expected<std::size_t, ParseError> feed(std::span<const std::byte> bytes);

  bool complete() const noexcept;
  /// In the middle of a request: some bytes of it have come.
  bool started() const noexcept;
  /// The headers are complete, a body is still to come, and the client waits to be told to send it.
  bool expects_continue() const noexcept;
  /// The complete request; the next feed() begins another.
  Request take();

  /// The raw request line and headers as far as they came, within the limits. A server finds here what to echo (CSeq)
  /// of a request that it could not parse.
  std::string_view head() const noexcept;
  /// Begins anew.
  void reset();

private:
  struct State;  // llhttp's header stays in the .cpp
  std::unique_ptr<State> state_;
};

}  // namespace campipe::net
