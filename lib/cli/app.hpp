#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/units.hpp"
#include "cli/mistake.hpp"

namespace campipe::cli {

/// The options every tool has.
struct CommonOptions {
  bool quiet = false;
  bool verbose = false;
  bool check = false;  ///< --check: print the Plan (plan.hpp) instead of carrying it out; not shown in --help
  std::string log_format = "text";
  std::chrono::nanoseconds stats{0};
};

/// A CLI11 application with the name, one sentence, the examples at the end of --help (as HelpFormatter has them), and
/// the common options: --help, --version, --quiet, --verbose, --log-format text|json, --stats DURATION.
///
/// The option table is the one source of --help and of shell completion: the type name of an option (FILE, DIR,
/// ENDPOINT …) says how its value is completed, and one like "CODEC:{mjpeg,h264}" which words it may be.
class App {
public:
  App(std::string tool, std::string description, std::string examples);
  CLI::App& operator*() noexcept { return app_; }
  CLI::App* operator->() noexcept { return &app_; }

  /// The heading under which --help shows the options that are added from here on.
  void group(const std::string& heading) { app_.option_defaults()->group(heading); }

  /// A subcommand with its own --help, which takes the options of the tool, too.
  CLI::App* subcommand(const std::string& name, const std::string& what);

  /// For an option that the tool does not have and people try, with its dashes: what to do instead.
  void hint(std::string option, std::string remedy) { hints_.push_back({std::move(option), std::move(remedy)}); }

  /// Parses and sets the log up. Answers the exit code when the program shall end here: --help and --version 0 (on
  /// stdout); wrong usage throws Error(usage) with one line that names the remedy or --help. `--completion=bash`, zsh
  /// or fish as the only argument, which the build uses, prints that shell's completion.
  std::optional<int> parse(int argc, char** argv);
  const CommonOptions& common() const noexcept { return common_; }

  /// Options of the units that the command line has. Each fails with what was wrong and an example of what is right,
  /// a string that lives as long as the program.
  CLI::Option* duration(const std::string& name, std::chrono::nanoseconds& value, const std::string& help,
                        const char* example = "250ms, 10s or 5m");
  CLI::Option* bytes(const std::string& name, std::int64_t& value, const std::string& help,
                     const char* example = "4M, 512KiB or 20G");
  CLI::Option* frame_rate(const std::string& name, Rational& value, const std::string& help);
  CLI::Option* size(const std::string& name, Size& value, const std::string& help);
  CLI::Option* integer(const std::string& name, std::int64_t& value, std::int64_t min, std::int64_t max,
                       const std::string& help);

private:
  /// Prints what was asked for instead of running, and answers whether anything was.
  bool printed_completion(int argc, char** argv) const;

  std::string tool_;
  CLI::App app_;
  CommonOptions common_;
  std::vector<Hint> hints_;
};

}  // namespace campipe::cli
