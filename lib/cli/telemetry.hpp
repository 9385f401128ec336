#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "base/source_status.hpp"
#include "cli/notify.hpp"

namespace campipe::cli {

/// What a tool tells about its flow (X_CAMPIPE_STATE).
enum class Flow {
  waiting,  ///< for a device, a peer or the first frame: not a fault of this process
  flowing,
  idle,     ///< does nothing on purpose (nobody wants frames)
  stalled,  ///< frames came and stopped, for over 2 s
};

/// Counts a tool's frames and tells them: once a second to $NOTIFY_SOCKET, on a terminal's status line, and every
/// --stats interval as a log line. The counting calls cost an atomic add and may come from any thread.
///
/// To the notify socket: READY=1 from ready(); each second
/// "X_CAMPIPE_STATE=…\nX_CAMPIPE_FRAMES_IN=…\nX_CAMPIPE_FRAMES_OUT=…\nX_CAMPIPE_LAST_US=…\nX_CAMPIPE_BLOCKED=0|1", with
/// LAST_US the CLOCK_MONOTONIC µs of the newest frame; what set_source() was told as
/// "X_CAMPIPE_SOURCE=running|resting|lost\nX_CAMPIPE_SOURCE_SINCE_MS=…\nX_CAMPIPE_SOURCE_REASON=…" (Unix time; the
/// reason of a lost one only); WATCHDOG=1 with it while alive() was called within the last 2 s or a write is blocked by
/// the reader behind us. The state is derived: flowing while frames come, stalled when none came for 2 s after one had,
/// waiting before the first or while set_waiting(true).
class Telemetry {
public:
  struct Options {
    std::chrono::nanoseconds stats_interval{0};  ///< --stats; 0 = no log lines
  };

  explicit Telemetry(Options options);
  ~Telemetry();
  Telemetry(const Telemetry&) = delete;
  Telemetry& operator=(const Telemetry&) = delete;

  void frame_in(std::uint64_t bytes) noexcept;
  void frame_out(std::uint64_t bytes) noexcept;
  void drop(std::uint64_t frames = 1) noexcept { dropped_.fetch_add(frames, std::memory_order_relaxed); }
  /// Latency from capture to the moment a frame leaves; the stats show the newest.
  void latency(std::int64_t ns) noexcept { latency_ns_.store(ns, std::memory_order_relaxed); }

  void alive() noexcept;  ///< the main loop turns
  /// What the source behind this tool does: lost is told as waiting with its reason, resting as idle. Any thread.
  void set_source(const SourceStatus& status);
  void set_waiting(bool waiting) noexcept { waiting_.store(waiting, std::memory_order_relaxed); }
  void set_idle(bool idle) noexcept { idle_.store(idle, std::memory_order_relaxed); }
  /// Around a write that may block; nests over threads.
  void blocked(bool now) noexcept { blocked_.fetch_add(now ? 1 : -1, std::memory_order_relaxed); }

  /// Set up: sends READY=1 once.
  void ready();

  /// Words a tool adds to the stats line, called in the telemetry thread ("3 clients"). Set before ready().
  void set_extra(std::function<std::string()> extra);

  std::uint64_t frames_in() const noexcept { return frames_in_.load(std::memory_order_relaxed); }
  std::uint64_t frames_out() const noexcept { return frames_out_.load(std::memory_order_relaxed); }
  std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }
  Flow flow() const noexcept;

private:
  struct Sample {
    std::int64_t at_ns = 0;
    std::uint64_t frames = 0;
    std::uint64_t bytes = 0;
  };

  void run();
  void tell() const;
  std::string source_fields() const;
  std::string line(Sample& since);
  std::uint64_t counted() const noexcept;

  Options options_;
  Notifier notifier_;
  std::function<std::string()> extra_;
  std::atomic<std::uint64_t> frames_in_ = 0, frames_out_ = 0, bytes_in_ = 0, bytes_out_ = 0, dropped_ = 0;
  std::atomic<std::int64_t> last_ns_ = 0, alive_ns_ = 0, latency_ns_ = -1;
  std::atomic<bool> waiting_ = false, idle_ = false;
  std::atomic<int> blocked_ = 0;
  std::mutex mutex_;  // over what follows
  SourceStatus source_;
  std::condition_variable wake_;
  bool quit_ = false, ready_ = false;
  std::thread thread_;
};

const char* name(Flow flow) noexcept;

}  // namespace campipe::cli
