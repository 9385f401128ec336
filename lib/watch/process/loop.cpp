#include "watch/process/loop.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/clock.hpp"

namespace campipe::watch::process {

namespace {

std::uint64_t tag(int fd, std::uint32_t generation) {
  return (static_cast<std::uint64_t>(generation) << 32) | static_cast<std::uint32_t>(fd);
}

}  // namespace

config::Duration monotonic_now() noexcept {
  return config::Duration(monotonic_ns());
}

Loop::Loop(Clock clock) : clock_(std::move(clock)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw_errno(errno, "cannot make an epoll descriptor");
}

Loop::~Loop() = default;

void Loop::watch(int fd, std::uint32_t events, OnEvents act) {
  const Watched entry{++generations_, std::make_shared<OnEvents>(std::move(act))};
  epoll_event event{.events = events, .data = {.u64 = tag(fd, entry.generation)}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) throw_errno(errno, "cannot watch a descriptor");
  watched_[fd] = entry;
}

void Loop::change(int fd, std::uint32_t events) {
  epoll_event event{.events = events, .data = {.u64 = tag(fd, watched_.at(fd).generation)}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0) throw_errno(errno, "cannot watch a descriptor");
}

void Loop::unwatch(int fd) noexcept {
  if (watched_.erase(fd) > 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

Loop::TimerId Loop::after(config::Duration delay, std::function<void()> act) {
  timers_.emplace(now() + delay, Timer{++timer_ids_, std::move(act)});
  return timer_ids_;
}

void Loop::cancel(TimerId& timer) noexcept {
  std::erase_if(timers_, [&](const auto& entry) { return entry.second.id == timer; });
  timer = 0;
}

int Loop::timeout_ms() const {
  if (timers_.empty()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first - now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
}

void Loop::run_timers() {
  const config::Duration until = now();
  while (!stopped_ && !timers_.empty() && timers_.begin()->first <= until) {
    auto due = timers_.extract(timers_.begin());
    due.mapped().act();
  }
}

void Loop::run() {
  stopped_ = false;
  while (!stopped_) step(timeout_ms());
}

void Loop::step(int timeout_ms) {
  std::array<epoll_event, 32> events{};
  const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
  if (count < 0 && errno != EINTR) throw_errno(errno, "cannot wait for events");
  for (int i = 0; i < count && !stopped_; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const auto found = watched_.find(static_cast<int>(event.data.u64 & 0xFFFFFFFF));
    if (found == watched_.end() || found->second.generation != event.data.u64 >> 32) continue;
    const auto act = found->second.act;  // it may unwatch itself
    (*act)(event.events);
  }
  run_timers();
}

}  // namespace campipe::watch::process
