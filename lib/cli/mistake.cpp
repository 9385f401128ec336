#include "cli/mistake.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/nearest.hpp"
#include "base/redact.hpp"
#include "base/units.hpp"
#include "cli/help.hpp"
#include "cli/wrap.hpp"

namespace campipe::cli {

namespace {

using Words = std::vector<std::string>;

std::string shown(const std::string& word) {
  constexpr std::size_t kMost = 100;
  const std::string text = redact_url(word);
  return text.size() <= kMost ? text : text.substr(0, kMost) + "…";
}

Words commands_of(const CLI::App& app) {
  Words names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

/// The command that was given, else the tool.
const CLI::App& chosen(const CLI::App& app) {
  const auto given = app.get_subcommands();
  return given.empty() ? app : *given.front();
}

/// "camring stat" for what belongs to a command, "camgrab" for a tool.
std::string called(const CLI::App& app) {
  const CLI::App& command = chosen(app);
  return &command == &app ? app.get_name() : app.get_name() + " " + command.get_name();
}

std::string see_help(const CLI::App& app) {
  return ": see " + called(app) + " --help";
}

/// Names of the options that --help shows, of the tool and of the command that was given.
Words options_of(const CLI::App& app) {
  Words names;
  for (const CLI::App* of : {&app, &chosen(app)}) {
    for (const CLI::Option* option : of->get_options()) {
      if (option->get_group().empty()) continue;
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
      for (const std::string& name : option->get_snames()) names.push_back("-" + name);
    }
  }
  return names;
}

std::string about_option(const CLI::App& app, const std::string& word, std::span<const Hint> hints) {
  const std::string name = word.substr(0, word.find('='));
  const std::string what = "no such option " + shown(name);
  const auto hint = std::ranges::find(hints, name, &Hint::word);
  if (hint != hints.end()) return what + ": " + hint->remedy;
  const Words names = options_of(app);
  if (std::ranges::find(names, name) != names.end()) {  // the tool did not see it, the command would have
    return fmt::format("{} belongs behind the command: {} {}", shown(name), called(app), shown(name));
  }
  std::string meant = did_you_mean(name, names);
  if (meant.empty() && name.find_first_not_of('-') == 1) meant = did_you_mean("-" + name, names);  // -size
  return what + (meant.empty() ? see_help(app) : meant);
}

std::string about_command(const CLI::App& app, const std::string& word) {
  const Words names = commands_of(app);
  const std::string what = fmt::format("no command '{}'", shown(word));
  if (word == "help") return what + see_help(app);
  const std::string meant = did_you_mean(word, names);
  return meant.empty() ? fmt::format("{}: there are {}{}", what, listed(names), see_help(app)) : what + meant;
}

std::string about_extra(const CLI::App& app, const std::string& word) {
  for (const CLI::Option* option : chosen(app).get_options()) {
    if (!option->get_positional() || option->count() == 0) continue;
    return fmt::format("one argument too many: '{}': {} is '{}' already{}", shown(word), value_name(*option),
                       shown(option->results().front()), see_help(app));
  }
  return fmt::format("'{}': {} takes no such argument{}", shown(word), called(app), see_help(app));
}

/// "where to record" of "Where to record; files go to …".
std::string beginning_of(const std::string& help) {
  std::string text = help.substr(0, help.find_first_of(";\n"));
  if (!text.empty()) text.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(text.front())));
  return text;
}

std::string about_missing(const CLI::App& app) {
  for (const CLI::Option* option : chosen(app).get_options()) {
    if (!option->get_required() || option->count() > 0) continue;
    const std::string name = option->get_positional() ? value_name(*option) : "--" + option->get_lnames().front();
    return fmt::format("{} is missing: {}{}", name, beginning_of(option->get_description()), see_help(app));
  }
  return "no command is given" + see_help(app);
}

/// The first word that looks like an option, before any "--"; else the first that does not.
std::optional<std::string> first_unknown(const CLI::App& app) {
  const Words left = app.remaining(true);
  const auto end = std::ranges::find(left, "--");
  const auto option =
      std::find_if(left.begin(), end, [](const std::string& word) { return word.size() > 1 && word[0] == '-'; });
  if (option != end) return *option;
  const auto plain = std::ranges::find_if(left, [](const std::string& word) { return word != "--"; });
  return plain == left.end() ? std::nullopt : std::optional(*plain);
}

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos;
}

/// "d" of "days" and of "d"; nothing for what is no unit of such a value.
std::optional<std::string> unit_of(const std::string& value, const std::string& word) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 15> kLong{{{"days", "d"},
                                                                                        {"day", "d"},
                                                                                        {"hours", "h"},
                                                                                        {"hour", "h"},
                                                                                        {"hrs", "h"},
                                                                                        {"hr", "h"},
                                                                                        {"minutes", "m"},
                                                                                        {"minute", "m"},
                                                                                        {"mins", "m"},
                                                                                        {"seconds", "s"},
                                                                                        {"second", "s"},
                                                                                        {"secs", "s"},
                                                                                        {"sec", "s"},
                                                                                        {"milliseconds", "ms"},
                                                                                        {"msec", "ms"}}};
  if (word.empty() || is_number(word)) return std::nullopt;
  if (value == "DURATION") {
    const auto* const found = std::ranges::find(kLong, word, [](const auto& unit) { return unit.first; });
    if (found != kLong.end()) return std::string(found->second);
    return parse_duration("1" + word) ? std::optional(word) : std::nullopt;
  }
  if (value == "SHARE" && word == "%") return word;
  const bool bytes = value == "BYTES" || value == "BITRATE" || value == "SHARE";
  return bytes && parse_bytes("1" + word) ? std::optional(word) : std::nullopt;
}

}  // namespace

std::string explain(const CLI::App& app, const CLI::ParseError& error, std::span<const Hint> hints) {
  const bool missing = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
  if (!missing && dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr)
    return one_line(error.what()) + see_help(app);
  // What was not understood comes before what is missing: "--siez" alone is a misspelt option.
  const auto word = first_unknown(app);
  if (!word) return about_missing(app);
  if (word->size() > 1 && word->front() == '-') return about_option(app, *word, hints);
  if (&chosen(app) == &app && !commands_of(app).empty()) return about_command(app, *word);
  return missing ? about_missing(app) : about_extra(app, *word);
}

std::string split_quantity(const CLI::App& app, std::span<const std::string> arguments) {
  for (std::size_t i = 0; i + 1 < arguments.size() && arguments[i] != "--"; ++i) {
    const std::size_t equals = arguments[i].find('=');
    const std::string name = arguments[i].substr(0, equals);
    const bool apart = equals == std::string::npos;
    if (name.size() < 2 || name[0] != '-' || (apart && i + 2 >= arguments.size())) continue;
    const CLI::Option* const option = app.get_option_no_throw(name);
    const std::string number = apart ? arguments[i + 1] : arguments[i].substr(equals + 1);
    if (option == nullptr || !is_number(number)) continue;
    const std::string& word = arguments[i + (apart ? 2 : 1)];
    if (const auto unit = unit_of(value_name(*option), word))
      return fmt::format("{}: write '{} {}' as one word, {}{}", name, number, word, number, *unit);
  }
  return {};
}

std::string command_list(const CLI::App& app) {
  constexpr std::size_t kWidth = 80;
  std::string text;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    std::string left = fmt::format("  {} {:<8} ", app.get_name(), command->get_name());
    for (const std::string& line : wrapped(command->get_description(), kWidth - left.size())) {
      text += left + line + "\n";
      left.assign(left.size(), ' ');
    }
  }
  return text;
}

}  // namespace campipe::cli
