#include "cli/completion/table.hpp"

#include <algorithm>
#include <utility>

#include "cli/help.hpp"

namespace campipe::cli::completion {

namespace {

/// By the names that the option tables use.
Kind kind_of(const std::string& value) {
  constexpr std::pair<const char*, Kind> kKinds[] = {
      {"FILE", Kind::file},   {"SOCKET", Kind::file},
      {"SOURCE", Kind::file}, {"DIR", Kind::folder},
      {"RING", Kind::ring},   {"ENDPOINT", Kind::endpoint},
      {"GROUP", Kind::group}, {"[NAME[/RENDITION]=]ENDPOINT", Kind::input},
  };
  const auto* const found = std::ranges::find(kKinds, value, [](const auto& kind) { return kind.first; });
  return found == std::end(kKinds) ? Kind::other : found->second;
}

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

Value value_of(const CLI::Option& option) {
  const std::string name = value_name(option);
  return {.name = name, .words = value_words(option), .kind = kind_of(name)};
}

Option option_of(const CLI::Option& option, bool inherited) {
  Option result{.names = {},
                .help = one_line(option.get_description()),
                .takes_value = !value_name(option).empty(),  // a flag has none
                .repeats = option.get_expected_max() > 1,
                .inherited = inherited,
                .value = {}};
  for (const std::string& name : option.get_snames()) result.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) result.names.push_back("--" + name);
  if (result.takes_value) result.value = value_of(option);
  return result;
}

bool has(const std::vector<Option>& options, const Option& wanted) {
  return std::ranges::any_of(options, [&](const Option& option) { return option.names == wanted.names; });
}

/// `inherited`: those of the tool, for a subcommand.
void add_options(Command& command, const CLI::App& app, bool inherited) {
  for (const CLI::Option* option : app.get_options()) {
    if (!option->nonpositional() || option->get_group().empty()) continue;
    Option added = option_of(*option, inherited);
    if (!has(command.options, added)) command.options.push_back(std::move(added));
  }
}

}  // namespace

Command table_of(const CLI::App& app) {
  Command command{.name = app.get_name(), .help = one_line(app.get_description())};
  add_options(command, app, false);
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional())
      command.arguments.push_back({.help = one_line(option->get_description()),
                                   .repeats = option->get_expected_max() > 1,
                                   .value = value_of(*option)});
  }
  if (app.get_parent() != nullptr && app.get_fallthrough()) add_options(command, *app.get_parent(), true);
  for (const CLI::App* subcommand : app.get_subcommands({})) command.commands.push_back(table_of(*subcommand));
  return command;
}

}  // namespace campipe::cli::completion
