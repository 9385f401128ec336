#include "watch/check/examine.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <memory>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/redact.hpp"
#include "base/stable_sort.hpp"
#include "watch/check/plans.hpp"
#include "watch/check/programs.hpp"
#include "watch/config/wiring.hpp"

namespace campipe::watch::check {

namespace {

constexpr std::array<std::string_view, 5> kTools{"camgrab", "camenc", "camserve", "camrec", "camring"};

std::string real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
  return real ? real.get() : "";
}

/// The last line that a tool wrote, without its name: what it ended of.
std::string last_words(const Answer& answer, const std::string& tool) {
  std::string_view text = answer.err;
  while (text.ends_with('\n')) text.remove_suffix(1);
  text = text.substr(text.rfind('\n') + 1);
  if (text.starts_with(tool + ": ")) text.remove_prefix(tool.size() + 2);
  return text.empty() ? fmt::format("exit {} without a word", answer.code) : std::string(text);
}

/// Where the message's subject stands: the first word of the command that it repeats, else the program.
config::Position place_of(const config::StageConfig& stage, const std::string& message) {
  for (std::size_t i = 1; i < stage.cmd.size() && i < stage.cmd_at.size(); ++i) {
    const std::string_view word = std::string_view(stage.cmd[i]).substr(0, stage.cmd[i].find('='));
    if (word.size() > 1 && message.find(word) != std::string::npos) return stage.cmd_at[i];
  }
  return stage.cmd_at.empty() ? stage.at : stage.cmd_at.front();
}

class Examiner {
public:
  Examiner(const config::Config& config, std::string own, const RunTool& run)
      : config_(config), own_(std::move(own)), run_(run), inherited_(process::inherited_environment()) {}

  std::vector<Finding> examine() {
    findings_ = examine_programs(config_);
    for (const config::ChainConfig& chain : config_.chains) {
      const config::Wiring wiring = config::plan_wiring(chain, config_.file);
      for (std::size_t i = 0; i < chain.stages.size(); ++i) examine_stage(chain, i, wiring.stages[i]);
    }
    judge_plans(plans_, findings_.empty(), findings_);
    stable_sort_by(findings_, [](const Finding& one) { return std::pair(one.at.line, one.at.column); });
    return std::move(findings_);
  }

private:
  void examine_stage(const config::ChainConfig& chain, std::size_t i, const config::StageWiring& wired) {
    const config::StageConfig& stage = chain.stages[i];
    const auto found = [&](config::Position at, const std::string& what, bool is_warning) {
      findings_.push_back({at, fmt::format("{}/{}: {}", chain.name, stage.name, redact_url(what)), is_warning});
    };
    process::Command command;
    try {
      command.env = environment_of(stage);
    } catch (const Error& error) {
      const bool is_warning = error.code() == ExitCode::permission;  // the service may be allowed to
      return found(stage.at, fmt::format("env_file: {}", error.what()), is_warning);
    }
    const std::string tool = own_tool(stage);
    if (tool.empty()) return;
    command.argv = wired.argv;
    command.argv.front() = own_ + "/" + tool;
    command.argv.insert(command.argv.begin() + 1, "--check");
    const Answer answer = run_(command);
    if (!answer.in_time) return found(place_of(stage, ""), tool + " did not say in 10 s what it would do", false);
    if (answer.code != 0) {
      const std::string why = last_words(answer, tool);
      return found(place_of(stage, why), why, answer.code == static_cast<int>(ExitCode::permission));
    }
    if (auto plan = cli::parse_plan(answer.out)) {
      plans_.push_back({.chain = &chain, .stage = &stage, .wired = wired, .plan = std::move(*plan)});
    } else {
      found(place_of(stage, ""), tool + " --check answered something else: is it of this version?", false);
    }
  }

  std::vector<std::string> environment_of(const config::StageConfig& stage) const {
    auto all = inherited_;
    if (!stage.env_file.empty()) {
      for (const auto& [name, value] : config::read_env_file(stage.env_file)) all[name] = value;
    }
    for (const auto& [name, value] : stage.env) all[name] = value;
    std::vector<std::string> entries;
    for (const auto& [name, value] : all) entries.push_back(name + "=" + value);
    return entries;
  }

  /// "camenc" when the stage's program is that of our own folder, by whatever path; else empty.
  std::string own_tool(const config::StageConfig& stage) const {
    const std::string file = process::find_program(stage.cmd.front(), search_path(stage, inherited_));
    const std::string real = file.empty() ? "" : real_path(file);
    const std::size_t slash = real.rfind('/');
    if (slash == std::string::npos || real.substr(0, slash) != own_) return "";
    const std::string name = real.substr(slash + 1);
    return std::ranges::find(kTools, name) == kTools.end() ? "" : name;
  }

  const config::Config& config_;
  std::string own_;
  const RunTool& run_;
  std::map<std::string, std::string> inherited_;
  std::vector<Finding> findings_;
  std::vector<StagePlan> plans_;
};

}  // namespace

std::string own_folder() {
  const std::string self = real_path("/proc/self/exe");
  return self.substr(0, self.rfind('/'));
}

std::vector<Finding> examine(const config::Config& config, const std::string& own, const RunTool& run) {
  return Examiner(config, real_path(own), run).examine();
}

std::string text_of(const Finding& finding, const std::string& file) {
  return fmt::format("{}:{}:{}: {}", file, finding.at.line, finding.at.column, finding.message);
}

}  // namespace campipe::watch::check
