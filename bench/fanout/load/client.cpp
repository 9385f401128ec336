#include "load/client.hpp"

#include <cerrno>
#include <cstring>

#include <netdb.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.hpp"

namespace fanout {

namespace {
constexpr int kReadsInATurn = 16;  // of one client, before the others have theirs
}

Client::Client(Shared& shared, Totals& totals, Role role, int number)
    : shared_(shared), meter_(totals), role_(role), number_(number) {}

Client::~Client() = default;

std::string Client::path() const {
  std::string text = shared_.options.path;
  const std::size_t at = text.find("{}");
  if (at != std::string::npos) text.replace(at, 2, std::to_string(number_ % shared_.options.streams));
  return text;
}

void Client::set_receive_buffer(int fd) const {
  const Options& options = shared_.options;
  const int bytes = role_ == Role::good ? options.receive_buffer_bytes : options.bad_receive_buffer_bytes;
  if (bytes == 0) return;
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) == 0) return;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

void Client::connect() {
  meter_.connecting(campipe::monotonic_ns());
  const addrinfo& server = *shared_.server;
  fd_ = campipe::Fd(::socket(server.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd_.get() < 0) fail(std::string("socket: ") + std::strerror(errno));
  set_receive_buffer(fd_.get());
  source_ = {this, 0};
  if (::connect(fd_.get(), server.ai_addr, server.ai_addrlen) != 0 && errno != EINPROGRESS)
    return close(std::string("cannot connect: ") + std::strerror(errno));
  watch(fd_.get(), source_, EPOLLIN | EPOLLOUT | EPOLLRDHUP, true);
}

void Client::watch(int fd, Source& source, std::uint32_t events, bool add) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &source;
  ::epoll_ctl(shared_.poll, add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
}

void Client::on_events(int which, std::uint32_t events) {
  if (closed_) return;
  if (which != 0) return on_datagrams(which);
  if (!connected_) {
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) return close(std::string("cannot connect: ") + std::strerror(error));
    if ((events & EPOLLOUT) == 0) return;
    connected_ = true;
    watch(fd_.get(), source_, EPOLLIN | EPOLLRDHUP, false);
    return on_connected();
  }
  if (playing_ && role_ != Role::good) {  // reads nothing here, but its end is noticed
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) close("");
    return;
  }
  for (int i = 0; i < kReadsInATurn && !closed_; ++i) {
    const Read result = read_some(SIZE_MAX);
    if (result == Read::ended) return close("closed by the server");
    if (result == Read::drained || (playing_ && role_ != Role::good)) return;
  }
}

void Client::read_at_most(std::size_t bytes) {
  budget_used_ = 0;
  while (open() && budget_used_ < bytes) {
    const Read result = read_some(bytes - budget_used_);
    if (result == Read::ended) return close("");
    if (result == Read::drained) return;
  }
}

std::size_t Client::receive(std::span<std::byte> buffer, int flags, Read& result) {
  const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), flags);
  if (got <= 0) {
    result = got < 0 && (errno == EAGAIN || errno == EINTR) ? Read::drained : Read::ended;
    return 0;
  }
  const auto bytes = static_cast<std::size_t>(got);
  result = bytes < buffer.size() ? Read::drained : Read::more;
  budget_used_ += bytes;
  meter_.bytes(bytes);
  return bytes;
}

void Client::send_text(const std::string& text) {
  const ssize_t sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(text.size())) close("cannot send");
}

void Client::begin_playing() {
  playing_ = true;
  playing_ns_ = campipe::monotonic_ns();
  if (role_ != Role::good) watch(fd_.get(), source_, EPOLLRDHUP, false);
}

void Client::close(const std::string& reason) {
  if (closed_) return;
  closed_ = true;
  closed_ns_ = campipe::monotonic_ns();
  if (!playing_) reason_ = reason.empty() ? "closed by the server" : reason;
  if (fd_.get() >= 0) ::epoll_ctl(shared_.poll, EPOLL_CTL_DEL, fd_.get(), nullptr);
  fd_ = campipe::Fd();
}

}  // namespace fanout
