#include "watch/config/difference.hpp"

#include <algorithm>

namespace campipe::watch::config {

namespace {

bool same_processes(const StageConfig& a, const StageConfig& b) {
  // A process is told of its heartbeat when it starts.
  return a.name == b.name && a.cmd == b.cmd && a.from == b.from && a.link == b.link && a.env == b.env &&
         a.env_file == b.env_file && a.limits == b.limits && a.watchdog.heartbeat == b.watchdog.heartbeat;
}

bool same_policies(const StageConfig& a, const StageConfig& b) {
  return a.restart == b.restart && a.watchdog == b.watchdog && a.stop == b.stop && a.required == b.required;
}

const ChainConfig* find(const Config& config, const std::string& name) {
  const auto found = std::ranges::find(config.chains, name, &ChainConfig::name);
  return found == config.chains.end() ? nullptr : &*found;
}

}  // namespace

Change change_between(const ChainConfig& before, const ChainConfig& after) {
  if (!std::ranges::equal(before.stages, after.stages, same_processes)) return Change::processes;
  return std::ranges::equal(before.stages, after.stages, same_policies) ? Change::none : Change::policies;
}

bool Difference::empty() const noexcept {
  return added.empty() && removed.empty() && restarted.empty() && adjusted.empty() && !hooks && !log && !control;
}

Difference difference(const Config& before, const Config& after) {
  Difference found;
  for (const ChainConfig& chain : before.chains) {
    if (find(after, chain.name) == nullptr) found.removed.push_back(chain.name);
  }
  for (const ChainConfig& chain : after.chains) {
    const ChainConfig* const old = find(before, chain.name);
    if (old == nullptr) {
      found.added.push_back(chain.name);
      continue;
    }
    const Change change = change_between(*old, chain);
    auto& names = change == Change::none       ? found.unchanged
                  : change == Change::policies ? found.adjusted
                                               : found.restarted;
    names.push_back(chain.name);
  }
  found.hooks = before.hooks != after.hooks;
  found.log = before.log != after.log;
  found.control = before.control_socket != after.control_socket;
  return found;
}

}  // namespace campipe::watch::config
