#pragma once
#include <map>
#include <string>
#include <vector>

#include "watch/check/finding.hpp"
#include "watch/config/config.hpp"

namespace campipe::watch::check {

/// Where a stage's program is looked for: its own PATH, else the inherited one.
std::string search_path(const config::StageConfig& stage, const std::map<std::string, std::string>& inherited);

/// Why `program` cannot be started: it is not there, may not be run, is a folder, a script without an interpreter or
/// with one that is missing. Empty when it can.
std::string why_not_runnable(const std::string& program, const std::string& path);

/// What is wrong with the programs of stages and hooks.
std::vector<Finding> examine_programs(const config::Config& config);

/// Throws config::ConfigError for the first of them; for a pipeline from the command line Error(unavailable).
void require_programs(const config::Config& config);

}  // namespace campipe::watch::check
