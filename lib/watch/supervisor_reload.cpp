#include <algorithm>

#include <fmt/format.h>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "watch/control/changes.hpp"
#include "watch/supervisor.hpp"

/// Another configuration while camwatch runs. All that can fail comes first, so that a file that cannot be used changes
/// nothing. Then what leaves is stopped, and when its last process has ended, what comes is started: a chain under a
/// new name finds its ports and rings free.
namespace campipe::watch {

namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

void Supervisor::reload(const control::Server::Reply& reply) {
  if (!options_.load) throw Error(ExitCode::no_input, "there is no file to reload: camwatch runs a pipeline");
  if (reload_) throw Error(ExitCode::try_again, "a reload is still going on");
  auto job = std::make_unique<Reload>();
  job->next = options_.load();
  job->what = config::difference(config_, job->next);
  job->reply = reply;
  make_incoming(*job);
  reload_ = std::move(job);
  if (ready_) notifier_.send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_ns() / 1000));
  hooks_.set(reload_->next.hooks);
  host_.lost_after = reload_->next.hooks.lost_after;
  apply_to_those_that_stay(*reload_);
  stop_those_that_leave();
}

void Supervisor::reload_by_signal() {
  try {
    if (!stopping_) reload([](const std::string&) {});
  } catch (const Error& error) {
    campipe::log::error("{}: nothing was changed", error.what());
  }
}

/// New chains open their logs and sockets here. Throws Error, and then nothing has changed.
void Supervisor::make_incoming(Reload& reload) {
  const config::LogPolicy before = std::exchange(host_.log, reload.next.log);
  try {
    for (const config::ChainConfig& chain : reload.next.chains) {
      if (contains(reload.what.added, chain.name) || contains(reload.what.restarted, chain.name))
        reload.incoming.push_back(std::make_unique<chain::Chain>(chain, reload.next.file, host_));
    }
  } catch (...) {
    host_.log = before;
    throw;
  }
}

void Supervisor::apply_to_those_that_stay(const Reload& reload) {
  for (auto& chain : chains_) {
    const auto next = std::ranges::find(reload.next.chains, chain->name(), &config::ChainConfig::name);
    if (next == reload.next.chains.end() || leaves(*chain)) continue;
    chain->adopt(*next);
    try {
      chain->adopt_log();
    } catch (const Error& error) {
      campipe::log::warning("{}: {}: its log stays where it was", chain->name(), error.what());
    }
  }
}

bool Supervisor::leaves(const chain::Chain& chain) const {
  return reload_ && (contains(reload_->what.removed, chain.name()) || contains(reload_->what.restarted, chain.name()));
}

void Supervisor::refuse_while_it_leaves(const chain::Chain& chain) const {
  if (leaves(chain)) throw Error(ExitCode::try_again, chain.name() + " is being reloaded");
}

void Supervisor::stop_those_that_leave() {
  for (auto& chain : chains_) {
    if (!leaves(*chain)) continue;
    if (chain->state() == chain::Chain::State::stopped) reload_->stay_stopped.insert(chain->name());
    // Not from within the chain, which will be deleted.
    chain->stop([this] {
      loop_.cancel(reload_timer_);
      reload_timer_ = loop_.after(config::Duration(0), [this] { continue_reload(); });
    });
  }
  continue_reload();
}

void Supervisor::continue_reload() {
  if (!reload_ || stopping_) return;
  if (std::ranges::any_of(chains_, [&](auto& chain) { return leaves(*chain) && chain->any_alive(); })) return;
  finish_reload();
  tell_state();
}

void Supervisor::finish_reload() {
  std::erase_if(chains_, [&](auto& chain) { return leaves(*chain); });
  const std::unique_ptr<Reload> job = std::move(reload_);
  config_ = std::move(job->next);
  std::vector<chain::Chain*> fresh;
  for (auto& chain : job->incoming) {
    if (job->stay_stopped.contains(chain->name())) {
      std::erase(job->what.restarted, chain->name());
      job->what.still_stopped.push_back(chain->name());
    } else {
      fresh.push_back(chain.get());
    }
    chains_.push_back(std::move(chain));
  }
  std::ranges::sort(chains_, {}, [&](const auto& chain) {
    return std::ranges::find(config_.chains, chain->name(), &config::ChainConfig::name) - config_.chains.begin();
  });
  for (chain::Chain* const chain : fresh) chain->start();
  if (ready_) notifier_.send("READY=1");
  campipe::log::info("{}: reloaded: {}", config_.file, control::one_line(job->what));
  job->reply(control::to_json(job->what, config_.file));
}

/// camwatch is told to stop meanwhile.
void Supervisor::abandon_reload() {
  if (!reload_) return;
  const std::unique_ptr<Reload> job = std::move(reload_);
  job->reply(control::failure(ExitCode::try_again, "camwatch was stopped before the reload was done"));
}

}  // namespace campipe::watch
