#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "net/loop.hpp"
#include "serve/hub/hub.hpp"

namespace campipe::serve::access {

/// One line of a RequestLog: an HTTP request and its answer, an RTSP session from PLAY to its end, or an RTSP request
/// that was refused. Texts are as the client sent them.
struct Served {
  std::string_view peer_host;  ///< "192.0.2.7", "unix"
  std::string_view line;       ///< "GET /stream/cam HTTP/1.1"; "" when none came
  int status = 0;              ///< 499: the client left before there was one
  std::uint64_t bytes = 0;     ///< sent, headers included
  std::string_view referer, user_agent;
  std::int64_t duration_ms = 0;
};

/// A file with a line for each thing served, in the Combined Log Format with the duration in seconds behind it:
/// `192.0.2.7 - - [01/Dec/2026:11:35:52 +0000] "GET /stream/cam HTTP/1.1" 200 81234 "-" "curl/7.88.1" 12.345`.
/// What looks like a secret in a URL is "***" (base/redact.hpp); quotes, backslashes and all bytes that are no
/// printable ASCII are escaped as \xNN, and long texts cut, so that a line is under 4 KiB whatever was sent.
///
/// Each line is one write(2) at the file's end. One that fails is lost: counted (access_log_lost_lines_total), told
/// when it begins and when it is over. A file that was moved or deleted is opened anew within a second or so, tick()
/// and write() look. For the loop's thread.
class RequestLog {
public:
  /// Opens or makes the file (0640 and umask). Throws Error: usage for "-", cannot_create where there can be no file or
  /// there is something else.
  RequestLog(net::Loop& loop, hub::Hub& hub, std::string path);

  void write(const Served& served);
  void tick();

private:
  /// Whether the path still leads to the file that is open.
  bool is_current() const;
  void look();
  void append(std::string line);
  void lost(int error);

  net::Loop& loop_;
  hub::Hub& hub_;
  std::string path_;
  Fd fd_;
  std::int64_t looked_at_ms_;
  bool torn_ = false;                        // the file ends within a line
  std::optional<std::uint64_t> lost_lines_;  // since writing failed
};

/// What write() appends, without the newline.
std::string format_line(const Served& served, std::int64_t unix_s);

}  // namespace campipe::serve::access
