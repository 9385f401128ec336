#include "capture/stop_after.hpp"

#include <cerrno>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "base/error.hpp"

namespace campipe::capture {

namespace {

void add(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) throw_errno(errno, "cannot wait for the end");
}

}  // namespace

StopAfter::StopAfter(int stop_fd, std::chrono::nanoseconds duration) : either_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!either_) throw_errno(errno, "cannot wait for the end");
  add(either_.get(), stop_fd);
  if (duration.count() <= 0) return;
  timer_ = Fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
  itimerspec spec{};
  spec.it_value.tv_sec = static_cast<time_t>(duration.count() / 1'000'000'000);
  spec.it_value.tv_nsec = static_cast<long>(duration.count() % 1'000'000'000);
  if (!timer_ || ::timerfd_settime(timer_.get(), 0, &spec, nullptr) != 0)
    throw_errno(errno, "cannot set the time limit");
  add(either_.get(), timer_.get());
}

bool StopAfter::is_over() const noexcept {
  pollfd timer{timer_.get(), POLLIN, 0};
  return timer_ && ::poll(&timer, 1, 0) > 0;
}

}  // namespace campipe::capture
