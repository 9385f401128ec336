#pragma once
#include <array>
#include <csignal>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "watch/chain/chain_rig.hpp"
#include "watch/supervisor.hpp"

namespace campipe::watch::fake {

/// A supervisor over fake processes and a fake clock; its signals and its control socket are real.
class SupervisorTest : public testing::Test {
protected:
  SupervisorTest() { ::sigprocmask(SIG_SETMASK, nullptr, &mask_); }
  ~SupervisorTest() override {
    supervisor_.reset();
    ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
  }
  void run(const std::string& more = {}) {
    file_ = std::string(kHead) + more + "chains:\n" + kFront + kBack;
    supervisor_ = std::make_unique<Supervisor>(load(),
                                               SupervisorOptions{.control_socket = socket(),
                                                                 .echo = false,
                                                                 .single = false,
                                                                 .stats = {},
                                                                 .load = [this] { return load(); },
                                                                 .hangup_reloads = true},
                                               time_.loop, processes_);
    supervisor_->begin();
  }
  config::Config load() const {
    config::Config config = config::parse_config(file_, "test.yaml");
    if (config.log.dir.empty()) config.log.dir = folder_.path();
    return config;
  }
  std::string socket() const { return folder_.path() + "/socket"; }
  /// It learns of children by SIGCHLD.
  void end(const std::string& program, int code = 0, int signal = 0) {
    processes_.end(program, code, signal);
    send(SIGCHLD);
  }
  void send(int signal) {
    ::raise(signal);  // blocked: it comes by the descriptor
    time_.loop.turn();
  }
  /// Asks as `camwatch COMMAND TARGET` does; has reached the supervisor when the constructor is done. Its answer may
  /// need other things to happen first.
  class Request {
  public:
    Request(SupervisorTest& test, const std::string& command, const std::string& target)
        : test_(test), client_(connect_to(test.socket())) {
      const std::string line = nlohmann::json{{"command", command}, {"target", target}}.dump() + "\n";
      EXPECT_EQ(::send(client_.get(), line.data(), line.size(), MSG_NOSIGNAL), static_cast<ssize_t>(line.size()));
      test_.turn();
    }
    bool answered() {
      test_.turn();
      return !read().empty();
    }
    /// What it has by now; null when that is nothing.
    nlohmann::json answer() {
      EXPECT_TRUE(answered());
      return nlohmann::json::parse(text_, nullptr, false);
    }

  private:
    const std::string& read() {
      std::array<char, 16384> bytes;
      for (ssize_t got = 0; (got = ::recv(client_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT)) > 0;)
        text_.append(bytes.data(), static_cast<std::size_t>(got));
      return text_;
    }

    SupervisorTest& test_;
    Fd client_;
    std::string text_;
  };
  nlohmann::json ask(const std::string& command, const std::string& target = {}) {
    return Request(*this, command, target).answer();
  }
  /// A connection is taken in one turn, its request read in the next, answered in a third.
  void turn() {
    for (int i = 0; i < 4; ++i) time_.loop.turn();
  }
  std::string state_of(const std::string& chain) {
    const auto status = ask("status");
    for (const auto& one : status.at("chains")) {
      if (one.at("name") == chain) return one.at("state");
    }
    return "none";
  }

  static constexpr const char* kHead = "version: 1\ndefaults: {restart: {first: 100ms, max: 1s, jitter: none}}\n";
  static constexpr const char* kFront =
      "  front: {stages: {source: {cmd: [source]}, sink: {from: source, cmd: [sink]}}}\n";
  static constexpr const char* kBack = "  back: {stages: {only: {cmd: [only]}}}\n";

  std::string file_;  ///< what the configuration says now
  sigset_t mask_{};
  FakeTime time_;
  FakeProcesses processes_;
  TempFolder folder_;
  std::unique_ptr<Supervisor> supervisor_;
};

}  // namespace campipe::watch::fake
