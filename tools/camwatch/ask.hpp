#pragma once
#include "options.hpp"

/// The commands to a camwatch that runs, and its logs. Each answers the exit code.
namespace campipe {

int status(const WatchOptions& options);
int logs(const WatchOptions& options);
int reload(const WatchOptions& options);
int command(const WatchOptions& options, const char* name);  ///< start, restart, stop

}  // namespace campipe
