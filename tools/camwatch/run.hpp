#pragma once
#include "cli/app.hpp"
#include "options.hpp"

/// The commands that need no running camwatch. Each answers the exit code.
namespace campipe {

int run(const WatchOptions& options, const cli::CommonOptions& common);
int check(const WatchOptions& options);

}  // namespace campipe
