#include "base/fd.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <poll.h>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace campipe {

int Fd::close_checked() noexcept {
  if (fd_ < 0) return 0;
  return ::close(release()) == 0 ? 0 : errno;  // Linux closes the descriptor even on EINTR: never call it twice
}

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno(errno, "cannot make a pipe");
  return {Fd(ends[0]), Fd(ends[1])};
}

void set_pipe_size(int fd, int bytes) noexcept {
  ::fcntl(fd, F_SETPIPE_SZ, bytes);
}

int write_all(int fd, std::span<iovec> parts) noexcept {
  constexpr std::size_t kMaxParts = 1024;  // IOV_MAX
  while (!parts.empty()) {
    if (parts.front().iov_len == 0) {
      parts = parts.subspan(1);
      continue;
    }
    const ssize_t wrote = ::writev(fd, parts.data(), static_cast<int>(std::min(parts.size(), kMaxParts)));
    if (wrote < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) {  // somebody else made the shared file description non-blocking
        pollfd wait{fd, POLLOUT, 0};
        ::poll(&wait, 1, -1);
        continue;
      }
      return errno;
    }
    auto left = static_cast<std::size_t>(wrote);
    while (left > 0) {
      iovec& part = parts.front();
      const std::size_t step = std::min(left, part.iov_len);
      part.iov_base = static_cast<char*>(part.iov_base) + step;
      part.iov_len -= step;
      left -= step;
      if (part.iov_len == 0) parts = parts.subspan(1);
    }
  }
  return 0;
}

int write_all(int fd, std::span<const std::byte> bytes) noexcept {
  iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  return write_all(fd, std::span(&part, 1));
}

Readable wait_readable(int fd, int stop_fd, int timeout_ms) {
  std::array<pollfd, 2> wait{pollfd{fd, POLLIN, 0}, pollfd{stop_fd, POLLIN, 0}};
  const std::int64_t deadline = monotonic_ns() + std::int64_t{timeout_ms} * 1'000'000;
  for (;;) {
    int left = -1;
    if (timeout_ms >= 0) {
      left =
          static_cast<int>(std::clamp<std::int64_t>((deadline - monotonic_ns() + 999'999) / 1'000'000, 0, timeout_ms));
    }
    const int ready = ::poll(wait.data(), wait.size(), left);
    if (ready < 0) {
      if (errno == EINTR) continue;
      throw_errno(errno, "cannot wait for input");
    }
    if (ready == 0) return Readable::timeout;
    return wait[1].revents != 0 ? Readable::stopped : Readable::ready;
  }
}

}  // namespace campipe
