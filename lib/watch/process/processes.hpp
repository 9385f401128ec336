#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include <sys/types.h>

#include "watch/process/spawn.hpp"

namespace campipe::watch::process {

/// The processes of the machine as far as the supervisor, its chains and stages deal with them; a fake in tests.
class Processes {
public:
  struct Ended {
    pid_t pid = 0;
    int status = 0;  ///< as of waitpid(2)
  };

  virtual ~Processes() = default;

  /// From now on what our children leave behind becomes our child (a subreaper). Throws Error.
  virtual void adopt_orphans() = 0;
  /// As spawn(): the leader of a group and session of its own. Throws Error.
  virtual pid_t start(const Command& command) = 0;
  virtual void signal_group(pid_t leader, int signal) noexcept = 0;
  virtual void kill(pid_t pid) noexcept = 0;

  /// A child that has ended and is still to be reaped: until then its number, and its group's, is nobody else's. The
  /// same again until reap().
  virtual std::optional<Ended> next_ended() = 0;
  virtual void reap(pid_t pid) noexcept = 0;

  /// Our children, orphans that came to us included.
  virtual std::vector<pid_t> children() = 0;
  /// Below 0: there is no such process any more.
  virtual pid_t session_of(pid_t pid) noexcept = 0;
  /// As io_bytes() of process_io.hpp.
  virtual std::optional<std::uint64_t> io_bytes(pid_t pid) = 0;
  /// Kills all children, and those they leave us, and reaps them.
  virtual void kill_all() = 0;
};

/// The kernel's. For the main thread (spawn()).
class SystemProcesses final : public Processes {
public:
  void adopt_orphans() override;
  pid_t start(const Command& command) override;
  void signal_group(pid_t leader, int signal) noexcept override;
  void kill(pid_t pid) noexcept override;
  std::optional<Ended> next_ended() override;
  void reap(pid_t pid) noexcept override;
  std::vector<pid_t> children() override;
  pid_t session_of(pid_t pid) noexcept override;
  std::optional<std::uint64_t> io_bytes(pid_t pid) override;
  void kill_all() override;
};

}  // namespace campipe::watch::process
