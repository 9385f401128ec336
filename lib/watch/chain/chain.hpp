#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "watch/chain/host.hpp"
#include "watch/chain/stage.hpp"
#include "watch/config/wiring.hpp"
#include "watch/control/status.hpp"
#include "watch/log/file.hpp"

namespace campipe::watch::chain {

/// The stages of one chain, the pipes between them, and the decisions: who starts when, who starts again, who is hung.
///
/// We hold both ends of each pipe while the chain runs, so that the neighbours of a stage that dies neither end (EPIPE,
/// EOF) nor change: the next process goes on with the same pipe. On a stop, and when a stage is done for good, our
/// copies are closed and the stages see what they would see in a shell.
class Chain {
public:
  enum class State { stopped, running, stopping, done };

  Chain(config::ChainConfig config, const std::string& file, Host& host);
  ~Chain();
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  const std::string& name() const noexcept { return config_.name; }
  State state() const noexcept { return state_; }
  const config::ChainConfig& config() const noexcept { return config_; }
  bool any_alive() const;
  bool all_ready() const;          ///< every stage has been started and none waits for a restart
  int exit_code() const noexcept;  ///< when done: the first stage's that ended with another than 0

  /// Sinks first. Does nothing unless stopped or done.
  void start();
  /// The source first, then each stage when its input has ended. `then` is called once no process is left. The latest
  /// wish counts: a stop during a restart leaves the chain stopped, a restart during a stop starts it.
  void stop(std::function<void()> then);
  /// A stop, and a start when no process is left; `then` is called after that, with the chain still stopped when a stop
  /// came meanwhile.
  void restart(std::function<void()> then);
  void kill_all() noexcept;

  /// Takes the policies of another version of this chain (config::Change::policies, or none at all).
  void adopt(const config::ChainConfig& config);
  /// Host::log has changed. Throws Error when the log cannot be where it is wanted, and then stays as it was.
  void adopt_log();

  std::optional<std::size_t> find(const std::string& stage) const;
  /// Throw Error(try_again) when there is nothing to start or its stop is still going on: that one would win.
  void start_stage(std::size_t i);
  void restart_stage(std::size_t i);
  void stop_stage(std::size_t i, std::function<void()> then);

  /// A child has ended and is still to be reaped. Answers whether it was one of ours.
  bool child_ended(pid_t pid, int status);
  bool has_session(pid_t session) const;

  /// Once a second. `held_up`: we ourselves were, nobody is to be judged by what we missed.
  void tick(bool held_up);

  control::ChainStatus status() const;

private:
  enum class AfterStop { stay, start };
  struct Link {
    Fd read_end, write_end;
    bool made = false;  // an end that is missing then is closed for good
    bool draining = false;
    config::Duration unread_since{0}, open_since{0};  // 0 = it is empty; full
  };

  Stage& stage(std::size_t i) { return *stages_[i]; }
  const Stage& stage(std::size_t i) const { return *stages_[i]; }
  void say(std::size_t i, const std::string& what);
  void stage_said(std::size_t i, std::string_view line);

  void make_link(std::size_t edge);
  void make_links_of(std::size_t i);
  void close_link(std::size_t edge);
  void close_links();
  void drain(std::size_t edge);
  void stop_draining(std::size_t edge);
  void drain_inputs_of(std::size_t i);

  void find_units();
  bool launch(std::size_t i);
  void launch_in_order(const std::vector<std::size_t>& stages);
  void launch_unit(std::size_t unit);
  void schedule(std::size_t unit);

  void ended_by_itself(std::size_t i, const Exit& exit);
  void failed(std::size_t i, const std::string& why, config::Duration lasted, bool worked);
  /// `fault`: for what its partners count as a restart.
  void wait_for_restart(std::size_t i, config::Duration delay, bool fault);
  void done(std::size_t i, int code);
  bool all_done(const std::vector<std::size_t>& stages) const;
  void refuse_while_stopping(std::size_t i) const;
  std::vector<std::size_t> producers_of(std::size_t i) const;
  std::vector<std::size_t> consumers_of(std::size_t i) const;
  bool ended_well(std::size_t i, const Exit& exit) const;

  void stop_for(AfterStop wish, std::function<void()> then);
  void continue_stop();
  void all_stopped();
  void ask_to_end(std::size_t i);

  void look_at_links(config::Duration now);
  flow::EdgeView view_of(std::size_t edge, config::Duration now) const;
  void judge_stages(config::Duration now);
  void look_for_losses(config::Duration now);
  bool is_source(std::size_t i) const;

  config::ChainConfig config_;
  Host& host_;
  config::Wiring wiring_;
  log::File log_;
  State state_ = State::stopped;
  std::vector<std::unique_ptr<Stage>> stages_;
  std::vector<Link> links_;           // as wiring_.edges
  std::vector<std::size_t> unit_of_;  // stages joined by paired edges restart together
  std::vector<process::Loop::TimerId> unit_timers_;
  std::vector<bool> asked_;                           // while stopping
  std::vector<process::Loop::TimerId> drain_timers_;  // of each stage, while stopping
  AfterStop after_stop_ = AfterStop::stay;
  std::vector<std::function<void()>> when_stopped_;
  std::vector<std::vector<std::function<void()>>> when_stage_stopped_;
};

}  // namespace campipe::watch::chain
