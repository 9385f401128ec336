#include "base/log.hpp"

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/fd.hpp"
#include "base/utf8.hpp"

namespace campipe::log {

namespace {

Options current;  // set once by init()
bool terminal = false;
bool feeds_pipe = false;  // stdout is one

std::mutex mutex;
std::string shown;  // the status line on the terminal, guarded by mutex
Fd claim;           // on the terminal's last line, guarded by mutex

constexpr std::array<const char*, 4> kLevelNames{"error", "warning", "info", "debug"};

void put(std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(STDERR_FILENO, text.data(), text.size());
    if (wrote < 0) {
      if (errno == EINTR) continue;
      return;  // nobody can be told
    }
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
}

/// Whether a valid sequence is a control that terminals obey: C0 but for the tab, DEL, or C1 (U+0080 to U+009F; U+009B
/// is CSI, as ESC [ is).
bool is_control(std::string_view sequence) {
  const auto lead = static_cast<unsigned char>(sequence.front());
  if (sequence.size() == 1) return (lead < 0x20 && lead != '\t') || lead == 0x7F;
  return lead == 0xC2 && static_cast<unsigned char>(sequence[1]) < 0xA0;
}

void put_line(Level level, std::string_view source, std::string_view message) {
  if (!enabled(level)) return;
  std::string line;
  if (current.style == Style::json) {
    line = fmt::format(R"({{"time_us":{},"tool":"{}","level":"{}","message":"{}"}})", realtime_us(),
                       json_escape(source), kLevelNames[static_cast<std::size_t>(level)], json_escape(message));
  } else {
    line = fmt::format("{}: {}", source, printable(message));
  }
  line += '\n';
  const std::lock_guard lock(mutex);
  if (shown.empty()) {
    put(line);
  } else {
    put("\r\x1b[K" + line + shown);
  }
}

std::size_t columns() {
  constexpr std::size_t kUsual = 80;
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUsual;
}

/// As much as fits, with a character a column. The last column stays free: terminals differ in what they do behind it.
std::string fit(std::string text) {
  std::size_t room = columns() - 1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (begins && room-- == 0) return text.substr(0, i);
  }
  return text;
}

/// One process at a time has the last line of a terminal: who has bound this name. The kernel gives it free when that
/// process ends, however it does.
bool claimed() {
  if (claim) return true;
  struct stat info{};
  if (::fstat(STDERR_FILENO, &info) != 0) return true;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = fmt::format("campipe-status-{}-{}-{}", info.st_dev, info.st_ino, info.st_rdev);
  name.copy(address.sun_path + 1, sizeof address.sun_path - 1);  // the abstract namespace
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return true;  // better two lines than none
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) return errno != EADDRINUSE;
  claim = std::move(socket);
  return true;
}

}  // namespace

void init(Options options) {
  current = std::move(options);
  const char* term = std::getenv("TERM");
  terminal = ::isatty(STDERR_FILENO) == 1 && term != nullptr && std::strcmp(term, "dumb") != 0;
  struct stat info{};
  feeds_pipe = ::fstat(STDOUT_FILENO, &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode));
}

const std::string& tool() {
  return current.tool;
}
bool enabled(Level level) noexcept {
  return level <= current.level;
}
bool status_possible() noexcept {
  return terminal && !feeds_pipe && current.style == Style::text && current.level >= Level::info;
}

void write(Level level, std::string_view message) {
  put_line(level, current.tool, message);
}

void relay(std::string_view source, std::string_view line) {
  put_line(Level::info, source, line);
}

std::size_t status_width() noexcept {
  const std::size_t all = columns(), taken = current.tool.size() + 3;  // ": " and the free column
  return all > taken ? all - taken : 0;
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length > 0 && !is_control(text.substr(0, length))) {
      out.append(text.substr(0, length));
      text.remove_prefix(length);
      continue;
    }
    out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
    text.remove_prefix(1);
  }
  return out;
}

void status(std::string_view line) {
  if (!status_possible()) return;
  const std::lock_guard lock(mutex);
  if (line.empty() && shown.empty()) return;
  if (!line.empty() && !claimed()) return;
  shown = line.empty() ? "" : fit(fmt::format("{}: {}", current.tool, printable(line)));
  put("\r\x1b[K" + shown);
  if (line.empty()) claim.reset();
}

std::string json_escape(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const auto byte = static_cast<unsigned char>(text.front());
    if (length == 0) {
      out += "\\ufffd";
    } else if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text.front();
    } else if (byte < 0x20) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

}  // namespace campipe::log
