#pragma once
#include "cli/app.hpp"
#include "options.hpp"

/// The commands that need no running camwatch. Each answers the exit code.
namespace campipe {

int run(const WatchOptions& options, const cli::CommonOptions& common);
int check(const WatchOptions& options);

/// Prints what is wrong with a configuration that could be read, a line each; answers whether anything is, warnings
/// aside.
bool find_faults(const watch::config::Config& config);

}  // namespace campipe
