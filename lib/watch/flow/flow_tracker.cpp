#include "watch/flow/flow_tracker.hpp"

#include <algorithm>

namespace campipe::watch::flow {

void FlowTracker::restart_ages(config::Duration now) noexcept {
  judged_since_ = report_at_ = heartbeat_at_ = in_at_ = out_at_ = free_since_ = now;
}

void FlowTracker::apply(const Report& report, config::Duration now) noexcept {
  ready_ = ready_ || report.ready;
  if (report.heartbeat) beats_ = true, heartbeat_at_ = now;
  if (!report.flow) return;
  reports_ = true;
  report_at_ = now;
  flow_ = *report.flow;
  count(report, now);
  if (report.last_us) last_us_ = *report.last_us;
  const bool was_blocked = blocked_;
  blocked_ = report.blocked.value_or(false);
  if (blocked_ || was_blocked) free_since_ = now;
}

void FlowTracker::count(const Report& report, config::Duration now) noexcept {
  const std::uint64_t in = report.frames_in.value_or(in_);
  const std::uint64_t out = report.frames_out.value_or(out_);
  if (in > in_) had_in_ = true, in_at_ = now;
  if (out > out_) had_out_ = true, out_at_ = now;
  in_ = in, out_ = out;
  const std::uint64_t counted = std::max(in, out);
  const auto seconds = std::chrono::duration<double>(now - counted_at_).count();
  if (seconds < 0.05) return;  // two reports in one go: no rate to be had from them
  fps_ = counted >= counted_ ? static_cast<double>(counted - counted_) / seconds : 0;
  counted_ = counted, counted_at_ = now;
}

std::optional<config::Duration> FlowTracker::last_frame() const noexcept {
  if (last_us_ <= 0) return std::nullopt;
  return std::chrono::microseconds(last_us_);
}

void FlowTracker::fill(StageView& view, config::Duration now) const noexcept {
  view.up = now - judged_since_;
  view.beats = beats_;
  view.heartbeat_age = now - heartbeat_at_;
  view.reports = reports_;
  view.report_age = now - report_at_;
  view.flow = flow_;
  view.blocked = blocked_;
  view.free_for = now - free_since_;
  view.had_in = had_in_, view.had_out = had_out_;
  view.in_age = now - in_at_, view.out_age = now - out_at_;
}

}  // namespace campipe::watch::flow
