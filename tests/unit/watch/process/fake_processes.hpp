#pragma once
#include <algorithm>
#include <csignal>
#include <cstring>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "watch/process/processes.hpp"

namespace campipe::watch::fake {

/// Processes that exist in here only: a test says how they end and what they report. A program is known by the first
/// word of its command.
class FakeProcesses final : public process::Processes {
public:
  static constexpr pid_t kFirst = 10'000'000;  // above all that the kernel gives out

  struct Process {
    pid_t pid = 0;
    std::string program;
    process::Command command;
    std::vector<int> signals;
    bool ended = false, reaped = false;

    bool got(int signal) const { return std::ranges::find(signals, signal) != signals.end(); }
    /// The descriptor of the chain's that it gets as `number`; -1 = none.
    int fd(int number) const {
      const auto found = std::ranges::find(command.fds, number, &std::pair<int, int>::first);
      return found == command.fds.end() ? -1 : found->second;
    }
    std::string variable(const std::string& name) const {
      for (const std::string& entry : command.env) {
        if (entry.starts_with(name + "=")) return entry.substr(name.size() + 1);
      }
      return {};
    }
    /// An sd_notify(3) message of this process.
    void report(const std::string& text) const {
      const std::string socket = variable("NOTIFY_SOCKET");
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      std::memcpy(address.sun_path + 1, socket.data() + 1, socket.size() - 1);
      const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket.size());
      const Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      const ssize_t sent =
          ::sendto(fd.get(), text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&address), length);
      ASSERT_EQ(sent, static_cast<ssize_t>(text.size()));
    }
  };

  void adopt_orphans() override { adopts = true; }
  pid_t start(const process::Command& command) override {
    const std::string& program = command.argv.front();
    if (missing.contains(program)) throw Error(ExitCode::no_input, program + ": there is no such program");
    const pid_t pid = kFirst + static_cast<pid_t>(all.size());
    all.push_back({.pid = pid, .program = program, .command = command, .signals = {}});
    return pid;
  }
  void signal_group(pid_t leader, int signal) noexcept override {
    Process& process = at(leader);
    process.signals.push_back(signal);
    if (signal == SIGTERM) terminated.push_back(process.program);
  }
  void kill(pid_t pid) noexcept override { killed.insert(pid); }
  std::optional<Ended> next_ended() override { return waiting.empty() ? std::nullopt : std::optional(waiting.front()); }
  void reap(pid_t pid) noexcept override {
    if (pid >= kFirst && pid < kFirst + static_cast<pid_t>(all.size())) at(pid).reaped = true;
    std::erase_if(waiting, [&](const Ended& one) { return one.pid == pid; });
  }
  std::vector<pid_t> children() override { return orphans; }
  pid_t session_of(pid_t pid) noexcept override {
    const auto found = sessions.find(pid);
    return found == sessions.end() ? -1 : found->second;
  }
  std::optional<std::uint64_t> io_bytes(pid_t) override { return std::nullopt; }
  void kill_all() override { killed_all = true; }

  /// The newest process of a program; must exist.
  Process& of(const std::string& program) {
    const auto found = std::find_if(all.rbegin(), all.rend(), [&](const auto& one) { return one.program == program; });
    EXPECT_NE(found, all.rend()) << program << " was never started";
    return *found;
  }
  Process& at(pid_t pid) { return all[static_cast<std::size_t>(pid - kFirst)]; }
  std::size_t starts(const std::string& program) const {
    return static_cast<std::size_t>(std::ranges::count(all, program, &Process::program));
  }
  /// The programs in the order in which they were started.
  std::vector<std::string> started() const {
    std::vector<std::string> names;
    for (const Process& one : all) names.push_back(one.program);
    return names;
  }
  /// It has ended; whoever looks for children that have ended finds it.
  Ended end(const std::string& program, int code = 0, int signal = 0) {
    Process& process = of(program);
    EXPECT_FALSE(std::exchange(process.ended, true)) << program << " has ended before";
    return waiting.emplace_back(Ended{process.pid, signal != 0 ? signal : code << 8});
  }

  std::deque<Process> all;
  std::vector<std::string> terminated;  ///< programs that got SIGTERM, in that order
  std::set<std::string> missing;        ///< programs that cannot be started
  std::vector<Ended> waiting;
  std::vector<pid_t> orphans;
  std::map<pid_t, pid_t> sessions;
  std::set<pid_t> killed;
  bool adopts = false, killed_all = false;
};

}  // namespace campipe::watch::fake
