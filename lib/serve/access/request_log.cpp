#include "serve/access/request_log.hpp"

#include <cerrno>
#include <ctime>
#include <utility>

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/redact.hpp"

namespace campipe::serve::access {

namespace {

constexpr std::int64_t kLookMs = 1000;
constexpr std::size_t kMaxLine = 2048, kMaxText = 512;  // bytes, escaped

/// `text` as what stands between quotes; "-" for nothing.
std::string quotable(std::string_view text, std::size_t most) {
  if (text.empty()) return "-";
  std::string out;
  for (const char c : text) {
    if (out.size() >= most) return out + "...";
    const bool plain = c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

/// Without blocking on what turns out to be a FIFO. Empty, with errno, when it cannot be opened or is no file.
Fd open_file(const std::string& path) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640));
  struct stat about{};
  if (!fd || ::fstat(fd.get(), &about) != 0) return {};
  if (S_ISREG(about.st_mode)) return fd;
  errno = ENXIO;
  return {};
}

}  // namespace

std::string format_line(const Served& served, std::int64_t unix_s) {
  return fmt::format(R"({} - - [{:%d/%b/%Y:%H:%M:%S} +0000] "{}" {} {} "{}" "{}" {}.{:03})", served.peer_host,
                     fmt::gmtime(static_cast<std::time_t>(unix_s)), quotable(redact_request(served.line), kMaxLine),
                     served.status, served.bytes, quotable(redact_request(served.referer), kMaxText),
                     quotable(served.user_agent, kMaxText), served.duration_ms / 1000, served.duration_ms % 1000);
}

RequestLog::RequestLog(net::Loop& loop, hub::Hub& hub, std::string path)
    : loop_(loop), hub_(hub), path_(std::move(path)), looked_at_ms_(loop.now_ms()) {
  if (path_ == "-") throw Error(ExitCode::usage, "--access-log -: name a file: the standard output is not written to");
  fd_ = open_file(path_);
  if (fd_) return;
  const bool other = errno == ENXIO;
  throw Error(ExitCode::cannot_create, fmt::format("--access-log {}: {}", path_,
                                                   other ? "this is something else than a file" : errno_text(errno)));
}

bool RequestLog::is_current() const {
  struct stat there{}, ours{};
  if (!fd_ || ::stat(path_.c_str(), &there) != 0 || ::fstat(fd_.get(), &ours) != 0) return false;
  return there.st_dev == ours.st_dev && there.st_ino == ours.st_ino;
}

void RequestLog::look() {
  if (loop_.now_ms() - looked_at_ms_ < kLookMs) return;
  looked_at_ms_ = loop_.now_ms();
  if (is_current()) return;
  if (Fd anew = open_file(path_)) {
    fd_ = std::move(anew);
    torn_ = false;
    return;
  }
  // One that was moved is written to as long as there is no other; in one that was deleted nobody would find anything.
  struct stat ours{};
  if (fd_ && (::fstat(fd_.get(), &ours) != 0 || ours.st_nlink == 0)) fd_.reset();
}

void RequestLog::tick() {
  look();
}

void RequestLog::write(const Served& served) {
  look();
  append(format_line(served, realtime_us() / 1'000'000) + "\n");
}

void RequestLog::append(std::string line) {
  if (torn_) line.insert(line.begin(), '\n');
  ssize_t wrote = -1;
  int error = ENOENT;
  if (fd_) {
    do {
      wrote = ::write(fd_.get(), line.data(), line.size());
    } while (wrote < 0 && errno == EINTR);
    error = wrote < 0 ? errno : ENOSPC;
  }
  if (wrote != static_cast<ssize_t>(line.size())) {
    torn_ = torn_ || wrote > 0;
    return lost(error);
  }
  torn_ = false;
  if (lost_lines_) log::info("access log {}: written again, {} lines are lost", path_, *lost_lines_);
  lost_lines_.reset();
}

void RequestLog::lost(int error) {
  hub_.count("access_log_lost_lines_total");
  if (!lost_lines_) log::warning("access log {}: {}: lines are lost until it can be written", path_, errno_text(error));
  lost_lines_ = lost_lines_.value_or(0) + 1;
}

}  // namespace campipe::serve::access
