#include "net/connection.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/faults.hpp"

namespace campipe::net {

namespace {

constexpr std::size_t kMaxParts = 1024;  // IOV_MAX
constexpr std::size_t kMaxText = 256 * 1024;
/// What the kernel may hold unsent. Smaller costs a wake-up more per frame, larger is lag that nobody can take back.
constexpr int kNotSentLowBytes = 128 * 1024;

void set_option(int fd, int level, int option, int value) {
  ::setsockopt(fd, level, option, &value, sizeof value);  // refused on what is no TCP socket (tests use socketpair)
}

std::size_t bytes_of(std::span<const iovec> parts) {
  std::size_t bytes = 0;
  for (const iovec& part : parts) bytes += part.iov_len;
  return bytes;
}

}  // namespace

Connection::Connection(Loop& loop, Fd fd, Address peer, ConnectionHandler& handler)
    : loop_(loop),
      fd_(std::move(fd)),
      peer_(peer),
      handler_(handler),
      last_progress_ms_(loop.now_ms()),
      watch_(loop, fd_.get(), [this](int events) { on_events(events); }) {
  set_option(fd_.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd_.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, kNotSentLowBytes);
  update_watch();
}

Connection::~Connection() {
  if (gone_ != nullptr) *gone_ = true;
}

bool Connection::write(std::span<const iovec> parts, std::shared_ptr<const void> keep) {
  const std::size_t bytes = bytes_of(parts);
  const std::size_t taken = try_write(parts);
  if (taken < bytes) queue(parts, taken, std::move(keep));
  return idle();
}

std::size_t Connection::try_write(std::span<const iovec> parts) {
  assert(idle() && !shutdown_wanted_);
  last_progress_ms_ = loop_.now_ms();
  std::size_t all = 0;
  while (!parts.empty() && failed_ == 0) {
    const auto some = parts.first(std::min(parts.size(), kMaxParts));
    parts = parts.subspan(some.size());
    const std::size_t taken = send_once(some);
    all += taken;
    if (taken < bytes_of(some)) break;
  }
  return all;
}

void Connection::queue(std::span<const iovec> parts, std::size_t taken, std::shared_ptr<const void> keep) {
  assert(idle());
  rest_.assign(parts.begin(), parts.end());
  rest_at_ = 0;
  keep_ = std::move(keep);
  consume(taken);
  update_watch();
}

bool Connection::send(std::string_view text) {
  if (text_.size() + text.size() > kMaxText) return false;
  // Behind a write that is under way it waits for the loop: to finish that one here would leave on_drained() out.
  const bool was_idle = idle();
  if (was_idle) last_progress_ms_ = loop_.now_ms();
  text_.append(text);
  if (failed_ == 0 && was_idle) flush();
  return true;
}

void Connection::set_reading(bool reading) {
  reading_ = reading;
  update_watch();
}

void Connection::shutdown_after_flush() {
  shutdown_wanted_ = true;
  if (idle() && !shut_) {
    ::shutdown(fd_.get(), SHUT_WR);
    shut_ = true;
  }
}

void Connection::abort_on_close() noexcept {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

bool Connection::flush() {
  while (!idle() && send_rest()) {
  }
  if (idle() && shutdown_wanted_) shutdown_after_flush();
  update_watch();
  return idle();
}

bool Connection::send_rest() {
  const auto parts = std::span<const iovec>(rest_).subspan(rest_at_);
  if (parts.empty()) {
    const iovec text{text_.data(), text_.size()};
    text_.erase(0, send_once({&text, 1}));
    return text_.empty();
  }
  const auto some = parts.first(std::min(parts.size(), kMaxParts));
  const std::size_t taken = send_once(some);
  consume(taken);
  return rest_.empty() || (taken > 0 && some.size() == kMaxParts);
}

std::size_t Connection::send_once(std::span<const iovec> parts) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts.data());
  message.msg_iovlen = parts.size();
  ssize_t sent = 0;
  do {
    ++send_calls_;
    sent = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK) failed_ = errno;
    return 0;
  }
  last_progress_ms_ = loop_.now_ms();
  bytes_sent_ += static_cast<std::uint64_t>(sent);
  return static_cast<std::size_t>(sent);
}

void Connection::consume(std::size_t bytes) {
  while (rest_at_ < rest_.size() && bytes >= rest_[rest_at_].iov_len) bytes -= rest_[rest_at_++].iov_len;
  if (rest_at_ == rest_.size()) {
    rest_.clear();
    rest_at_ = 0;
    keep_.reset();
    return;
  }
  iovec& part = rest_[rest_at_];
  part.iov_base = static_cast<char*>(part.iov_base) + bytes;
  part.iov_len -= bytes;
}

void Connection::update_watch() {
  int events = 0;
  if (reading_ && !ended_) events |= Watch::kRead;
  if (!idle() || failed_ != 0) events |= Watch::kWrite;  // a failed socket is writable at once
  watch_.set(events);
}

/// An exception of this connection's owner ends this connection, never the loop.
void Connection::on_events(int events) {
  const std::string_view kind = handler_.kind();
  bool gone = false;
  gone_ = &gone;
  bool good = faults::contain(kind, [&] { dispatch(events); });
  if (!good && !gone) good = faults::contain(kind, [&] { handler_.on_fault(); });
  if (gone) return;
  gone_ = nullptr;
  if (!good) watch_.set(0);  // or the same event would come at once; its owner's time limits end it
}

void Connection::dispatch(int events) {
  if (failed_ != 0) return handler_.on_failed(failed_);
  if ((events & Watch::kWrite) != 0 && !idle()) {
    if (!flush()) {
      if (failed_ != 0) return handler_.on_failed(failed_);
    } else if (!shutdown_wanted_) {
      return handler_.on_drained();  // may destroy us: what else is ready comes again
    }
  }
  if ((events & Watch::kRead) == 0 || !reading_ || ended_) return;
  const std::span<std::byte> buffer = loop_.scratch();
  const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return;
    return handler_.on_failed(errno);
  }
  if (got == 0) {
    ended_ = true;
    update_watch();
    return handler_.on_end();
  }
  bytes_received_ += static_cast<std::uint64_t>(got);
  handler_.on_data(buffer.first(static_cast<std::size_t>(got)));
}

}  // namespace campipe::net
