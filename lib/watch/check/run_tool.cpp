#include "watch/check/run_tool.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.hpp"

namespace campipe::watch::check {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kTime = std::chrono::seconds(10);
constexpr std::size_t kMost = 65536;

/// Answers whether more may come. What is over the limit is read and left out, so that the writer is not held up.
bool take(int fd, std::string& text) {
  std::array<char, 4096> bytes;
  const ssize_t got = ::read(fd, bytes.data(), bytes.size());
  if (got < 0) return errno == EINTR;
  text.append(bytes.data(), std::min(static_cast<std::size_t>(got), kMost - text.size()));
  return got > 0;
}

/// Until both are at their end; false when the time is over first.
bool read_both(int out, int err, Answer& answer) {
  std::array<pollfd, 2> both{{{out, POLLIN, 0}, {err, POLLIN, 0}}};
  const Clock::time_point end = Clock::now() + kTime;
  while (both[0].fd >= 0 || both[1].fd >= 0) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
    if (left.count() <= 0) return false;
    if (::poll(both.data(), both.size(), static_cast<int>(left.count())) < 0 && errno != EINTR) return false;
    if (both[0].fd >= 0 && both[0].revents != 0 && !take(out, answer.out)) both[0].fd = -1;
    if (both[1].fd >= 0 && both[1].revents != 0 && !take(err, answer.err)) both[1].fd = -1;
    both[0].revents = both[1].revents = 0;
  }
  return true;
}

}  // namespace

Answer run_tool(const process::Command& command) {
  Pipe out = make_pipe(), err = make_pipe();
  process::Command with_pipes = command;
  with_pipes.fds = {{1, out.write_end.get()}, {2, err.write_end.get()}};
  const pid_t pid = process::spawn(with_pipes);
  out.write_end.reset();
  err.write_end.reset();
  Answer answer;
  answer.in_time = read_both(out.read_end.get(), err.read_end.get(), answer);
  if (!answer.in_time) ::kill(-pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  answer.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return answer;
}

}  // namespace campipe::watch::check
