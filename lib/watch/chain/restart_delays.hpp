#pragma once
#include <cstdint>
#include <functional>

#include "watch/config/config.hpp"

namespace campipe::watch::chain {

/// When a stage may start again: first, first x factor, … up to max, each a random part of it (full jitter, so that
/// many cameras behind one broken switch do not come back in step). Never gives up.
class RestartDelays {
public:
  /// @param random  Uniform 32 bits; a fake in tests.
  RestartDelays(const config::RestartPolicy& policy, std::function<std::uint32_t()> random);

  /// A run failed after `lasted`. `worked`: it passed frames, so its next failure is a new one, not the same again.
  /// Returns the delay before the next start.
  config::Duration after_failure(config::Duration lasted, bool worked);

  /// From the next failure on.
  void set_policy(const config::RestartPolicy& policy) { policy_ = policy; }

  int failures() const noexcept { return failures_; }  ///< in a row
  void reset() noexcept { failures_ = 0; }

private:
  config::RestartPolicy policy_;
  std::function<std::uint32_t()> random_;
  int failures_ = 0;
};

}  // namespace campipe::watch::chain
