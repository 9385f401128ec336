#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>

#include "watch/config/config.hpp"
#include "watch/flow/judge.hpp"
#include "watch/flow/report.hpp"

namespace campipe::watch::flow {

/// What one process has told since its start, as ages. All times are CLOCK_MONOTONIC and passed in.
class FlowTracker {
public:
  explicit FlowTracker(config::Duration started) noexcept : started_(started), counted_at_(started) {
    restart_ages(started);
  }

  void apply(const Report& report, config::Duration now);

  /// The watcher itself was held up: what it did not see in that time says nothing.
  void restart_ages(config::Duration now) noexcept;

  bool ready() const noexcept { return ready_; }
  bool reports() const noexcept { return reports_; }
  bool worked() const noexcept { return had_in_ || had_out_; }  ///< has passed a frame
  cli::Flow flow() const noexcept { return flow_; }
  std::uint64_t frames_in() const noexcept { return in_; }
  std::uint64_t frames_out() const noexcept { return out_; }
  bool blocked() const noexcept { return blocked_; }
  double fps() const noexcept { return std::max(fps_in_, fps_out_); }  ///< over the last second
  double fps_in() const noexcept { return fps_in_; }
  double fps_out() const noexcept { return fps_out_; }
  /// How old the newest frame is. Between two reports of a stage through which frames flow others have come: it was as
  /// old as that when the last report was made.
  std::optional<config::Duration> frame_age(config::Duration now) const noexcept;
  const std::optional<SourceStatus>& source() const noexcept { return source_; }
  /// When it first told that source() is lost, of this loss.
  config::Duration lost_at() const noexcept { return lost_at_; }
  config::Duration started() const noexcept { return started_; }

  /// Fills the part of `view` that comes from the process's reports.
  void fill(StageView& view, config::Duration now) const noexcept;

private:
  void count(const Report& report, config::Duration now) noexcept;

  config::Duration started_{0}, judged_since_{0}, report_at_{0}, heartbeat_at_{0}, in_at_{0}, out_at_{0},
      free_since_{0};
  bool ready_ = false, reports_ = false, beats_ = false, had_in_ = false, had_out_ = false, blocked_ = false;
  cli::Flow flow_ = cli::Flow::waiting;
  std::uint64_t in_ = 0, out_ = 0, counted_in_ = 0, counted_out_ = 0;
  config::Duration counted_at_;
  std::int64_t last_us_ = 0;
  config::Duration told_at_{0};
  double fps_in_ = 0, fps_out_ = 0;
  std::optional<SourceStatus> source_;
  config::Duration lost_at_{0};
};

}  // namespace campipe::watch::flow
