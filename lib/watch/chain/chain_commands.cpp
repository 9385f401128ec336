#include <fmt/format.h>

#include "base/error.hpp"
#include "watch/chain/chain.hpp"

/// A chain and its stages, by command.
namespace campipe::watch::chain {

void Chain::adopt(const config::ChainConfig& config) {
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    config::StageConfig& own = config_.stages[i];
    const config::StageConfig& other = config.stages[i];
    own.restart = other.restart, own.watchdog = other.watchdog, own.stop = other.stop, own.required = other.required;
    stage(i).policies_changed();
  }
}

void Chain::adopt_log() {
  log_.move_to(fmt::format("{}/{}.log", host_.log.dir, config_.name), {host_.log.max_size_bytes, host_.log.keep});
  for (auto& one : stages_) one->limit_lines(host_.log.lines_per_s);
}

void Chain::start_stage(std::size_t i) {
  refuse_while_stopping(i);
  if (state_ != State::running)
    throw Error(ExitCode::try_again, fmt::format("{} is stopped: start the chain", config_.name));
  if (stage(i).alive()) return;
  stage(i).forget_failures();
  wait_for_restart(i, config::Duration(0), false);
  schedule(unit_of_[i]);
}

/// A stage's stop goes on until its process has ended, and nothing can make that a restart.
void Chain::refuse_while_stopping(std::size_t i) const {
  if (!stage(i).alive()) return;
  if (state_ == State::stopping) throw Error(ExitCode::try_again, config_.name + " is stopping");
  if (!when_stage_stopped_[i].empty())
    throw Error(ExitCode::try_again, fmt::format("{}/{} is stopping", config_.name, stage(i).config().name));
}

void Chain::restart_stage(std::size_t i) {
  refuse_while_stopping(i);
  if (!stage(i).alive()) return start_stage(i);
  say(i, "restarted by command");
  stage(i).end(Intent::restart, stage(i).config().stop.term);
}

void Chain::stop_stage(std::size_t i, std::function<void()> then) {
  if (state_ != State::running || !stage(i).alive()) {
    if (state_ == State::running) stage(i).set_stopped(), drain_inputs_of(i);
    return then();
  }
  when_stage_stopped_[i].push_back(std::move(then));
  const config::StopPolicy& policy = stage(i).config().stop;
  stage(i).end(Intent::stop, policy.drain + policy.term);
}

}  // namespace campipe::watch::chain
