#include "watch/process/processes.hpp"

#include <cerrno>
#include <csignal>
#include <ctime>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.hpp"
#include "watch/process/process_io.hpp"

namespace campipe::watch::process {

void SystemProcesses::adopt_orphans() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) throw_errno(errno, "cannot become the reaper of orphans");
}

pid_t SystemProcesses::start(const Command& command) {
  return spawn(command);
}

void SystemProcesses::signal_group(pid_t leader, int signal) noexcept {
  ::kill(-leader, signal);
}

void SystemProcesses::kill(pid_t pid) noexcept {
  ::kill(pid, SIGKILL);
}

std::optional<Processes::Ended> SystemProcesses::next_ended() {
  siginfo_t info{};
  if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return std::nullopt;
  const int status = info.si_code == CLD_EXITED ? (info.si_status & 0xFF) << 8 : info.si_status & 0x7F;
  return Ended{info.si_pid, status};
}

void SystemProcesses::reap(pid_t pid) noexcept {
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::vector<pid_t> SystemProcesses::children() {
  return children_of(::getpid());
}

pid_t SystemProcesses::session_of(pid_t pid) noexcept {
  return ::getsid(pid);
}

std::optional<std::uint64_t> SystemProcesses::io_bytes(pid_t pid) {
  return process::io_bytes(pid);
}

void SystemProcesses::kill_all() {
  constexpr timespec kMoment{0, 5'000'000};
  for (int round = 0; round < 200; ++round) {  // 1 s: SIGKILL needs no more, unless a driver hangs
    const auto all = children();
    if (all.empty()) return;
    for (const pid_t pid : all) kill(pid);
    ::nanosleep(&kMoment, nullptr);
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }
}

}  // namespace campipe::watch::process
