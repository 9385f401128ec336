#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include <sys/epoll.h>

#include "base/fd.hpp"
#include "watch/config/config.hpp"

namespace campipe::watch::process {

/// CLOCK_MONOTONIC.
config::Duration monotonic_now() noexcept;

/// epoll and timers in one thread, which go by a clock that tests may hold. What a callback throws leaves run().
class Loop {
public:
  using TimerId = std::uint64_t;  ///< 0 = none
  using OnEvents = std::function<void(std::uint32_t events)>;

  using Clock = std::function<config::Duration()>;

  explicit Loop(Clock clock = monotonic_now);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// `fd` is borrowed and must be unwatched before it is closed.
  void watch(int fd, std::uint32_t events, OnEvents act);
  void change(int fd, std::uint32_t events);
  void unwatch(int fd) noexcept;

  config::Duration now() const { return clock_(); }
  TimerId after(config::Duration delay, std::function<void()> act);
  void cancel(TimerId& timer) noexcept;  ///< and sets it to 0

  void run();
  /// What is ready and due now, without waiting; for tests.
  void turn() { step(0); }
  /// Readable while something is ready that is watched.
  int descriptor() const noexcept { return epoll_.get(); }
  bool stopped() const noexcept { return stopped_; }
  void stop() noexcept { stopped_ = true; }

private:
  struct Watched {
    std::uint32_t generation = 0;  // an event of a closed descriptor's successor is not its own
    std::shared_ptr<OnEvents> act;
  };
  struct Timer {
    TimerId id = 0;
    std::function<void()> act;
  };

  int timeout_ms() const;
  void step(int timeout_ms);
  void run_timers();

  Clock clock_;
  Fd epoll_;
  std::map<int, Watched> watched_;
  std::multimap<config::Duration, Timer> timers_;
  std::uint32_t generations_ = 0;
  TimerId timer_ids_ = 0;
  bool stopped_ = false;
};

}  // namespace campipe::watch::process
