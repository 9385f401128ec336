#include "ring/kernel/fork_guard.hpp"

#include <array>
#include <atomic>
#include <mutex>

#include <pthread.h>
#include <unistd.h>

#include "base/error.hpp"

namespace campipe::ring::kernel {

namespace {

constexpr int kFree = -1, kTaken = -2;  // in a child every descriptor becomes kTaken: its place is given back later

struct Places {
  std::array<std::atomic<int>, 1024> fd;
  Places() noexcept {
    for (auto& place : fd) place.store(kFree, std::memory_order_relaxed);
  }
};

Places& places() {
  static Places all;
  return all;
}

std::atomic<std::uint32_t> forks{0};

/// In the child, which has this one thread only.
void in_child() noexcept {
  for (auto& place : places().fd) {
    const int fd = place.load(std::memory_order_relaxed);
    if (fd < 0) continue;
    ::close(fd);
    place.store(kTaken, std::memory_order_relaxed);
  }
  forks.fetch_add(1, std::memory_order_relaxed);
}

void guard_forks() {
  static std::once_flag once;
  std::call_once(once, [] {
    places();
    ::pthread_atfork(nullptr, nullptr, in_child);
  });
}

}  // namespace

ForkFd::ForkFd(int fd) {
  guard_forks();
  auto& all = places().fd;
  for (std::size_t i = 0; i < all.size(); ++i) {
    int expected = kFree;
    // The place is found by one thread; other threads reach the descriptor through an object that was handed to them.
    if (all[i].compare_exchange_strong(expected, fd, std::memory_order_relaxed)) {
      place_ = static_cast<int>(i);
      return;
    }
  }
  ::close(fd);
  throw Error(ExitCode::os_error, "too many rings are open in this process");
}

ForkFd::~ForkFd() {
  if (place_ < 0) return;
  const int fd = places().fd[static_cast<std::size_t>(place_)].exchange(kFree, std::memory_order_relaxed);
  if (fd >= 0) ::close(fd);
}

int ForkFd::get() const noexcept {
  if (place_ < 0) return -1;
  const int fd = places().fd[static_cast<std::size_t>(place_)].load(std::memory_order_relaxed);
  return fd >= 0 ? fd : -1;
}

std::uint32_t fork_count() noexcept {
  return forks.load(std::memory_order_relaxed);
}

}  // namespace campipe::ring::kernel
