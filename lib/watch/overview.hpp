#pragma once
#include <string>

#include "watch/config/config.hpp"

namespace campipe::watch {

/// Finds every program in the $PATH it will be looked for in. Throws config::ConfigError with the place of the first
/// that is not there; for a pipeline from the command line Error(unavailable).
void check_programs(const config::Config& config);

/// Warns of passwords in command lines: every user of the machine can read those (ps).
void warn_of_passwords(const config::Config& config);

/// The chains as trees, a stage below each that feeds it.
std::string tree_of(const config::Config& config);

}  // namespace campipe::watch
