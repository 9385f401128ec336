#include "cli/help.hpp"

#include <algorithm>
#include <sstream>

#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/wrap.hpp"

namespace campipe::cli {

namespace {

constexpr std::size_t kPipedWidth = 80, kLeastWidth = 40, kIndent = 2, kGap = 2;
constexpr const char* kWordsBegin = ":{";

struct Row {
  std::string left, right;
};

struct Section {
  std::string heading;
  std::vector<Row> rows;
};

/// Lines below each other from column `indent` on, the first continuing a line that has `used` columns already.
std::string hanging(const std::vector<std::string>& lines, std::size_t indent, std::size_t used) {
  std::string text;
  for (const std::string& line : lines) {
    text += std::string(indent > used ? indent - used : 0, ' ') + line + "\n";
    used = 0;
  }
  return text;
}

/// Where explanations begin: behind the longest entry, unless that leaves too little room for them.
std::size_t explanation_column(const std::vector<Section>& sections, std::size_t width) {
  constexpr std::size_t kNarrow = 60, kNarrowColumn = 8, kMost = 30;
  if (width < kNarrow) return kNarrowColumn;
  std::size_t longest = 0;
  for (const Section& section : sections) {
    for (const Row& row : section.rows) longest = std::max(longest, columns(row.left));
  }
  return std::min(kIndent + longest + kGap, kMost);
}

std::string text_of(const Row& row, std::size_t column, std::size_t width) {
  std::string text = std::string(kIndent, ' ') + row.left;
  std::size_t used = columns(text);
  if (row.right.empty()) return text + "\n";
  if (used + kGap > column) {
    text += "\n";
    used = 0;
  }
  return text + hanging(wrapped(row.right, width - column), column, used);
}

std::string text_of(const std::vector<Section>& sections, std::size_t width) {
  const std::size_t column = explanation_column(sections, width);
  std::string text;
  for (const Section& section : sections) {
    if (section.rows.empty()) continue;
    text += "\n" + section.heading + ":\n";
    for (const Row& row : section.rows) text += text_of(row, column, width);
  }
  return text;
}

std::string paragraphs(const std::string& text, std::size_t width) {
  std::string out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) out += hanging(wrapped(line, width), 0, 0);
  return out;
}

Row row_of(const CLI::Option& option) {
  const bool positional = option.get_positional();
  std::string left = option.get_name(positional, !positional);
  if (const std::string value = value_name(option); !value.empty()) left += " " + value;
  if (positional && option.get_expected_max() > 1) left += " ...";
  return {left, option.get_description()};
}

Section positionals(const CLI::App& app) {
  Section section{"Arguments", {}};
  for (const CLI::Option* option : app.get_options())
    if (option->get_positional() && !option->get_group().empty()) section.rows.push_back(row_of(*option));
  return section;
}

/// What all tools have comes after what is a tool's own.
std::vector<std::string> ordered(const std::vector<std::string>& names) {
  std::vector<std::string> own, common;
  for (const std::string& name : names) (name == "Messages" || name == "General" ? common : own).push_back(name);
  std::ranges::sort(common, std::ranges::greater());  // Messages, General
  own.insert(own.end(), common.begin(), common.end());
  return own;
}

std::vector<Section> groups(const CLI::App& app) {
  std::vector<Section> sections;
  for (const std::string& name : ordered(app.get_groups())) {
    if (name.empty()) continue;
    Section section{name, {}};
    for (const CLI::Option* option : app.get_options())
      if (option->nonpositional() && option->get_group() == name) section.rows.push_back(row_of(*option));
    sections.push_back(std::move(section));
  }
  return sections;
}

Section subcommands(const CLI::App& app) {
  Section section{"Subcommands", {}};
  for (const CLI::App* command : app.get_subcommands({})) {
    section.rows.push_back({command->get_name(), command->get_description()});
  }
  return section;
}

/// Command and explanation of each line that has `wanted` in it.
std::vector<Row> example_rows(const std::string& examples, const std::string& wanted) {
  std::vector<Row> rows;
  std::istringstream lines(examples);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t begin = line.find_first_not_of(' ');
    if (begin == std::string::npos || line.find(wanted) == std::string::npos) continue;
    const std::size_t end = std::min(line.find("   ", begin), line.size());
    const std::size_t right = std::min(line.find_first_not_of(' ', end), line.size());
    rows.push_back({line.substr(begin, end - begin), line.substr(right)});
  }
  return rows;
}

/// Explanations stand beside the commands where there is room, else each below its command.
std::string examples_text(const std::vector<Row>& rows, std::size_t width) {
  constexpr std::size_t kLeastBeside = 24, kBelow = 6;
  std::size_t longest = 0;
  for (const Row& row : rows)
    if (!row.right.empty()) longest = std::max(longest, columns(row.left));
  const std::size_t column = kIndent + longest + kGap;
  const bool beside = column + kLeastBeside <= width;
  std::string text;
  for (const Row& row : rows) {
    if (beside && columns(row.left) <= longest) {
      text += text_of(row, column, width);
      continue;
    }
    text += hanging(wrapped_command(row.left, width - kIndent), kIndent, 0);
    text += hanging(wrapped(row.right, width - kBelow), kBelow, 0);
  }
  return text;
}

}  // namespace

std::string value_name(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  return type.substr(0, type.find(kWordsBegin));
}

std::vector<std::string> value_words(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t begin = type.find(kWordsBegin), end = type.rfind('}');
  if (begin == std::string::npos || end == std::string::npos) return {};
  std::vector<std::string> words;
  std::istringstream list(type.substr(begin + 2, end - begin - 2));
  for (std::string word; std::getline(list, word, ',');) words.push_back(word);
  return words;
}

std::size_t help_width() noexcept {
  winsize size{};
  if (::isatty(STDOUT_FILENO) == 0 || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    return kPipedWidth;
  return std::max<std::size_t>(size.ws_col, kLeastWidth);
}

std::string HelpFormatter::make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const {
  const std::size_t width = help_width();
  std::vector<Section> sections{positionals(*app)};
  for (Section& section : groups(*app)) sections.push_back(std::move(section));
  sections.push_back(subcommands(*app));
  const bool whole = app->get_parent() == nullptr;
  std::string out = paragraphs(app->get_description(), width) + paragraphs(make_usage(app, name), width);
  out += text_of(sections, width);
  const auto rows = example_rows(examples_, whole ? "" : name);
  if (!rows.empty()) out += "\nExamples:\n" + examples_text(rows, width);
  if (whole) out += "\nSee also: man " + name + "\n";
  if (mode != CLI::AppFormatMode::All) return out;
  for (const CLI::App* command : app->get_subcommands({}))
    out += "\n" + make_help(command, name + " " + command->get_name(), CLI::AppFormatMode::Normal);
  return out;
}

}  // namespace campipe::cli
