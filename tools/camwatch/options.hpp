#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "watch/config/config.hpp"

namespace campipe {

/// The command line of camwatch.
struct WatchOptions {
  std::string config;   ///< -c
  std::string control;  ///< --control
  std::string target;   ///< CHAIN[/STAGE]
  std::vector<std::string> pipeline;
  bool echo = false, json = false, follow = false;
  std::int64_t lines = 50;
};

watch::config::Config read_config(const WatchOptions& options);

/// --control, else the configuration's, else `otherwise`.
std::string control_socket(const WatchOptions& options, const watch::config::Config& config,
                           const std::string& otherwise);

/// The configuration's, else the default.
std::string log_dir(const watch::config::Config& config);

}  // namespace campipe
