#include "ring/kernel/name_watch.hpp"

#include <array>
#include <cstdint>

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "ring/kernel/futex.hpp"
#include "ring/kernel/names.hpp"

namespace campipe::ring::kernel {

NameWatch::NameWatch() : fd_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
  constexpr std::uint32_t kChanges = IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_ATTRIB;
  if (fd_ && ::inotify_add_watch(fd_.get(), directory().c_str(), kChanges) < 0) fd_.reset();
}

void NameWatch::wait(int wake_fd, int timeout_ms) {
  std::array<pollfd, 2> both{pollfd{fd_.get(), POLLIN, 0}, pollfd{wake_fd, POLLIN, 0}};
  count_wait();
  if (::poll(both.data(), both.size(), timeout_ms) <= 0) return;
  std::array<char, 4096> events;
  while (fd_ && ::read(fd_.get(), events.data(), events.size()) > 0) {
  }
  std::uint64_t count = 0;
  if ((both[1].revents & POLLIN) != 0) [[maybe_unused]]
    const auto got = ::read(wake_fd, &count, sizeof count);
}

}  // namespace campipe::ring::kernel
