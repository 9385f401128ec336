#include "base/error.hpp"

#include <cerrno>
#include <system_error>

namespace campipe {

std::string errno_text(int error) {
  return std::generic_category().message(error);
}

ExitCode exit_code_for_errno(int error) noexcept {
  switch (error) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
    case ENOTDIR:
    case EISDIR:
      return ExitCode::no_input;
    case EACCES:
    case EPERM:
      return ExitCode::permission;
    case EBUSY:
    case EAGAIN:
      return ExitCode::try_again;
    case ENOSPC:
    case EDQUOT:
    case EROFS:
    case EEXIST:
      return ExitCode::cannot_create;
    case EIO:
    case EPIPE:
      return ExitCode::io_error;
    default:
      return ExitCode::os_error;
  }
}

void throw_errno(int error, std::string_view what) {
  throw Error(exit_code_for_errno(error), std::string(what) + ": " + errno_text(error));
}

}  // namespace campipe
