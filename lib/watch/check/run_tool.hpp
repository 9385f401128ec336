#pragma once
#include <functional>
#include <string>

#include "watch/process/spawn.hpp"

namespace campipe::watch::check {

/// How a program has ended that was asked something.
struct Answer {
  int code = 0;  ///< of exit(2), or 128 + signal
  bool in_time = true;
  std::string out, err;  ///< at most 64 KiB of each
};

using RunTool = std::function<Answer(const process::Command& command)>;

/// Runs it to its end, for at most 10 s, with /dev/null as its input; `fds` of the command is not looked at. For the
/// main thread. Throws Error as spawn().
Answer run_tool(const process::Command& command);

}  // namespace campipe::watch::check
