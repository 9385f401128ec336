#include "watch/flow/flow_tracker.hpp"

#include <algorithm>

namespace campipe::watch::flow {

void FlowTracker::restart_ages(config::Duration now) noexcept {
  judged_since_ = report_at_ = heartbeat_at_ = in_at_ = out_at_ = free_since_ = now;
}

void FlowTracker::apply(const Report& report, config::Duration now) {
  ready_ = ready_ || report.ready;
  if (report.heartbeat) beats_ = true, heartbeat_at_ = now;
  if (!report.flow) return;
  reports_ = true;
  report_at_ = told_at_ = now;
  if (report.source && report.source->lost() && !(source_ && source_->lost())) lost_at_ = now;
  source_ = report.source;
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
  const auto seconds = std::chrono::duration<double>(now - counted_at_).count();
  if (seconds < 0.05) return;  // two reports in one go: no rate to be had from them
  const auto rate = [&](std::uint64_t count, std::uint64_t before) {
    return count >= before ? static_cast<double>(count - before) / seconds : 0;
  };
  fps_in_ = rate(in, counted_in_), fps_out_ = rate(out, counted_out_);
  counted_in_ = in, counted_out_ = out, counted_at_ = now;
}

std::optional<config::Duration> FlowTracker::frame_age(config::Duration now) const noexcept {
  constexpr config::Duration kFresh = std::chrono::milliseconds(2500);
  if (last_us_ <= 0) return std::nullopt;
  const bool flows = flow_ == cli::Flow::flowing && now - told_at_ <= kFresh;
  return std::max(config::Duration(0), (flows ? told_at_ : now) - std::chrono::microseconds(last_us_));
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
