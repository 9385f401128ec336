#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/fd.hpp"
#include "cli/notify.hpp"
#include "watch/chain/chain.hpp"
#include "watch/config/config.hpp"
#include "watch/config/difference.hpp"
#include "watch/control/server.hpp"
#include "watch/hooks/runner.hpp"
#include "watch/process/loop.hpp"
#include "watch/process/processes.hpp"

namespace campipe::watch {

struct SupervisorOptions {
  std::string control_socket;
  bool echo = false;          ///< Host::echo
  bool single = false;        ///< Host::single; the program ends when the chain is done
  config::Duration stats{0};  ///< a line of statistics a chain; 0 = none
  /// Reads the configuration anew, checked and with log.dir set; throws Error. Empty: there is no file.
  std::function<config::Config()> load;
  bool hangup_reloads = false;  ///< SIGHUP is no terminal's that has gone, but somebody's wish
};

/// Runs all chains in one thread until told to stop (SIGINT, SIGTERM, `camwatch stop`, SIGHUP unless that reloads) or
/// all are done.
class Supervisor {
public:
  /// config.log.dir must be set. Blocks the signals; adopts what its children leave behind (a subreaper). Throws Error.
  Supervisor(config::Config config, SupervisorOptions options, process::Loop& loop, process::Processes& processes);
  ~Supervisor();

  /// Returns the exit code: 0, or a stage's when all chains are done, or 1 when a second signal cut the stop short.
  int run();

  /// The parts of run() before and behind the loop; for tests, which turn it themselves until it is stopped.
  void begin();
  int finish();

private:
  /// A reload from its beginning until the last process of what leaves has ended.
  struct Reload {
    config::Config next;
    config::Difference what;
    std::vector<std::unique_ptr<chain::Chain>> incoming;  // made, not started
    std::set<std::string> stay_stopped;                   // what an operator has stopped is not started by a new file
    control::Server::Reply reply;
  };

  void make_signals();
  void on_signal();
  void reap();
  void kill_orphans();
  void stop_all();
  void tick();
  void tell_state();
  void tell_stats(config::Duration now);

  control::Status status() const;
  void handle(const std::string& request, control::Server::Reply reply);
  void command(const std::string& name, const std::string& target, const control::Server::Reply& reply);
  void start(const std::string& target, const control::Server::Reply& reply);
  void stop(const std::string& target, const control::Server::Reply& reply);
  void restart(const std::string& target, const control::Server::Reply& reply);
  void reload(const control::Server::Reply& reply);
  void reload_by_signal();
  void make_incoming(Reload& reload);
  void apply_to_those_that_stay(const Reload& reload);
  void stop_those_that_leave();
  void continue_reload();
  void finish_reload();
  void abandon_reload();
  bool leaves(const chain::Chain& chain) const;
  void refuse_while_it_leaves(const chain::Chain& chain) const;
  chain::Chain& chain_of(const std::string& target);
  static std::optional<std::size_t> stage_of(chain::Chain& chain, const std::string& target);

  config::Config config_;
  SupervisorOptions options_;
  cli::Notifier notifier_;
  process::Loop& loop_;
  process::Processes& processes_;
  hooks::Runner hooks_;
  chain::Host host_;
  Fd signals_;
  std::vector<std::unique_ptr<chain::Chain>> chains_;
  std::unique_ptr<control::Server> control_;
  std::unique_ptr<Reload> reload_;
  std::vector<control::Server::Reply> stop_replies_;  // of those who wait for our end
  bool stopping_ = false, ready_ = false;
  int exit_code_ = 0;
  process::Loop::TimerId ticker_ = 0, reload_timer_ = 0;
  config::Duration started_{0}, last_tick_{0}, last_stats_{0};
};

}  // namespace campipe::watch
