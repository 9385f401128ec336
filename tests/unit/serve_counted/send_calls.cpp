#include "serve_counted/send_calls.hpp"

#include <atomic>
#include <cstddef>

#include <sys/socket.h>
#include <sys/uio.h>

namespace {

std::atomic<std::uint64_t> calls{0};

void count() noexcept {
  calls.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

namespace campipe::serve::test {

std::uint64_t send_calls() noexcept {
  return calls.load(std::memory_order_relaxed);
}

}  // namespace campipe::serve::test

// The linker gives calls of NAME to __wrap_NAME, and NAME itself to who says __real_NAME.
extern "C" {
ssize_t __real_send(int fd, const void* data, std::size_t bytes, int flags);
ssize_t __real_sendto(int fd, const void* data, std::size_t bytes, int flags, const sockaddr* to, socklen_t length);
ssize_t __real_sendmsg(int fd, const msghdr* message, int flags);
int __real_sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags);
ssize_t __real_write(int fd, const void* data, std::size_t bytes);
ssize_t __real_writev(int fd, const iovec* parts, int count);

ssize_t __wrap_send(int fd, const void* data, std::size_t bytes, int flags) {
  count();
  return __real_send(fd, data, bytes, flags);
}
ssize_t __wrap_sendto(int fd, const void* data, std::size_t bytes, int flags, const sockaddr* to, socklen_t length) {
  count();
  return __real_sendto(fd, data, bytes, flags, to, length);
}
ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags) {
  count();
  return __real_sendmsg(fd, message, flags);
}
int __wrap_sendmmsg(int fd, mmsghdr* messages, unsigned number, int flags) {
  count();
  return __real_sendmmsg(fd, messages, number, flags);
}
ssize_t __wrap_write(int fd, const void* data, std::size_t bytes) {
  count();
  return __real_write(fd, data, bytes);
}
ssize_t __wrap_writev(int fd, const iovec* parts, int number) {
  count();
  return __real_writev(fd, parts, number);
}
}
