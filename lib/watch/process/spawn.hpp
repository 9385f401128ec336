#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "watch/config/config.hpp"

namespace campipe::watch::process {

/// A program to start.
struct Command {
  std::vector<std::string> argv;  ///< argv[0] is looked for in $PATH of `env` unless it has a slash
  std::vector<std::string> env;   ///< NAME=VALUE, all of it
  /// {number in the child, descriptor here}, each number once and at most 1023; 0, 1 and 2 that are not here become
  /// /dev/null. All other descriptors are closed in the child.
  std::vector<std::pair<int, int>> fds;
  config::Limits limits;
};

/// Starts it as the leader of a session and process group of its own, with no signal blocked or ignored, and with
/// SIGKILL as its fate when the calling thread dies (PR_SET_PDEATHSIG). Call it from the main thread only. Returns
/// after the exec; throws Error when there is no such program (no_input), it may not be run (permission), or there are
/// no processes to be had (os_error). The caller reaps.
pid_t spawn(const Command& command);

/// The file that `program` means: itself when it has a slash, else found in `path` (as $PATH). Empty when there is none
/// that may be run.
std::string find_program(const std::string& program, const std::string& path);

/// `environ` as a map, without what is meant for this process alone (systemd's NOTIFY_SOCKET, LISTEN_FDS and the like).
std::map<std::string, std::string> inherited_environment();

}  // namespace campipe::watch::process
