#include "cli/run.hpp"

#include <csignal>
#include <exception>
#include <new>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/standard_fds.hpp"

namespace campipe::cli {

namespace {

/// Shells show nothing for a filter that SIGPIPE ended, and `set -o pipefail` scripts know 141.
int end_by_sigpipe() {
  log::status("");
  std::signal(SIGPIPE, SIG_DFL);
  std::raise(SIGPIPE);
  return static_cast<int>(ExitCode::io_error);
}

int report(ExitCode code, const char* message) {
  log::status("");
  log::error("{}", message);
  return static_cast<int>(code);
}

}  // namespace

int run(const std::string& tool, const std::function<int()>& body) {
  fill_standard_descriptors();
  log::init({.tool = tool});
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file-size limit is an error of write(2)
  try {
    const int code = body();
    log::status("");
    return code;
  } catch (const OutputClosed&) {
    return end_by_sigpipe();
  } catch (const Error& error) {
    return report(error.code(), error.what());
  } catch (const std::bad_alloc&) {
    return report(ExitCode::os_error, "out of memory");
  } catch (const std::exception& error) {
    return report(ExitCode::internal, error.what());
  } catch (...) {
    return report(ExitCode::internal, "an exception of unknown type");
  }
}

}  // namespace campipe::cli
