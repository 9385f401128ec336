#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace campipe::cli {

/// What a tool would open with the command line that it was given. `TOOL --check ARGS…` prints this instead of doing
/// it, once the options are known to be right, and exits with 0; `camwatch check` reads it.
struct Plan {
  std::vector<std::string> inputs;   ///< endpoints to read: "-", "fd:N", PATH, "shm:NAME"
  std::vector<std::string> outputs;  ///< endpoints to write
  std::vector<std::string> folders;  ///< to write files into; made when only the folder above is there
  std::vector<std::string> listens;  ///< "ADDR:PORT", as written
  bool waits = false;                ///< an input that is not there yet is waited for

  bool operator==(const Plan&) const = default;
};

/// One line for each item: "input VALUE", "output VALUE" …, with backslash and line feed in VALUE as \\ and \n.
std::string to_text(const Plan& plan);

/// Nothing when it is not what to_text() makes.
std::optional<Plan> parse_plan(std::string_view text);

/// Prints it on stdout and returns the exit code 0. Throws Error(io_error).
int print(const Plan& plan);

}  // namespace campipe::cli
