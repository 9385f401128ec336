#include "capture/host.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include <poll.h>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace campipe::capture {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

}  // namespace

Wake wait(const Host& host, int fd, short events, std::int64_t deadline_ns) {
  std::array<pollfd, 2> fds{pollfd{fd, events, 0}, pollfd{host.stop_fd, POLLIN, 0}};
  for (;;) {
    if (host.alive) host.alive();
    const std::int64_t left = std::clamp<std::int64_t>(deadline_ns - monotonic_ns(), 0, kSecond);
    const timespec limit{static_cast<time_t>(left / kSecond), static_cast<long>(left % kSecond)};
    const int ready = ::ppoll(fds.data(), fds.size(), &limit, nullptr);
    if (ready < 0 && errno != EINTR) throw_errno(errno, "cannot wait for the source");
    if (ready > 0) return fds[1].revents != 0 ? Wake::stopped : Wake::ready;
    if (monotonic_ns() >= deadline_ns) return Wake::timeout;
  }
}

bool stopping(const Host& host) noexcept {
  pollfd stop{host.stop_fd, POLLIN, 0};
  return ::poll(&stop, 1, 0) > 0;
}

}  // namespace campipe::capture
