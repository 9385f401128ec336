#pragma once
#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.hpp"

namespace campipe::cli {

/// The supervisor's end of $NOTIFY_SOCKET: sets the variable and takes the datagrams.
class NotifySocket {
public:
  /// @param name  A path, or '@' and an abstract name.
  explicit NotifySocket(const std::string& name) : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    EXPECT_LT(name.size(), sizeof address.sun_path);
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name.front() == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0) << name;
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~NotifySocket() { ::unsetenv("NOTIFY_SOCKET"); }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  /// The next datagram, waited for at most a minute: the bound of a test that hangs, no measure of speed.
  std::optional<std::string> next() { return take(60'000); }
  /// A datagram that has already come.
  std::optional<std::string> pending() { return take(0); }
  void close() { socket_.reset(); }

private:
  std::optional<std::string> take(int timeout_ms) {
    pollfd wait{socket_.get(), POLLIN, 0};
    if (::poll(&wait, 1, timeout_ms) != 1) return std::nullopt;
    std::array<char, 4096> buffer{};
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0) return std::nullopt;
    return std::string(buffer.data(), static_cast<std::size_t>(got));
  }

  Fd socket_;
};

/// An abstract name that no other test run has.
inline std::string abstract_name(const std::string& what) {
  return "@campipe-test-" + std::to_string(::getpid()) + "-" + what;
}

}  // namespace campipe::cli
