#pragma once
#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.hpp"

namespace campipe {

/// Another descriptor as stderr for as long as this lives.
class StderrTo {
public:
  explicit StderrTo(int fd) : kept_(::dup(STDERR_FILENO)) { ::dup2(fd, STDERR_FILENO); }
  ~StderrTo() { ::dup2(kept_.get(), STDERR_FILENO); }
  StderrTo(const StderrTo&) = delete;
  StderrTo& operator=(const StderrTo&) = delete;

private:
  Fd kept_;
};

/// stderr as a socket that keeps the bounds of each write(2).
class WritesToStderr {
public:
  WritesToStderr() : to_(make(ends_)) {}

  /// What was written since the last call, one string a write.
  std::vector<std::string> take() {
    std::vector<std::string> writes;
    std::array<char, 65536> buffer{};
    for (;;) {
      const ssize_t got = ::recv(ends_[0].get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (got <= 0) return writes;
      writes.emplace_back(buffer.data(), static_cast<std::size_t>(got));
    }
  }

  /// The next write, waited for.
  std::string next() {
    std::array<char, 65536> buffer{};
    const ssize_t got = ::recv(ends_[0].get(), buffer.data(), buffer.size(), 0);
    return {buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
  }

private:
  static int make(std::array<Fd, 2>& ends) {
    std::array<int, 2> pair{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()), 0);
    ends = {Fd(pair[0]), Fd(pair[1])};
    return pair[1];
  }

  std::array<Fd, 2> ends_;
  StderrTo to_;
};

}  // namespace campipe
