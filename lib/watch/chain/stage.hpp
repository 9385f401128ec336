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
#include "watch/flow/notify_socket.hpp"
#include "watch/log/line_reader.hpp"

namespace campipe::watch {

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
  int code = 0;    ///< of exit(2), or 128 + signal
  int signal = 0;  ///< 0 = none
  std::string text;
  Duration lasted{0};
  bool worked = false;  ///< it has passed frames
};

/// One program of a chain over all its runs: the process there is now, its stderr, what it reports, when it may start
/// again. Who decides is Chain.
class Stage {
public:
  enum class Phase { stopped, running, ending, waiting, done };
  using Said = std::function<void(std::string_view line)>;

  /// @param said  Takes each line of its stderr.
  Stage(const StageConfig& config, Host& host, std::string clock, Said said);
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  const StageConfig& config() const noexcept { return config_; }
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
  void end(Intent intent, Duration patience);
  void kill() noexcept;

  /// The process has ended and is still to be reaped; the rest of its group is killed. `status` as of waitpid(2).
  Exit ended(int status);

  /// When it may start again after a failed run.
  Duration delay_after(Duration lasted, bool worked) { return delays_.after_failure(lasted, worked); }

  void set_waiting(Duration until) noexcept { phase_ = Phase::waiting, due_ = until; }
  Duration due() const noexcept { return due_; }
  void set_stopped() noexcept { phase_ = Phase::stopped; }
  void set_done(int code) noexcept { phase_ = Phase::done, exit_code_ = code; }
  void forget_failures() noexcept { delays_.reset(); }

  void tick(Duration now);
  void restart_ages(Duration now) noexcept;
  StageView view(Duration now);
  StageStatus status(Duration now) const;

private:
  std::vector<std::string> environment() const;
  void read_log();
  void read_reports();

  const StageConfig& config_;
  Host& host_;
  std::string clock_;
  NotifySocket notify_;
  Pipe log_;
  LineReader lines_;
  RestartDelays delays_;
  std::optional<FlowTracker> flow_;  // of the present or the last process
  Phase phase_ = Phase::stopped;
  Intent intent_ = Intent::none;
  pid_t pid_ = 0;
  Loop::TimerId kill_timer_ = 0;
  Duration due_{0};
  int starts_ = 0, exit_code_ = 0;
  std::string last_exit_;
  std::optional<std::uint64_t> io_bytes_;
  Duration io_at_{0};
};

}  // namespace campipe::watch
