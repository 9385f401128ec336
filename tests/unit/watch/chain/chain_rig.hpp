#pragma once
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "watch/chain/chain.hpp"
#include "watch/process/fake_processes.hpp"

namespace campipe::watch::fake {

using namespace std::chrono_literals;

/// A new folder, gone afterwards.
class TempFolder {
public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "campipe-unit-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::string& path() const { return path_; }

private:
  std::string path_;
};

/// A client of the socket that is listening at `path`.
inline Fd connect_to(const std::string& path) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return fd;
}

/// A loop whose clock stands still until a test moves it.
class FakeTime {
public:
  process::Loop loop{[this] { return now; }};
  config::Duration now = 1000s;

  /// Moves the clock in small steps, with all that falls due on the way.
  void pass(config::Duration length, const std::function<void()>& each_second = {}) {
    constexpr config::Duration kStep = 10ms;
    for (config::Duration end = now + length; now < end;) {
      now += std::min(kStep, end - now);
      loop.turn();
      if (each_second && now % 1s == config::Duration(0)) each_second();
    }
  }
};

/// One chain over processes and a clock that are fakes. Stages are called as their programs.
class ChainRig {
public:
  /// @param stages  of the chain "c", as in camwatch.yaml(5), indented by six.
  explicit ChainRig(const std::string& stages)
      : config(config::parse_config(
            "version: 1\ndefaults: {restart: {first: 100ms, max: 1s, jitter: none}}\nchains:\n  c:\n"
            "    stages:\n" +
                stages,
            "rig.yaml")),
        host{.loop = time.loop,
             .processes = processes,
             .environment = {},
             .log = config.log,
             .happened = [this](const hooks::Happening& what) { heard(what); },
             .chain_done = [this] { ++done; }} {
    host.log.dir = folder.path();
    chain = std::make_unique<chain::Chain>(config.chains.front(), config.file, host);
  }

  void heard(const hooks::Happening& what) {
    const std::string text = what.stage + ": " + what.reason;
    if (what.event == hooks::Event::failing) return failing.push_back(text);
    happened.push_back(std::string(hooks::name(what.event)) + " " + text);
  }

  /// What the supervisor does when a child has ended.
  void end(const std::string& program, int code = 0, int signal = 0) {
    const auto ended = processes.end(program, code, signal);
    EXPECT_TRUE(chain->child_ended(ended.pid, ended.status));
    EXPECT_TRUE(processes.at(ended.pid).reaped);
  }
  /// As the supervisor, a look a second.
  void pass(config::Duration length, const std::function<void()>& each_second = {}) {
    time.pass(length, [&] {
      if (each_second) each_second();
      time.loop.turn();  // what was just reported
      chain->tick(false);
    });
  }
  std::string state(const std::string& stage) const { return chain->status().stages.at(*chain->find(stage)).state; }
  pid_t pid(const std::string& stage) const { return chain->status().stages.at(*chain->find(stage)).pid; }
  std::string log() const {
    std::ifstream file(folder.path() + "/c.log");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  FakeTime time;
  FakeProcesses processes;
  TempFolder folder;
  config::Config config;
  std::vector<std::string> failing;   ///< "STAGE: REASON"
  std::vector<std::string> happened;  ///< "EVENT STAGE: REASON", all but failing
  int done = 0;
  chain::Host host;
  std::unique_ptr<chain::Chain> chain;
};

/// source | filter | sink
inline const std::string kThree =
    "      source: {cmd: [source]}\n"
    "      filter: {from: source, cmd: [filter]}\n"
    "      sink: {from: filter, cmd: [sink]}\n";

}  // namespace campipe::watch::fake
