#pragma once
#include <stdexcept>
#include <string>
#include <string_view>

namespace campipe {

/// Exit codes of all tools, after sysexits(3). Each manual page lists those its tool uses.
enum class ExitCode : int {
  ok = 0,
  usage = 64,        ///< wrong options
  bad_data = 65,     ///< input that is not what it should be
  no_input = 66,     ///< no such file or device
  unavailable = 69,  ///< a peer, an encoder or a program that is not there
  internal = 70,     ///< a bug of ours
  os_error = 71,     ///< a system call failed (no memory, no processes)
  cannot_create = 73,
  io_error = 74,
  try_again = 75,  ///< busy: the same call may work later
  protocol = 76,   ///< a peer that breaks its protocol
  permission = 77,
  config = 78,  ///< wrong configuration file
};

/// A failure one cannot go on from: one line for the user (lower case, what was tried on what, the remedy) and the
/// exit code. cli::run prints it and ends the program.
class Error : public std::runtime_error {
public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const noexcept { return code_; }

private:
  ExitCode code_;
};

/// The reader of an output is gone (EPIPE). A filter ends quietly on it, as if by SIGPIPE; who has other outputs goes
/// on.
class OutputClosed : public Error {
public:
  explicit OutputClosed(const std::string& output) : Error(ExitCode::io_error, output + ": its reader is gone") {}
};

/// Text of an errno value, as strerror(3) but thread-safe.
std::string errno_text(int error);

/// The exit code that fits an errno value of open(2) and its like: ENOENT 66, EACCES and EPERM 77, EBUSY 75,
/// ENOSPC, EDQUOT and EROFS 73, EIO 74, others 71.
ExitCode exit_code_for_errno(int error) noexcept;

/// Throws Error "WHAT: strerror" with exit_code_for_errno(error).
[[noreturn]] void throw_errno(int error, std::string_view what);

}  // namespace campipe
