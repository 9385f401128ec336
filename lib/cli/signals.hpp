#pragma once
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <optional>
#include <thread>

#include "base/fd.hpp"

namespace campipe::cli {

/// SIGINT, SIGTERM and SIGHUP as a descriptor that becomes readable. Make it before any other thread: it blocks the
/// signals for all of them. One thread of its own waits for signals; nothing runs in a signal handler.
///
/// The first signal asks for an orderly end: finish the frame, write trailers, exit 0. When that takes longer than
/// `grace` (a reader that does not take the last frame), the process ends at once with code 0; it does so with 1 when a
/// SIGINT or SIGTERM comes again, `insist` or more after the first signal. What comes sooner, and any further SIGHUP,
/// is the same wish once more.
class StopSignal {
public:
  /// @param on_hangup  Called in the thread of this for SIGHUP, which is no stop then: where there is no terminal that
  ///                   could have gone, it is somebody's wish to reload.
  explicit StopSignal(std::chrono::milliseconds grace = std::chrono::seconds(2),
                      std::chrono::milliseconds insist = std::chrono::milliseconds(500),
                      std::function<void()> on_hangup = {});
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  int fd() const noexcept { return event_.get(); }  ///< readable once a stop is wanted, and stays so
  bool stopped() const noexcept { return stopped_.load(std::memory_order_acquire); }

  /// As if the signal had come, without the time limit (--duration is over).
  void request() noexcept;

private:
  void wait_for_signals();
  void wait_without_descriptor(const sigset_t& set);
  void take(int signal);
  int left_ms() const;
  [[noreturn]] void give_up() const;

  Fd event_;
  Fd quit_;  // ends the thread
  std::chrono::milliseconds grace_, insist_;
  std::function<void()> on_hangup_;
  std::optional<std::int64_t> asked_ns_;  // when the first signal came; of the thread alone
  std::atomic<bool> stopped_ = false;
  std::thread thread_;
};

/// Whether this process has a controlling terminal.
bool has_terminal();

}  // namespace campipe::cli
