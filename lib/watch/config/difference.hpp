#pragma once
#include <string>
#include <vector>

#include "watch/config/config.hpp"

namespace campipe::watch::config {

/// What a chain needs so that it becomes another version of itself.
enum class Change {
  none,
  policies,   ///< restart, watchdog, stop or required: valid from now on, its processes stay
  processes,  ///< commands, links, environment or limits: its processes must be started anew
};

/// Positions in the file are no difference, nor is the contents of an env_file, which is read at each start.
Change change_between(const ChainConfig& before, const ChainConfig& after);

/// What a reload changes: names of chains, in the order of the file.
struct Difference {
  std::vector<std::string> added, removed, restarted, adjusted, unchanged;
  std::vector<std::string> still_stopped;  ///< of those to restart, by whoever carries it out
  bool hooks = false, log = false;
  bool control = false;  ///< the control socket: only a new camwatch has the other one

  bool empty() const noexcept;
};

Difference difference(const Config& before, const Config& after);

}  // namespace campipe::watch::config
