#pragma once
#include <cstdint>
#include <functional>
#include <limits>

namespace campipe::capture {

/// What a source needs of the program it runs in while it waits.
struct Host {
  int stop_fd = -1;             ///< readable = give up waiting; borrowed
  std::function<void()> alive;  ///< called at least once a second while a source waits, in the source's thread
};

enum class Wake { ready, stopped, timeout };

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

/// Waits until `fd` (may be -1) reports one of `events` or an error, `host.stop_fd` is readable or CLOCK_MONOTONIC
/// reaches `deadline_ns` (kNever: no limit). The stop wins when several are true. Throws Error.
Wake wait(const Host& host, int fd, short events, std::int64_t deadline_ns);

/// Whether a stop is asked for, without waiting.
bool stopping(const Host& host) noexcept;

}  // namespace campipe::capture
