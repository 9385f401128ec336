#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "base/fd.hpp"
#include "watch/chain/host.hpp"
#include "watch/chain/restart_delays.hpp"
#include "watch/config/config.hpp"
#include "watch/control/status.hpp"
#include "watch/flow/flow_tracker.hpp"
#include "watch/flow/loss.hpp"
#include "watch/flow/notify_socket.hpp"
#include "watch/log/line_reader.hpp"

namespace campipe::watch::chain {

/// Why a process that we ended was ended.
enum class Intent {
  none,     ///< nobody asked: it ended by itself
  restart,  ///< a command
  hung,
  partner,  ///< it is paired with one that ended
  stop,
};

/// How a process ended.
struct Exit {
  int code = 0;      ///< of exit(2), or 128 + signal
  int signal = 0;    ///< 0 = none
  std::string text;  ///< "exit 66: no such file or device"
  std::string said;  ///< the last line that it wrote; empty = none
  config::Duration lasted{0};
  bool worked = false;  ///< it has passed frames

  std::string with_words() const { return said.empty() ? text : text + ": " + said; }
};

/// One program of a chain over all its runs: the process there is now, its stderr, what it reports, when it may start
/// again. Who decides is Chain.
class Stage {
public:
  enum class Phase { stopped, running, ending, waiting, done };
  using Said = std::function<void(std::string_view line)>;

  /// @param said  Takes each line of its stderr.
  Stage(const config::StageConfig& config, Host& host, std::string clock, Said said);
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  const config::StageConfig& config() const noexcept { return config_; }
  Phase phase() const noexcept { return phase_; }
  pid_t pid() const noexcept { return pid_; }
  bool alive() const noexcept { return pid_ > 0; }
  Intent intent() const noexcept { return intent_; }
  int failures() const noexcept { return delays_.failures(); }
  bool failing() const noexcept;
  int exit_code() const noexcept { return exit_code_; }  ///< when done

  /// Starts a process. Throws Error.
  void start(const std::vector<std::string>& argv, std::vector<std::pair<int, int>> fds);

  /// Asks the process to end (SIGTERM to its group; SIGCONT in case it is stopped), and after `patience` makes it
  /// (SIGKILL).
  void end(Intent intent, config::Duration patience);
  void kill() noexcept;

  /// As end() because it hangs, which is what status() will call its end.
  void end_hung(const std::string& why, config::Duration patience);

  /// The process has ended and is still to be reaped; the rest of its group is killed. `status` as of waitpid(2).
  Exit ended(int status);

  /// When it may start again after a failed run, which counts as a restart.
  config::Duration delay_after(config::Duration lasted, bool worked) {
    ++restarts_;
    return delays_.after_failure(lasted, worked);
  }
  /// It is restarted because a stage that it is paired with has failed.
  void count_restart() noexcept { ++restarts_; }

  void set_waiting(config::Duration until) noexcept { phase_ = Phase::waiting, due_ = until; }
  config::Duration due() const noexcept { return due_; }
  void set_stopped() noexcept { phase_ = Phase::stopped, loss_.forget(); }
  void set_done(int code) noexcept { phase_ = Phase::done, exit_code_ = code; }
  void forget_failures() noexcept { delays_.reset(); }

  /// The restart policy of config() is another one now.
  void policies_changed() { delays_.set_policy(config_.restart); }
  void limit_lines(int per_second) noexcept { lines_.set_limit(per_second); }

  void tick(config::Duration now);

  /// Once a second, behind tick(). `is_source`: nothing feeds it, so that its waiting is its source's fault.
  flow::Loss::Event look_for_loss(config::Duration now, bool is_source, config::Duration lost_after);
  void told_of_failure(config::Duration now) noexcept { loss_.told(now); }
  const flow::Loss& loss() const noexcept { return loss_; }
  /// Why it does not run as it should: what it says of its source, else its last line. May be empty.
  std::string reason() const;
  void restart_ages(config::Duration now) noexcept;
  flow::StageView view(config::Duration now);
  control::StageStatus status(config::Duration now) const;

private:
  std::vector<std::string> environment() const;
  void read_log();
  void read_reports();
  void heard(std::string_view line);
  flow::Sight sight(config::Duration now, bool is_source) const;
  void tell_flow(control::StageStatus& status, config::Duration now) const;

  const config::StageConfig& config_;
  Host& host_;
  std::string clock_;
  flow::NotifySocket notify_;
  Pipe log_;
  Said said_;
  log::LineReader lines_;
  RestartDelays delays_;
  std::optional<flow::FlowTracker> flow_;  // of the present or the last process
  Phase phase_ = Phase::stopped;
  Intent intent_ = Intent::none;
  pid_t pid_ = 0;
  process::Loop::TimerId kill_timer_ = 0;
  config::Duration due_{0};
  int restarts_ = 0, exit_code_ = 0;
  std::string last_exit_, last_words_;  // of the last process
  std::string last_line_;               // of the present one, passwords hidden
  std::string hung_because_;
  flow::Loss loss_;
  std::optional<std::uint64_t> io_bytes_;
  config::Duration io_at_{0};
};

}  // namespace campipe::watch::chain
