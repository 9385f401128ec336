#include "watch/chain/restart_delays.hpp"

#include <algorithm>
#include <cmath>

namespace campipe::watch::chain {

RestartDelays::RestartDelays(const config::RestartPolicy& policy, std::function<std::uint32_t()> random)
    : policy_(policy), random_(std::move(random)) {}

config::Duration RestartDelays::after_failure(config::Duration lasted, bool worked) {
  if (worked || lasted >= policy_.stable) failures_ = 0;
  const double grown = static_cast<double>(policy_.first.count()) * std::pow(policy_.factor, std::min(failures_, 1000));
  const double full = std::min(grown, static_cast<double>(policy_.max.count()));
  failures_ = std::min(failures_ + 1, 1'000'000);
  const double part = policy_.jitter ? static_cast<double>(random_()) / 4294967295.0 : 1.0;
  return config::Duration(static_cast<std::int64_t>(full * part));
}

}  // namespace campipe::watch::chain
