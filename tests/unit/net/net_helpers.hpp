#pragma once
#include <array>
#include <chrono>
#include <functional>
#include <string>
#include <utility>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "base/fd.hpp"
#include "net/address.hpp"
#include "net/listener.hpp"
#include "net/loop.hpp"

namespace campipe::net {

/// Ends a turn's waiting each millisecond, also where the loop's own timers stand still.
class Pulse {
public:
  explicit Pulse(Loop& loop) : timer_(new uv_timer_t) {
    check_uv(uv_timer_init(loop.get(), timer_.get()), "cannot make a timer");
    uv_timer_start(timer_.get(), [](uv_timer_t*) {}, 1, 1);
  }

private:
  UvPtr<uv_timer_t> timer_;
};

/// Turns the loop until `done`; false when it does not come about, which is for a test that would hang.
inline bool comes_true(Loop& loop, const std::function<bool()>& done,
                       std::chrono::seconds limit = std::chrono::seconds(60)) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  const Pulse pulse(loop);
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    loop.run_once(true);
  }
  return true;
}

/// Turns the loop until `done`; fails the test when it does not come about.
inline void turn_until(Loop& loop, const std::function<bool()>& done,
                       std::chrono::seconds limit = std::chrono::seconds(60)) {
  ASSERT_TRUE(comes_true(loop, done, limit)) << "the condition did not come true";
}

/// Two connected stream sockets with small buffers.
inline std::pair<Fd, Fd> socket_pair(int buffer_bytes = 0) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), 0);
  if (buffer_bytes > 0) {
    for (const int end : ends) {
      ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes);
      ::setsockopt(end, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
    }
  }
  return {Fd(ends[0]), Fd(ends[1])};
}

inline Fd listen_anywhere() {
  return listen_tcp(resolve_listen_address("127.0.0.1:0", "--http"), "--http");
}

/// A blocking client's side, made non-blocking: the loop under test runs in the same thread.
class TestClient {
public:
  explicit TestClient(const Address& server) : fd_(::socket(server.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    EXPECT_EQ(::connect(fd_.get(), server.get(), server.length), 0);
    ::fcntl(fd_.get(), F_SETFL, O_NONBLOCK);
  }
  void send(std::string_view text) {
    EXPECT_EQ(::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  /// As much as the kernel takes now.
  std::size_t send_some(std::string_view text) {
    const ssize_t sent = text.empty() ? 0 : ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
  }
  void shutdown() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }

  /// What has come so far.
  const std::string& received() {
    std::array<char, 65536> buffer{};
    for (;;) {
      const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
      if (got == 0) ended_ = true;
      if (got < 0 && errno == ECONNRESET) ended_ = true;
      if (got <= 0) return text_;
      text_.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }
  bool ended() {
    received();
    return ended_;
  }
  bool has(std::string_view part) { return received().find(part) != std::string::npos; }
  std::size_t count(std::string_view part) {
    std::size_t found = 0;
    const std::string& text = received();
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++found;
    return found;
  }
  void forget() { text_.clear(); }

private:
  Fd fd_;
  std::string text_;
  bool ended_ = false;
};

}  // namespace campipe::net
