#pragma once
#include <map>
#include <string>

#include <sys/types.h>

#include "watch/config/config.hpp"
#include "watch/process/loop.hpp"
#include "watch/process/processes.hpp"

namespace campipe::watch::hooks {

enum class Event { failing, lost, recovered };

const char* name(Event event) noexcept;

/// What has happened to a stage.
struct Happening {
  Event event = Event::failing;
  std::string chain, stage;
  std::string reason;
};

/// Runs the hooks of a configuration. At most 8 at a time, each for at most 30 s; more are left out, and that is told.
/// For the loop's thread.
class Runner {
public:
  /// @param environment  of every hook
  Runner(process::Loop& loop, process::Processes& processes, std::map<std::string, std::string> environment);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  void set(config::Hooks hooks) { hooks_ = std::move(hooks); }

  void run(const Happening& happening);

  /// A child has ended and is still to be reaped. Answers whether it was a hook.
  bool child_ended(pid_t pid);
  bool has_session(pid_t session) const { return running_.contains(session); }

private:
  const std::vector<std::string>& command_for(Event event) const;

  process::Loop& loop_;
  process::Processes& processes_;
  std::map<std::string, std::string> environment_;
  config::Hooks hooks_;
  std::map<pid_t, process::Loop::TimerId> running_;  // with the timer that ends it
};

}  // namespace campipe::watch::hooks
