#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/redact.hpp"
#include "watch/chain/stage.hpp"

/// What a stage looks like from outside.
namespace campipe::watch::chain {

flow::Sight Stage::sight(config::Duration now, bool is_source) const {
  using flow::Sight;
  if (phase_ != Phase::running) return Sight::unknown;
  if (!flow_->reports()) return now - flow_->started() >= config_.restart.stable ? Sight::flows : Sight::unknown;
  if (const auto& source = flow_->source(); source && source->lost()) return Sight::missing;
  switch (flow_->flow()) {
    case cli::Flow::flowing:
      return Sight::flows;
    case cli::Flow::idle:
      return Sight::rests;
    case cli::Flow::waiting:
    case cli::Flow::stalled:
      break;
  }
  // Its reader holds it up, or what feeds it has none: that one is looked at by itself.
  return is_source && !flow_->blocked() ? Sight::missing : Sight::rests;
}

flow::Loss::Event Stage::look_for_loss(config::Duration now, bool is_source, config::Duration lost_after) {
  const bool told = flow_ && flow_->source() && flow_->source()->lost();
  return loss_.look(sight(now, is_source), now, lost_after, is_source,
                    told ? std::optional(flow_->lost_at()) : std::nullopt);
}

std::string Stage::reason() const {
  if (flow_ && flow_->source() && flow_->source()->lost() && !flow_->source()->reason.empty())
    return flow_->source()->reason;
  return last_line_;
}

control::StageStatus Stage::status(config::Duration now) const {
  static constexpr std::array<const char*, 5> kPhases{"stopped", "running", "ending", "restarting", "done"};
  control::StageStatus status;
  status.name = config_.name;
  status.state = kPhases[static_cast<std::size_t>(phase_)];
  status.pid = pid_;
  status.required = config_.required;
  status.from = config_.from;
  status.restarts = restarts_;
  status.last_exit = last_exit_;
  status.last_words = last_words_;
  status.lost = loss_.lost();
  if (status.lost) status.lost_for_s = std::chrono::duration<double>(now - loss_.since()).count();
  if (phase_ == Phase::waiting)
    status.starts_in_s = std::chrono::duration<double>(std::max(config::Duration(0), due_ - now)).count();
  status.failing = failing();
  status.command = redact_url(fmt::format("{}", fmt::join(config_.cmd, " ")));
  if (alive() && flow_) {
    status.ready = flow_->ready();
    status.up_s = std::chrono::duration<double>(now - flow_->started()).count();
    if (flow_->reports()) tell_flow(status, now);
  }
  return status;
}

/// In its own words, but for what it cannot see: that it is held up by its reader, or that waiting has become a loss.
void Stage::tell_flow(control::StageStatus& status, config::Duration now) const {
  status.tells = true;
  status.blocked = flow_->blocked();
  if (phase_ == Phase::running) {
    const bool is_stalled = flow_->flow() == cli::Flow::stalled;
    status.state = status.lost ? "lost" : (is_stalled && status.blocked ? "blocked" : cli::name(flow_->flow()));
    const bool well = flow_->flow() == cli::Flow::flowing || flow_->flow() == cli::Flow::idle;
    if (!well || status.lost) status.reason = reason();
  }
  status.fps_in = flow_->fps_in();
  status.fps_out = flow_->fps_out();
  status.frames_in = flow_->frames_in();
  status.frames_out = flow_->frames_out();
  if (const auto age = flow_->frame_age(now)) status.last_frame_age_s = std::chrono::duration<double>(*age).count();
}

}  // namespace campipe::watch::chain
