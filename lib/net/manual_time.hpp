#pragma once
#include <chrono>
#include <cstdint>
#include <vector>

namespace campipe::net {

class Loop;
class Timer;

/// The time of a loop under test. It stands still until Loop::advance() moves it; timers fire by it alone.
class ManualTime {
public:
  std::int64_t now_ns() const noexcept { return now_ns_; }
  void start(Loop& loop, Timer& timer, std::int64_t after_ms, std::int64_t repeat_ms);
  void stop(const Timer& timer) noexcept;
  /// Goes from one timer that is due within `by` to the next, and turns the loop at each of them.
  void advance(Loop& loop, std::chrono::nanoseconds by);

private:
  struct Pending {
    std::int64_t due_ns, repeat_ns;
    std::uint64_t order;  // of those that are due at once, which was started first
    Timer* timer;
  };
  void fire_due();
  void add(Timer& timer, std::int64_t after_ns, std::int64_t repeat_ns);
  std::vector<Pending>::iterator first() noexcept;

  std::int64_t now_ns_ = 1'000'000'000'000'000;  // not 0: there is a time before it
  std::uint64_t started_ = 0;
  std::vector<Pending> pending_;
};

}  // namespace campipe::net
