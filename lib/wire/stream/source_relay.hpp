#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/source_status.hpp"
#include "base/units.hpp"

namespace campipe::wire::stream {

/// What a filter tells those behind it about the source: what the writer before it says, and what it sees for itself
/// where that one says nothing or is gone. A lost source outranks a filter that rests. One thread, but for
/// set_wanted().
class SourceRelay {
public:
  struct Options {
    bool ring = false;       ///< the input is one, whose writer may come, go and rest
    std::string name;        ///< of the input, for reasons
    bool on_demand = false;  ///< the filter rests while nobody behind it wants frames
    /// After so long without a frame that should have come the source counts as lost; longer when the rate is low.
    std::chrono::nanoseconds silence{std::chrono::seconds(5)};
    std::function<std::int64_t()> clock;  ///< CLOCK_MONOTONIC, ns; empty: the system's
  };
  explicit SourceRelay(Options options);

  void told(const SourceStatus& status);  ///< ReadOptions::on_source
  void writer(bool there);                ///< ReadOptions::on_writer
  void frame();                           ///< a video packet came
  void rate(Rational rate);               ///< of the input; 0/1 = unknown
  /// Whether those behind want frames; any thread.
  void set_wanted(bool wanted) noexcept { wanted_.store(wanted, std::memory_order_relaxed); }

  /// What holds now. To be asked at least once a second while nothing comes.
  const SourceStatus& status();

private:
  bool silent() const;
  SourceStatus judge() const;

  Options options_;
  std::atomic<bool> wanted_ = true;
  SourceStatus upstream_, status_;
  std::optional<bool> writer_;
  std::int64_t frame_ns_;  // the newest, or the start
  std::int64_t interval_ns_ = 0;
  bool any_ = false;
};

}  // namespace campipe::wire::stream
