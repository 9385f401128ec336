#pragma once
#include <functional>
#include <map>
#include <string>

#include "watch/config/config.hpp"
#include "watch/hooks/runner.hpp"
#include "watch/process/loop.hpp"
#include "watch/process/processes.hpp"

namespace campipe::watch::chain {

/// What the supervisor lends its chains.
struct Host {
  process::Loop& loop;  ///< its clock is everybody's
  process::Processes& processes;
  std::map<std::string, std::string> environment;  ///< of every stage
  config::LogPolicy log;                           ///< dir is set
  bool echo = false;                               ///< stages' lines also go to our stderr
  bool single = false;  ///< one chain from the command line: lines are named after the stage alone
  config::Duration lost_after = std::chrono::seconds(10);  ///< config::Hooks
  std::function<void(const hooks::Happening&)> happened;
  std::function<void()> chain_done;  ///< every stage of a chain has ended for good
};

}  // namespace campipe::watch::chain
