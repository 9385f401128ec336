#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace campipe::cli {

/// The name of an option's value without the words that it may be: "CODEC" of CLI11's "CODEC:{mjpeg,h264}"; a flag has
/// "".
std::string value_name(const CLI::Option& option);

/// Those words: what CLI::IsMember allows, or what the table names as "CODEC:{mjpeg,h264}".
std::vector<std::string> value_words(const CLI::Option& option);

/// Width of --help on stdout: 80 columns where it is no terminal or does not tell, else the terminal's, at least 40.
std::size_t help_width() noexcept;

/// How all tools show their options: under a heading for each group, Messages and General last; texts wrapped at words
/// with a hanging indent.
class HelpFormatter : public CLI::Formatter {
public:
  /// @param examples  A line each, "  COMMAND" or "  COMMAND   EXPLANATION" (3 spaces or more between them). A
  ///                  subcommand's --help has those that name it.
  explicit HelpFormatter(std::string examples) : examples_(std::move(examples)) {}

  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;

private:
  std::string examples_;
};

}  // namespace campipe::cli
