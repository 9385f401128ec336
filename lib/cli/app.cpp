#include "cli/app.hpp"

#include <algorithm>
#include <cstdio>
#include <limits>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "cli/completion/scripts.hpp"
#include "cli/help.hpp"
#include "cli/mistake.hpp"

namespace campipe::cli {

namespace {

/// `text` parsed by one of the parse_ functions, or CLI11's error with an example.
template <class T, class Parse>
std::function<void(const std::string&)> parsed_into(T& value, std::string name, Parse parse, const char* example) {
  return [&value, name = std::move(name), parse, example](const std::string& text) {
    const auto result = parse(text);
    if (!result) throw CLI::ValidationError(fmt::format("{}: cannot use '{}': write it like {}", name, text, example));
    value = *result;
  };
}

std::string long_name(const std::string& names) {
  const std::size_t comma = names.rfind(',');
  return comma == std::string::npos ? names : names.substr(comma + 1);
}

/// " to 100"; nothing for a limit that is only the type's.
std::string up_to(std::int64_t max) {
  return max >= std::numeric_limits<std::int32_t>::max() ? "" : fmt::format(" to {}", max);
}

}  // namespace

App::App(std::string tool, std::string description, std::string examples)
    : tool_(std::move(tool)), app_(description, tool_) {
  app_.formatter(std::make_shared<HelpFormatter>(std::move(examples)));
  app_.option_defaults()->always_capture_default(false);
  group("General");
  app_.set_help_flag("-h,--help", "Print this and exit");
  app_.set_version_flag("--version", tool_ + " " CAMPIPE_VERSION, "Print the version and exit");
  group("Messages");
  app_.add_flag("--quiet", common_.quiet, "Print errors only");
  app_.add_flag("--verbose", common_.verbose, "Print more");
  app_.add_option("--log-format", common_.log_format, "text or json, one object a line (default text)")
      ->check(CLI::IsMember({"text", "json"}))
      ->type_name("FORMAT");
  hint("-v", "--verbose prints more, --version the version");
  hint("-V", "--version prints the version, --verbose more");
  hint("-?", "-h and --help print the help");
  duration("--stats", common_.stats, "Print a line of statistics every DURATION, e.g. 10s");
  app_.add_flag("--check", common_.check, "Check the options, print what would be opened and exit")->group("");
  group("Options");
}

CLI::App* App::subcommand(const std::string& name, const std::string& what) {
  CLI::App* const command = app_.add_subcommand(name, what);
  command->set_help_flag("-h,--help", "Print this and exit")->group("General");
  if (CLI::Option* const all = command->get_option_no_throw("--help-all")) all->group("General");  // CLI11 inherits it
  command->fallthrough();
  return command;
}

bool App::printed_completion(int argc, char** argv) const {
  constexpr std::string_view kOption = "--completion=";
  if (argc != 2 || !std::string_view(argv[1]).starts_with(kOption)) return false;
  const auto script = completion::script(std::string_view(argv[1]).substr(kOption.size()), completion::table_of(app_));
  if (script) std::fputs(script->c_str(), stdout);
  return script.has_value();
}

std::optional<int> App::parse(int argc, char** argv) {
  if (printed_completion(argc, argv)) return 0;
  if (const std::string two = split_quantity(app_, std::vector<std::string>(argv + 1, argv + std::max(argc, 1)));
      !two.empty()) {
    throw Error(ExitCode::usage, two);
  }
  try {
    app_.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app_.help().c_str(), stdout);
    return 0;
  } catch (const CLI::CallForAllHelp&) {
    std::fputs(app_.help("", CLI::AppFormatMode::All).c_str(), stdout);
    return 0;
  } catch (const CLI::CallForVersion&) {
    std::printf("%s %s\n", tool_.c_str(), CAMPIPE_VERSION);
    return 0;
  } catch (const CLI::ParseError& error) {
    if (argc <= 1 && app_.get_require_subcommand_min() > 0) std::fputs(command_list(app_).c_str(), stderr);
    throw Error(ExitCode::usage, explain(app_, error, hints_));
  }
  log::init({.tool = tool_,
             .level = common_.quiet ? log::Level::error : (common_.verbose ? log::Level::debug : log::Level::info),
             .style = common_.log_format == "json" ? log::Style::json : log::Style::text});
  return std::nullopt;
}

CLI::Option* App::duration(const std::string& name, std::chrono::nanoseconds& value, const std::string& help,
                           const char* example) {
  return app_
      .add_option_function<std::string>(
          name,
          parsed_into(
              value, long_name(name), [](const std::string& t) { return parse_duration(t); }, example),
          help)
      ->type_name("DURATION");
}

CLI::Option* App::bytes(const std::string& name, std::int64_t& value, const std::string& help, const char* example) {
  return app_
      .add_option_function<std::string>(
          name,
          parsed_into(
              value, long_name(name), [](const std::string& t) { return parse_bytes(t); }, example),
          help)
      ->type_name("BYTES");
}

CLI::Option* App::frame_rate(const std::string& name, Rational& value, const std::string& help) {
  return app_
      .add_option_function<std::string>(
          name,
          parsed_into(
              value, long_name(name), [](const std::string& t) { return parse_frame_rate(t); },
              "30, 29.97 or 30000/1001"),
          help)
      ->type_name("FPS");
}

CLI::Option* App::size(const std::string& name, Size& value, const std::string& help) {
  return app_
      .add_option_function<std::string>(
          name,
          parsed_into(
              value, long_name(name), [](const std::string& t) { return parse_size(t); }, "1280x720"),
          help)
      ->type_name("WxH");
}

CLI::Option* App::integer(const std::string& name, std::int64_t& value, std::int64_t min, std::int64_t max,
                          const std::string& help) {
  return app_
      .add_option_function<std::string>(
          name,
          [&value, label = long_name(name), min, max](const std::string& text) {
            const auto number = parse_integer(text, min, max);
            if (!number) {
              throw CLI::ValidationError(
                  fmt::format("{}: cannot use '{}': a whole number from {}{}", label, text, min, up_to(max)));
            }
            value = *number;
          },
          help)
      ->type_name("N");
}

}  // namespace campipe::cli
