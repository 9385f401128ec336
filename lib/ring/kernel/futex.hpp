#pragma once
#include <atomic>
#include <cstdint>

namespace campipe::ring::kernel {

/// Wakes all that wait on a word in shared memory, in any process. It is always called, without a count of waiters:
/// such a count would be wrong for ever after a SIGKILL, and the call costs 0.5 us when nobody waits.
void wake_all(const std::atomic<std::uint32_t>& word) noexcept;

/// Waits until `shared` is woken or is not `seen` any more, `own` (of this process) is woken or is not `own_seen`, or
/// the time is over. May return early. @param timeout_ms  Not negative.
void wait_on(const std::atomic<std::uint32_t>& shared, std::uint32_t seen, const std::atomic<std::uint32_t>& own,
             std::uint32_t own_seen, int timeout_ms) noexcept;

/// How many waits this process has begun, for words and for names: each is counted when all that it waits for has been
/// looked at, right before the kernel is asked. A test that has something happen to one who waits looks at it.
std::uint64_t waits_begun() noexcept;
void count_wait() noexcept;

}  // namespace campipe::ring::kernel
