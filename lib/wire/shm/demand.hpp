#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/fd.hpp"
#include "wire/stream/writer.hpp"

namespace campipe::wire::shm {

/// What the readers of a tool's outputs wish: frames at all (--on-demand), a keyframe now. Of a pipe nobody knows: it
/// always wants frames and never a keyframe. A thread of its own for each ring.
class Demand {
public:
  struct Options {
    bool on_demand = false;                                    ///< false: frames are always wanted
    std::chrono::nanoseconds linger{std::chrono::seconds(5)};  ///< how long after the last wish they still are
  };

  /// @param on_change  Called with what wanted() has become, in a thread of this; must not wait.
  explicit Demand(Options options, std::function<void(bool)> on_change = {});
  ~Demand();
  Demand(const Demand&) = delete;
  Demand& operator=(const Demand&) = delete;

  /// One of the outputs; borrowed. Before start().
  void add(stream::Writer& writer);
  void start();

  // Any thread.

  /// Whether frames are wanted. True from the start until the linger is over.
  bool wanted() const noexcept { return wanted_.load(std::memory_order_acquire); }
  /// Readable while frames are wanted.
  int fd() const noexcept { return wake_.get(); }
  /// Whether a reader asked for a keyframe; true at most every 0.4 s, however many ask.
  bool take_keyframe_wish() noexcept;

private:
  struct Ring;

  void watch(Ring& ring);
  void judge();

  Options options_;
  std::function<void(bool)> on_change_;
  Fd wake_;
  bool pipe_ = false;
  std::vector<std::unique_ptr<Ring>> rings_;
  std::mutex mutex_;  // over the three below
  std::int64_t wanted_until_ns_ = 0;
  std::atomic<bool> wanted_ = true;
  std::atomic<bool> quit_ = false;
  std::atomic<bool> keyframe_ = false;
  std::atomic<std::int64_t> keyframe_ns_ = 0;  // when one was last granted
};

}  // namespace campipe::wire::shm
