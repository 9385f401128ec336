#pragma once
#include <string>

#include "watch/config/config.hpp"

namespace campipe::watch {

/// Warns of passwords in command lines: every user of the machine can read those (ps).
void warn_of_passwords(const config::Config& config);

/// The chains as trees, a stage below each that feeds it.
std::string tree_of(const config::Config& config);

}  // namespace campipe::watch
