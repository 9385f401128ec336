#include "watch/config/variables.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "base/fd.hpp"

namespace campipe::watch::config {

std::string expand_text(std::string_view text, std::map<std::string, Variable>& variables,
                        const std::map<std::string, std::string>& fixed,
                        const std::function<void(const std::string&)>& fail) {
  std::string out;
  while (!text.empty()) {
    const std::size_t dollar = text.find('$');
    out += text.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar + 1);
    if (text.starts_with('$')) {
      out += '$';
      text.remove_prefix(1);
      continue;
    }
    const std::size_t close = text.find('}');
    if (!text.starts_with('{') || close == std::string_view::npos) {
      fail("a $ alone: no shell expands it: write ${name} for a variable, $$ for a $");
      break;
    }
    const std::string name(text.substr(1, close - 1));
    text.remove_prefix(close + 1);
    if (const auto found = fixed.find(name); found != fixed.end()) {
      out += found->second;
    } else if (const auto own = variables.find(name); own != variables.end()) {
      own->second.used = true;
      out += own->second.value;
    } else {
      fail(fmt::format("no variable ${{{}}}: add it to vars: of the chain", name.substr(0, 64)));
      break;
    }
  }
  return out;
}

bool is_variable_name(std::string_view text) noexcept {
  if (text.empty() || text.size() > 256 || (text.front() >= '0' && text.front() <= '9')) return false;
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string read_text_file(const std::string& path, std::size_t limit) {
  // O_NONBLOCK: a FIFO would wait for a writer.
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) throw_errno(errno, "cannot open " + path);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) throw_errno(errno, "cannot look at " + path);
  if (!S_ISREG(info.st_mode)) throw Error(ExitCode::no_input, path + ": is no regular file");
  std::string text;
  std::string chunk(65536, '\0');
  for (;;) {
    const ssize_t got = ::read(fd.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno(errno, "cannot read " + path);
    if (got == 0) return text;
    text.append(chunk, 0, static_cast<std::size_t>(got));
    if (text.size() > limit) throw Error(ExitCode::bad_data, fmt::format("{}: over {} bytes", path, limit));
  }
}

std::map<std::string, std::string> read_env_file(const std::string& path) {
  const std::string text = read_text_file(path, 65536);
  std::map<std::string, std::string> env;
  std::string_view rest = text;
  for (int line_number = 1; !rest.empty(); ++line_number) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || !is_variable_name(line.substr(0, equals)) ||
        line.find('\0') != std::string_view::npos) {
      throw ConfigError(path, {line_number, 1}, "needs NAME=VALUE");  // the line itself may be a secret
    }
    std::string_view value = line.substr(equals + 1);
    if (value.size() >= 2 && value.front() == value.back() && (value.front() == '"' || value.front() == '\'')) {
      value = value.substr(1, value.size() - 2);
    }
    env[std::string(line.substr(0, equals))] = value;
  }
  return env;
}

}  // namespace campipe::watch::config
