#include <algorithm>

#include "watch/chain/chain.hpp"

/// The ordered end of a chain.
namespace campipe::watch::chain {

using Phase = Stage::Phase;

void Chain::stop(std::function<void()> then) {
  if (state_ != State::running && state_ != State::stopping) return then();
  stop_for(AfterStop::stay, std::move(then));
}

void Chain::restart(std::function<void()> then) {
  if (state_ == State::running || state_ == State::stopping) return stop_for(AfterStop::start, std::move(then));
  start();
  then();
}

void Chain::stop_for(AfterStop wish, std::function<void()> then) {
  after_stop_ = wish;
  when_stopped_.push_back(std::move(then));
  if (state_ == State::stopping) return;
  state_ = State::stopping;
  for (auto& timer : unit_timers_) host_.loop.cancel(timer);
  // From here on each stage sees its neighbours themselves: the end of its input when the one before it has gone.
  close_links();
  asked_.assign(stages_.size(), false);
  for (auto& one : stages_) {
    if (!one->alive() && one->phase() != Phase::done) one->set_stopped();
  }
  continue_stop();
}

void Chain::continue_stop() {
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    if (stage(i).alive() && !asked_[i]) ask_to_end(i);
  }
  if (!any_alive()) all_stopped();
}

void Chain::all_stopped() {
  state_ = State::stopped;
  for (auto& timer : drain_timers_) host_.loop.cancel(timer);
  for (auto& waiting : when_stage_stopped_) {
    for (const auto& then : std::exchange(waiting, {})) then();
  }
  const auto waiting = std::exchange(when_stopped_, {});
  if (std::exchange(after_stop_, AfterStop::stay) == AfterStop::start) start();
  for (const auto& then : waiting) then();
}

/// A source is told to end; the others end by themselves when their input has ended, or are told after a while. Who
/// reads a ring has an input that does not end.
void Chain::ask_to_end(std::size_t i) {
  const config::StopPolicy& policy = stage(i).config().stop;
  const auto producers = producers_of(i);
  const bool together = policy.order == config::StopPolicy::Order::together;
  if (!together && std::ranges::any_of(producers, [&](std::size_t p) { return stage(p).alive(); })) return;
  asked_[i] = true;
  if (together || producers.empty() || wiring_.stages[i].reads_rings)
    return stage(i).end(Intent::stop, policy.drain + policy.term);
  drain_timers_[i] = host_.loop.after(policy.drain, [this, i] {
    drain_timers_[i] = 0;
    stage(i).end(Intent::stop, stage(i).config().stop.term);
  });
}

void Chain::kill_all() noexcept {
  for (auto& one : stages_) one->kill();
}

}  // namespace campipe::watch::chain
