#pragma once
#include <functional>
#include <string>

namespace campipe::cli {

/// Runs a tool's body: closed standard descriptors are filled (base/standard_fds.hpp), SIGPIPE and SIGXFSZ are ignored,
/// what is thrown becomes one line on stderr and the exit code (Error: its own; OutputClosed: quiet, ends as if by
/// SIGPIPE; std::bad_alloc 71; anything else 70).
int run(const std::string& tool, const std::function<int()>& body);

}  // namespace campipe::cli
