#include <gmock/gmock.h>

#include "watch/chain/chain_rig.hpp"

namespace campipe::watch {
namespace {

using fake::ChainRig;
using fake::kThree;
using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

/// A chain whose stages report each second as a test says.
class ChainLossTest : public testing::Test {
protected:
  ChainLossTest() { rig_.chain->start(); }
  void says(const std::string& program, const std::string& report) { reports_[program] = report; }
  void pass(int seconds) {
    rig_.pass(std::chrono::seconds(seconds), [&] {
      ++second_;
      for (const auto& [program, report] : reports_) {
        const std::string count = std::to_string(30 * second_);
        rig_.processes.of(program).report("WATCHDOG=1\nX_CAMPIPE_FRAMES_IN=" +
                                          (report.starts_with("flow") ? count : "1") + "\nX_CAMPIPE_STATE=" + report);
      }
    });
  }
  std::string chain_state() const { return rig_.chain->status().state; }

  ChainRig rig_{kThree};
  std::map<std::string, std::string> reports_;
  int second_ = 0;
};

TEST_F(ChainLossTest, SourceThatOnlyWaitsIsLostAndItsVictimsAreNot) {
  for (const char* stage : {"source", "filter", "sink"}) says(stage, "waiting");
  pass(10);
  EXPECT_EQ(chain_state(), "running");
  pass(2);
  EXPECT_THAT(rig_.happened, ElementsAre("lost source: it says no reason"));
  EXPECT_EQ(chain_state(), "lost");
  EXPECT_EQ(rig_.state("source"), "lost");
  EXPECT_EQ(rig_.state("filter"), "waiting");
  EXPECT_THAT(rig_.processes.terminated, IsEmpty());
  pass(60);
  EXPECT_EQ(rig_.happened.size(), 1U);
  for (const char* stage : {"source", "filter", "sink"}) says(stage, "flowing");
  pass(2);
  EXPECT_THAT(rig_.happened, ElementsAre("lost source: it says no reason", testing::StartsWith("recovered source: ")));
  EXPECT_EQ(chain_state(), "running");
}

TEST_F(ChainLossTest, ReasonIsWhatTheStageSaysOfItsSource) {
  says("source", "waiting\nX_CAMPIPE_SOURCE=lost\nX_CAMPIPE_SOURCE_REASON=Connection refused");
  pass(12);
  EXPECT_THAT(rig_.happened, ElementsAre("lost source: Connection refused"));
  EXPECT_EQ(rig_.chain->status().stages.front().reason, "Connection refused");
}

TEST_F(ChainLossTest, VictimThatTellsOfTheLossShowsItAndRunsNoHook) {
  says("source", "waiting\nX_CAMPIPE_SOURCE=lost\nX_CAMPIPE_SOURCE_REASON=gone");
  says("filter", "waiting\nX_CAMPIPE_SOURCE=lost\nX_CAMPIPE_SOURCE_REASON=gone");
  pass(12);
  EXPECT_EQ(rig_.state("filter"), "lost");
  EXPECT_THAT(rig_.happened, ElementsAre("lost source: gone"));
}

TEST_F(ChainLossTest, RestIsNoLoss) {
  for (const char* stage : {"source", "filter", "sink"}) says(stage, "idle\nX_CAMPIPE_SOURCE=resting");
  pass(60);
  EXPECT_THAT(rig_.happened, IsEmpty());
  EXPECT_EQ(chain_state(), "running");
}

TEST_F(ChainLossTest, StoppedByCommandIsForgotten) {
  says("source", "waiting");
  pass(12);
  bool stopped = false;
  rig_.chain->stop_stage(*rig_.chain->find("source"), [&] { stopped = true; });
  reports_.clear();
  rig_.end("source");
  EXPECT_TRUE(stopped);
  EXPECT_EQ(chain_state(), "running");
  EXPECT_FALSE(rig_.chain->status().stages.front().lost);
}

TEST_F(ChainLossTest, FailuresThatWereToldRecover) {
  for (int i = 0; i < 3; ++i) {
    rig_.end("source", 66);
    rig_.pass(1s);
  }
  EXPECT_THAT(rig_.failing, ElementsAre("source: exit 66: no such file or device"));
  EXPECT_EQ(rig_.chain->status().stages.front().restarts, 3);
  says("source", "flowing");
  pass(2);
  EXPECT_THAT(rig_.happened, ElementsAre(testing::StartsWith("recovered source: ")));
}

TEST(ChainLoss, ReaderOfARingAndAServerAreNoSourceAndCamerasAre) {
  ChainRig rig(
      "      camgrab: {cmd: [camgrab, -o, \"shm:x\"]}\n"
      "      camenc: {cmd: [camenc, -i, \"shm:x\", -o, \"shm:y\"]}\n"
      "      camserve: {cmd: [camserve, \"shm:*\"]}\n");
  rig.chain->start();
  rig.pass(12s, [&] {
    for (const char* program : {"camgrab", "camenc", "camserve"})
      rig.processes.of(program).report("WATCHDOG=1\nX_CAMPIPE_STATE=waiting");
  });
  EXPECT_THAT(rig.happened, ElementsAre(testing::StartsWith("lost camgrab: ")));
  EXPECT_EQ(rig.state("camenc"), "waiting");
}

TEST(ChainLoss, RestartsOfPartnersCountWithTheFaultAndNotWithACommand) {
  ChainRig rig(
      "      source: {cmd: [source]}\n"
      "      filter: {from: source, link: paired, cmd: [filter]}\n");
  rig.chain->start();
  const auto restarts = [&](std::size_t i) { return rig.chain->status().stages.at(i).restarts; };
  rig.chain->restart_stage(1);
  rig.end("filter", 0, SIGTERM);
  rig.end("source", 0, SIGTERM);
  rig.pass(1s);
  EXPECT_EQ(restarts(0) + restarts(1), 0);
  rig.end("filter", 1);
  rig.end("source", 0, SIGTERM);
  rig.pass(1s);
  EXPECT_EQ(restarts(0), 1);
  EXPECT_EQ(restarts(1), 1);
}

}  // namespace
}  // namespace campipe::watch
