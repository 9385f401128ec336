#include "ring/kernel/futex.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <limits>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace campipe::ring::kernel {

namespace {

constexpr long kNsPerMs = 1'000'000, kNsPerSecond = 1'000'000'000;

timespec from_ms(int ms) noexcept {
  return {ms / 1000, (ms % 1000) * kNsPerMs};
}

timespec deadline(int ms) noexcept {
  timespec at{};
  ::clock_gettime(CLOCK_MONOTONIC, &at);
  at.tv_sec += ms / 1000;
  at.tv_nsec += (ms % 1000) * kNsPerMs;
  if (at.tv_nsec >= kNsPerSecond) {
    at.tv_nsec -= kNsPerSecond;
    ++at.tv_sec;
  }
  return at;
}

/// Where futex_waitv(2) is not to be had (Linux before 5.16, some sandboxes): a wait on `shared` alone, in slices, so
/// that a change of `own` is seen soon.
void wait_in_slices(const std::atomic<std::uint32_t>& shared, std::uint32_t seen, const std::atomic<std::uint32_t>& own,
                    std::uint32_t own_seen, int timeout_ms) noexcept {
  constexpr int kSliceMs = 50;
  if (own.load(std::memory_order_acquire) != own_seen) return;
  const timespec slice = from_ms(std::min(timeout_ms, kSliceMs));
  ::syscall(SYS_futex, &shared, FUTEX_WAIT, seen, &slice, nullptr, 0);
}

std::atomic<std::uint64_t> begun{0};

}  // namespace

std::uint64_t waits_begun() noexcept {
  return begun.load(std::memory_order_acquire);
}

void count_wait() noexcept {
  begun.fetch_add(1, std::memory_order_release);
}

void wake_all(const std::atomic<std::uint32_t>& word) noexcept {
  ::syscall(SYS_futex, &word, FUTEX_WAKE, std::numeric_limits<int>::max(), nullptr, nullptr, 0);
}

void wait_on(const std::atomic<std::uint32_t>& shared, std::uint32_t seen, const std::atomic<std::uint32_t>& own,
             std::uint32_t own_seen, int timeout_ms) noexcept {
  static std::atomic<bool> missing{false};
  count_wait();
  if (missing.load(std::memory_order_relaxed)) return wait_in_slices(shared, seen, own, own_seen, timeout_ms);
  futex_waitv both[2]{};
  both[0].val = seen;
  both[0].uaddr = reinterpret_cast<std::uintptr_t>(&shared);
  both[0].flags = FUTEX_32;
  both[1].val = own_seen;
  both[1].uaddr = reinterpret_cast<std::uintptr_t>(&own);
  both[1].flags = FUTEX_32;
  const timespec until = deadline(timeout_ms);
  const long answer = ::syscall(SYS_futex_waitv, both, 2, 0, &until, CLOCK_MONOTONIC);
  if (answer < 0 && (errno == ENOSYS || errno == EPERM)) {
    missing.store(true, std::memory_order_relaxed);
    wait_in_slices(shared, seen, own, own_seen, timeout_ms);
  }
}

}  // namespace campipe::ring::kernel
