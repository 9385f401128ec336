#include "net/listener.hpp"

#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/error.hpp"
#include "base/faults.hpp"
#include "base/log.hpp"
#include "base/units.hpp"

namespace campipe::net {

namespace {

constexpr int kBacklog = 4096;  // the kernel gives net.core.somaxconn at most; who finds it full tries again after 1 s
constexpr int kAcceptBatch = 64;  // then others have their turn
constexpr int kRetryMs = 200;
constexpr std::int64_t kTellAgainMs = 60'000;
/// A peer that vanished is given up after so long, whether something is being sent to it or nothing.
constexpr int kDeadAfterMs = 30'000;
constexpr int kKeepAliveIdleS = 20, kKeepAliveIntervalS = 5;

[[noreturn]] void cannot_listen(int error, const Address& address, std::string_view option) {
  const auto fail = [&](ExitCode code, std::string_view remedy) {
    throw Error(code, fmt::format("{} {}: {}: {}", option, address.to_string(), errno_text(error), remedy));
  };
  if (error == EADDRINUSE) {
    fail(ExitCode::try_again,
         fmt::format("another program listens there ('ss -ltnp sport = :{}' names it); give another port, or 0 for any",
                     address.port()));
  }
  if (error == EACCES) fail(ExitCode::permission, "ports under 1024 need CAP_NET_BIND_SERVICE; give one above");
  if (error == EADDRNOTAVAIL)
    fail(ExitCode::unavailable, "no interface here has this address ('ip address' lists them)");
  throw Error(ExitCode::os_error, fmt::format("{} {}: {}", option, address.to_string(), errno_text(error)));
}

/// Accepted sockets have these from the one that listens. Refused where it is no TCP socket.
void notice_dead_peers(int fd) {
  const auto set = [fd](int level, int option, int value) { ::setsockopt(fd, level, option, &value, sizeof value); };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdleS);
  set(IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveIntervalS);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, kDeadAfterMs);
}

}  // namespace

Fd listen_tcp(const Address& address, std::string_view option) {
  Fd fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) cannot_listen(errno, address, option);
  const int on = 1, off = 0;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.is_ipv6()) {
    const int only = address.is_any() ? off : on;
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
  }
  if (::bind(fd.get(), address.get(), address.length) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    cannot_listen(errno, address, option);
  }
  return fd;
}

Listener::Listener(Loop& loop, Fd fd, OnConnection on_connection)
    : loop_(loop),
      fd_(std::move(fd)),
      on_connection_(std::move(on_connection)),
      retry_(loop, [this] { watch_.set(Watch::kRead); }),
      watch_(loop, fd_.get(), [this](int) { accept_some(); }) {
  notice_dead_peers(fd_.get());
  watch_.set(Watch::kRead);
}

/// While there are no descriptors, each one that comes free is taken and the next is missing again: told once in a
/// while.
void Listener::tell(int error) {
  if (told_ms_ && loop_.now_ms() - *told_ms_ < kTellAgainMs) return;
  told_ms_ = loop_.now_ms();
  log::warning("cannot accept a connection: {}: tried again every {} ms", errno_text(error), kRetryMs);
}

void Listener::accept_some() {
  for (int i = 0; i < kAcceptBatch; ++i) {
    Address peer;
    peer.length = sizeof peer.storage;
    Fd fd(::accept4(fd_.get(), peer.get(), &peer.length, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) {
      if (errno == ECONNABORTED || errno == EINTR || errno == EPROTO) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return;
      tell(errno);
      watch_.set(0);
      retry_.start(kRetryMs);
      return;
    }
    faults::contain("accept", [&] { on_connection_(std::move(fd), peer); });  // which closes it
  }
}

}  // namespace campipe::net
