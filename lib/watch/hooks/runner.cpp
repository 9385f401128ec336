#include "watch/hooks/runner.hpp"

#include <array>
#include <csignal>
#include <string_view>
#include <utility>

#include <unistd.h>

#include "base/error.hpp"
#include "base/log.hpp"

namespace campipe::watch::hooks {

namespace {

constexpr std::size_t kMaxHooks = 8;
constexpr auto kHookTime = std::chrono::seconds(30);

/// Each placeholder once, from left to right: what a value contains is not looked at again.
std::string filled_in(std::string_view word, const Happening& happening) {
  const std::string event = name(happening.event);
  const std::array<std::pair<std::string_view, const std::string*>, 4> values{{{"{chain}", &happening.chain},
                                                                               {"{stage}", &happening.stage},
                                                                               {"{reason}", &happening.reason},
                                                                               {"{event}", &event}}};
  std::string out;
  while (!word.empty()) {
    bool replaced = false;
    for (const auto& [placeholder, value] : values) {
      if (!word.starts_with(placeholder)) continue;
      out += *value;
      word.remove_prefix(placeholder.size());
      replaced = true;
      break;
    }
    if (replaced) continue;
    out += word.front();
    word.remove_prefix(1);
  }
  return out;
}

}  // namespace

const char* name(Event event) noexcept {
  static constexpr std::array<const char*, 3> kNames{"failing", "lost", "recovered"};
  return kNames[static_cast<std::size_t>(event)];
}

Runner::Runner(process::Loop& loop, process::Processes& processes, std::map<std::string, std::string> environment)
    : loop_(loop), processes_(processes), environment_(std::move(environment)) {}

Runner::~Runner() {
  for (auto& [pid, timer] : running_) loop_.cancel(timer);
}

const std::vector<std::string>& Runner::command_for(Event event) const {
  if (event == Event::failing) return hooks_.failing;
  return event == Event::lost ? hooks_.lost : hooks_.recovered;
}

void Runner::run(const Happening& happening) {
  const std::vector<std::string>& words = command_for(happening.event);
  if (words.empty()) return;
  const char* const event = name(happening.event);
  if (running_.size() >= kMaxHooks) {
    return campipe::log::warning("{}/{}: hook {} left out: {} are running", happening.chain, happening.stage, event,
                                 running_.size());
  }
  process::Command command;
  for (const std::string& word : words) command.argv.push_back(filled_in(word, happening));
  for (const auto& [name, value] : environment_) command.env.push_back(name + "=" + value);
  command.fds = {{1, STDERR_FILENO}, {2, STDERR_FILENO}};
  try {
    const pid_t pid = processes_.start(command);
    running_[pid] = loop_.after(kHookTime, [this, pid] { processes_.signal_group(pid, SIGKILL); });
  } catch (const Error& error) {
    campipe::log::warning("hook {}: {}", event, error.what());
  }
}

bool Runner::child_ended(pid_t pid) {
  const auto found = running_.find(pid);
  if (found == running_.end()) return false;
  loop_.cancel(found->second);
  running_.erase(found);
  return true;
}

}  // namespace campipe::watch::hooks
