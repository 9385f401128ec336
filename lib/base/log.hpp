#pragma once
#include <string>
#include <string_view>

#include <fmt/core.h>

/// Lines on stderr, one per event: "camenc: what happened: why". Each is one write(2), so that lines of several tools
/// in one terminal never mix. Thread-safe.
namespace campipe::log {

enum class Level { error, warning, info, debug };
enum class Style { text, json };

struct Options {
  std::string tool = "campipe";
  Level level = Level::info;  ///< --quiet: error; --verbose: debug
  Style style = Style::text;  ///< json: {"time":…,"tool":…,"level":…,"message":…} a line
};

/// Called once, before other threads start.
void init(Options options);
const std::string& tool();
bool enabled(Level level) noexcept;

void write(Level level, std::string_view message);

/// A line that another program wrote, under that program's name instead of ours (level info).
void relay(std::string_view source, std::string_view line);

/// `text` with control bytes and what is no UTF-8 shown as \xNN: it is shown on a terminal, never obeyed.
std::string printable(std::string_view text);

/// Shows `line` as the status that is rewritten in place at the bottom of a terminal; other lines go above it. An empty
/// line takes it away. What is wider than the terminal is cut. Does nothing unless stderr is a terminal (and TERM is
/// not "dumb"), stdout is no pipe (then the program behind it has the line), the style is text and the level is at
/// least info; and while another process of campipe shows its status on this terminal.
void status(std::string_view line);
bool status_possible() noexcept;
/// Columns that a line has room for, behind the tool's name.
std::size_t status_width() noexcept;

template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::error, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::warning)) write(Level::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::info)) write(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::debug)) write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}

/// `text` as the inside of a JSON string: quotes, backslashes and control bytes escaped, invalid UTF-8 replaced.
std::string json_escape(std::string_view text);

}  // namespace campipe::log
