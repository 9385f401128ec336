#include "watch/supervisor.hpp"

#include <csignal>

#include <gmock/gmock.h>

#include "watch/supervisor_rig.hpp"

namespace campipe::watch {
namespace {

using fake::FakeProcesses;
using fake::SupervisorTest;
using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

TEST_F(SupervisorTest, StartsAllChainsAndStopsThemOnSigterm) {
  run();
  EXPECT_TRUE(processes_.adopts);
  EXPECT_THAT(processes_.started(), ElementsAre("sink", "source", "only"));
  send(SIGTERM);
  EXPECT_THAT(processes_.terminated, ElementsAre("source", "only"));
  end("only");
  end("source");
  EXPECT_FALSE(time_.loop.stopped());
  end("sink");
  EXPECT_TRUE(time_.loop.stopped());
  EXPECT_EQ(supervisor_->finish(), 0);
  EXPECT_TRUE(processes_.killed_all);
}

TEST_F(SupervisorTest, SigtermDuringTheRestartOfAChainEndsIt) {
  run();
  Request restart(*this, "restart", "front");
  EXPECT_TRUE(processes_.of("source").got(SIGTERM));
  send(SIGTERM);
  for (const char* stage : {"source", "sink", "only"}) end(stage);
  EXPECT_TRUE(time_.loop.stopped());
  EXPECT_EQ(processes_.all.size(), 3U);
  EXPECT_EQ(supervisor_->finish(), 0);  // with the last answers
  EXPECT_EQ(restart.answer().at("ok"), false);
}

TEST_F(SupervisorTest, StopOfAChainDuringItsRestartWins) {
  run();
  Request restart(*this, "restart", "front");
  EXPECT_TRUE(processes_.of("source").got(SIGTERM));
  Request stop(*this, "stop", "front");
  EXPECT_EQ(state_of("front"), "stopping");
  end("source");
  EXPECT_FALSE(stop.answered());
  end("sink");
  EXPECT_EQ(stop.answer().at("ok"), true);
  const auto refused = restart.answer();
  EXPECT_EQ(refused.at("ok"), false);
  EXPECT_THAT(refused.at("message").get<std::string>(), HasSubstr("front was stopped"));
  EXPECT_EQ(state_of("front"), "stopped");
  EXPECT_EQ(processes_.starts("source"), 1U);
  EXPECT_EQ(ask("start", "front").at("ok"), true);
  EXPECT_EQ(processes_.starts("source"), 2U);
}

TEST_F(SupervisorTest, RestartOfAStageDuringItsStopIsRefused) {
  run();
  Request stop(*this, "stop", "front/sink");
  const auto refused = ask("restart", "front/sink");
  EXPECT_EQ(refused.at("ok"), false);
  EXPECT_EQ(refused.at("code"), 75);
  EXPECT_THAT(refused.at("message").get<std::string>(), HasSubstr("front/sink is stopping"));
  end("sink");
  EXPECT_EQ(stop.answer().at("ok"), true);
  EXPECT_EQ(ask("restart", "front/sink").at("ok"), true);
  time_.pass(10ms);
  EXPECT_EQ(processes_.starts("sink"), 2U);
}

TEST_F(SupervisorTest, RestartOfAChainIsAnsweredWhenItRunsAgain) {
  run();
  Request restart(*this, "restart", "back");
  EXPECT_TRUE(processes_.of("only").got(SIGTERM));
  end("only");
  EXPECT_EQ(restart.answer().at("ok"), true);
  EXPECT_EQ(processes_.starts("only"), 2U);
  EXPECT_EQ(processes_.starts("source"), 1U);
}

TEST_F(SupervisorTest, SecondSignalKillsAtOnce) {
  run();
  send(SIGTERM);
  send(SIGTERM);
  for (const char* stage : {"source", "sink", "only"}) {
    EXPECT_TRUE(processes_.of(stage).got(SIGKILL)) << stage;
    end(stage, 0, SIGKILL);
  }
  EXPECT_TRUE(time_.loop.stopped());
  EXPECT_EQ(supervisor_->finish(), 1);
}

TEST_F(SupervisorTest, FailedStageIsRestartedAndTheThirdTimeTheHookIsRun) {
  run("hooks: {failing: [tell, \"{chain}/{stage}\", \"{reason}\"]}\n");
  for (int i = 0; i < 3; ++i) {
    end("source", 66);
    time_.pass(500ms);
  }
  EXPECT_EQ(processes_.starts("source"), 4U);
  EXPECT_EQ(processes_.starts("sink"), 1U);
  ASSERT_EQ(processes_.starts("tell"), 1U);
  EXPECT_THAT(processes_.of("tell").command.argv,
              ElementsAre("tell", "front/source", "exit 66: no such file or device"));
  time_.pass(30s);
  EXPECT_TRUE(processes_.of("tell").got(SIGKILL));  // it has had its time
  end("tell", 0, SIGKILL);
  EXPECT_TRUE(processes_.of("tell").reaped);
}

TEST_F(SupervisorTest, OrphansOfAnEndedStageAreKilledAndOthersAreNot) {
  run();
  const pid_t lost = FakeProcesses::kFirst + 500, kept = lost + 1;
  processes_.orphans = {lost, kept};
  processes_.sessions = {{lost, processes_.of("only").pid}, {kept, processes_.of("sink").pid}};
  end("only", 1);
  EXPECT_THAT(processes_.killed, ElementsAre(lost));
}

TEST_F(SupervisorTest, EndsWithTheStagesCodeWhenAllChainsAreDone) {
  config::Config config =
      config::parse_config("version: 1\nchains: {c: {stages: {a: {cmd: [a], restart: never}}}}\n", "t.yaml");
  config.log.dir = folder_.path();
  supervisor_ = std::make_unique<Supervisor>(
      std::move(config),
      SupervisorOptions{.control_socket = socket(), .echo = false, .single = true, .stats = {}, .load = {}}, time_.loop,
      processes_);
  supervisor_->begin();
  end("a", 65);
  EXPECT_TRUE(time_.loop.stopped());
  EXPECT_EQ(supervisor_->finish(), 65);
}

TEST_F(SupervisorTest, CommandsToWhatIsNotThereAreRefused) {
  run();
  EXPECT_EQ(ask("restart", "side").at("code"), 66);
  EXPECT_EQ(ask("stop", "front/filter").at("code"), 66);
  EXPECT_EQ(ask("dance").at("code"), 76);
}

}  // namespace
}  // namespace campipe::watch
