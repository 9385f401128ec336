#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "base/units.hpp"

namespace campipe::cli {

/// The options every tool has.
struct CommonOptions {
  bool quiet = false;
  bool verbose = false;
  std::string log_format = "text";
  std::chrono::nanoseconds stats{0};
};

/// A CLI11 application with the name, one sentence, the examples at the end of --help, and the common options:
/// --help, --version, --quiet, --verbose, --log-format text|json, --stats DURATION.
class App {
public:
  App(std::string tool, std::string description, std::string examples);
  CLI::App& operator*() noexcept { return app_; }
  CLI::App* operator->() noexcept { return &app_; }

  /// Parses and sets the log up. Answers the exit code when the program shall end here: --help and --version 0 (on
  /// stdout); wrong usage throws Error(usage) with one line that names --help.
  std::optional<int> parse(int argc, char** argv);
  const CommonOptions& common() const noexcept { return common_; }

  /// Options of the units that the command line has. Each fails with what was wrong and an example of what is right.
  CLI::Option* duration(const std::string& name, std::chrono::nanoseconds& value, const std::string& help);
  CLI::Option* bytes(const std::string& name, std::int64_t& value, const std::string& help);
  CLI::Option* frame_rate(const std::string& name, Rational& value, const std::string& help);
  CLI::Option* size(const std::string& name, Size& value, const std::string& help);
  CLI::Option* integer(const std::string& name, std::int64_t& value, std::int64_t min, std::int64_t max,
                       const std::string& help);

private:
  std::string tool_;
  CLI::App app_;
  CommonOptions common_;
};

}  // namespace campipe::cli
