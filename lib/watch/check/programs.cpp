#include "watch/check/programs.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.hpp"
#include "watch/process/spawn.hpp"

namespace campipe::watch::check {

namespace {

/// The first bytes of a file; empty when it cannot be read.
std::string head_of(const std::string& file) {
  std::array<char, 256> bytes{};
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  const ssize_t got = fd ? ::read(fd.get(), bytes.data(), bytes.size()) : 0;
  return {bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
}

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  while (true) {
    const std::size_t from = line.find_first_not_of(" \t\r");
    if (from == std::string_view::npos) return words;
    const std::size_t to = std::min(line.find_first_of(" \t\r", from), line.size());
    words.emplace_back(line.substr(from, to - from));
    line.remove_prefix(to);
  }
}

/// What `#!/usr/bin/env` looks for, behind its options and variables.
std::string program_of_env(const std::vector<std::string>& words) {
  const auto found = std::find_if(words.begin() + 1, words.end(), [](const std::string& word) {
    return !word.starts_with('-') && word.find('=') == std::string::npos;
  });
  return found == words.end() ? "" : *found;
}

/// As execve(2) reads the first line.
std::string why_no_interpreter(const std::string& file, const std::string& path) {
  const std::string head = head_of(file);
  if (!head.starts_with("#!")) {
    const bool is_text = !head.empty() && std::ranges::all_of(head, [](unsigned char c) {
      return std::isprint(c) != 0 || std::isspace(c) != 0 || c >= 0x80;
    });
    return is_text ? fmt::format("{} is a script without a #! line: no program can be made of it", file) : "";
  }
  const auto words = words_of(std::string_view(head).substr(2, head.find('\n') - 2));
  if (words.empty()) return fmt::format("{} names no interpreter behind its #!", file);
  if (process::find_program(words.front(), "").empty())
    return fmt::format("{}: its interpreter {} is not there", file, words.front());
  if (!words.front().ends_with("/env")) return "";
  const std::string program = program_of_env(words);
  if (program.empty() || !process::find_program(program, path).empty()) return "";
  return fmt::format("{}: its interpreter {} is not in $PATH", file, program);
}

/// The files that may be meant, whether they can be run or not.
std::string first_that_is_there(const std::string& program, const std::string& path) {
  if (program.find('/') != std::string::npos) return ::access(program.c_str(), F_OK) == 0 ? program : "";
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(folder.size() + 1, rest.size()));
    std::string file = fmt::format("{}/{}", folder.empty() ? "." : folder, program);
    if (::access(file.c_str(), F_OK) == 0) return file;
  }
  return "";
}

}  // namespace

std::string search_path(const config::StageConfig& stage, const std::map<std::string, std::string>& inherited) {
  if (const auto own = stage.env.find("PATH"); own != stage.env.end()) return own->second;
  const auto ours = inherited.find("PATH");
  return ours != inherited.end() ? ours->second : "/usr/local/bin:/usr/bin:/bin";
}

std::string why_not_runnable(const std::string& program, const std::string& path) {
  const std::string file = process::find_program(program, path);
  if (!file.empty()) return why_no_interpreter(file, path);
  const std::string there = first_that_is_there(program, path);
  struct stat info{};
  if (there.empty() || ::stat(there.c_str(), &info) != 0) {
    return fmt::format("there is no program '{}'{}", program.substr(0, 100),
                       program.find('/') == std::string::npos ? " in $PATH" : "");
  }
  if (S_ISDIR(info.st_mode)) return fmt::format("{} is a folder, no program", there);
  return fmt::format("{} may not be executed: chmod +x", there);
}

std::vector<Finding> examine_programs(const config::Config& config) {
  const auto inherited = process::inherited_environment();
  std::vector<Finding> findings;
  for (const config::ChainConfig& chain : config.chains) {
    for (const config::StageConfig& stage : chain.stages) {
      const std::string why = why_not_runnable(stage.cmd.front(), search_path(stage, inherited));
      const config::Position at = stage.cmd_at.empty() ? stage.at : stage.cmd_at.front();
      if (!why.empty()) findings.push_back({at, fmt::format("{}/{}: {}", chain.name, stage.name, why)});
    }
  }
  const std::array hooks{&config.hooks.failing, &config.hooks.lost, &config.hooks.recovered};
  static constexpr std::array kNames{"failing", "lost", "recovered"};
  for (std::size_t i = 0; i < hooks.size(); ++i) {
    if (hooks[i]->empty()) continue;
    const std::string why = why_not_runnable(hooks[i]->front(), search_path({}, inherited));
    if (!why.empty()) findings.push_back({config.hooks_at[i], fmt::format("hooks.{}: {}", kNames[i], why)});
  }
  return findings;
}

void require_programs(const config::Config& config) {
  const auto findings = examine_programs(config);
  if (findings.empty()) return;
  const Finding& first = findings.front();
  if (config.file.empty()) throw Error(ExitCode::unavailable, first.message);
  throw config::ConfigError(config.file, first.at, first.message);
}

}  // namespace campipe::watch::check
