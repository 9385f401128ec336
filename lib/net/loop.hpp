#pragma once
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include <uv.h>

#include "base/clock.hpp"
#include "net/manual_time.hpp"
#include "net/uv.hpp"

namespace campipe::net {

/// An event loop. One thread runs it and owns all that lives on it; only Async::send() may come from elsewhere.
/// Outlives whatever was made on it.
class Loop {
public:
  enum class Time {
    real,
    manual,  ///< for tests: stands still until advance()
  };
  explicit Loop(Time time = Time::real);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  uv_loop_t* get() noexcept { return loop_.get(); }

  /// Until stop(). Rethrows what a callback threw.
  void run();
  void stop() noexcept;
  /// What is ready now, or the next thing to come when `wait`; for tests.
  void run_once(bool wait);

  /// Calls `task` soon, from the loop itself: for what a callback may not do to its own caller (destroy it).
  void defer(std::function<void()> task);

  /// CLOCK_MONOTONIC in ms as of this turn of the loop.
  std::int64_t now_ms() noexcept {
    return manual_ ? manual_->now_ns() / 1'000'000 : static_cast<std::int64_t>(uv_now(loop_.get()));
  }
  /// CLOCK_MONOTONIC at this moment.
  std::int64_t now_ns() const noexcept { return manual_ ? manual_->now_ns() : monotonic_ns(); }

  /// With manual time only: lets `by` pass. Timers fire in the order in which they are due, each at its own time and
  /// followed by turns of the loop until nothing is deferred. Rethrows what a callback threw.
  void advance(std::chrono::nanoseconds by) { manual_->advance(*this, by); }

  /// Bytes to receive into, for the length of one callback; one buffer serves all connections.
  std::span<std::byte> scratch() noexcept { return scratch_; }

  /// For callbacks out of libuv, which is C: an exception ends run() and comes out there. What belongs to one
  /// connection, input or service is contained before it comes here: base/faults.hpp.
  template <class F>
  void guarded(F&& body) noexcept {
    try {
      body();
    } catch (...) {
      failed(std::current_exception());
    }
  }

private:
  friend class ManualTime;
  friend class Timer;
  void failed(std::exception_ptr error) noexcept;
  void run_deferred();
  void rethrow();
  void settle();

  std::unique_ptr<ManualTime> manual_;  // nullptr: libuv's
  std::unique_ptr<uv_loop_t> loop_;
  UvPtr<uv_idle_t> idle_;
  std::vector<std::function<void()>> deferred_;
  std::exception_ptr error_;
  std::vector<std::byte> scratch_;
};

/// Calls back after a time, once or again and again. The callback may destroy the Timer.
class Timer {
public:
  Timer(Loop& loop, std::function<void()> callback);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  /// @param repeat_ms  0 = once. Starting a running timer starts it anew.
  void start(std::int64_t after_ms, std::int64_t repeat_ms = 0);
  void stop() noexcept;

private:
  friend class ManualTime;
  void fire();

  Loop& loop_;
  std::function<void()> callback_;
  UvPtr<uv_timer_t> timer_;  // none with manual time
};

/// Wakes the loop from any thread; several send() before it runs are one callback.
class Async {
public:
  Async(Loop& loop, std::function<void()> callback);
  void send() noexcept { uv_async_send(async_.get()); }

private:
  Loop& loop_;
  std::function<void()> callback_;
  UvPtr<uv_async_t> async_;
};

/// Watches a descriptor that its owner keeps open for longer than this.
class Watch {
public:
  static constexpr int kRead = UV_READABLE;
  static constexpr int kWrite = UV_WRITABLE;

  /// @param callback  Gets the events that are there; both when the descriptor has failed. May destroy the Watch.
  Watch(Loop& loop, int fd, std::function<void(int events)> callback);
  /// 0 watches nothing. Costs nothing when it is what is watched already.
  void set(int events);
  int events() const noexcept { return events_; }

private:
  Loop& loop_;
  std::function<void(int)> callback_;
  UvPtr<uv_poll_t> poll_;
  int events_ = 0;
};

}  // namespace campipe::net
