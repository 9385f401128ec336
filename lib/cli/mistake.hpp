#pragma once
#include <span>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace campipe::cli {

/// What to do instead of an option that people try and that a tool does not have.
struct Hint {
  std::string word;    ///< "--port"
  std::string remedy;  ///< "use --http :PORT"
};

/// One line for a command line that CLI11 did not take: what is wrong and the remedy, which is the option or command
/// that was probably meant, the words that there are, or --help. Passwords in URLs are hidden, long words cut.
std::string explain(const CLI::App& app, const CLI::ParseError& error, std::span<const Hint> hints);

/// Words like "7 days" or "20 GB", which the shell makes two arguments of: the second would be taken for a file or
/// folder and the first for seconds or bytes. One line that says so; empty when there are none.
std::string split_quantity(const CLI::App& app, std::span<const std::string> arguments);

/// The commands of a tool, a line each.
std::string command_list(const CLI::App& app);

}  // namespace campipe::cli
