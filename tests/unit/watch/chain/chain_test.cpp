#include "watch/chain/chain.hpp"

#include <gmock/gmock.h>
#include <poll.h>
#include <unistd.h>

#include "base/no_descriptors.hpp"
#include "watch/chain/chain_rig.hpp"

namespace campipe::watch {
namespace {

using fake::ChainRig;
using fake::kThree;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using namespace std::chrono_literals;

/// source |= filter | sink
const std::string kPair =
    "      source: {cmd: [source]}\n"
    "      filter: {from: source, link: paired, cmd: [filter]}\n"
    "      sink: {from: filter, cmd: [sink]}\n";

/// Whether what one writes comes to the other.
bool joined(ChainRig& rig, const std::string& from, const std::string& to) {
  std::array<char, 16> got{};
  pollfd ready{rig.processes.of(to).fd(0), POLLIN, 0};
  return ::write(rig.processes.of(from).fd(1), "frame", 5) == 5 && ::poll(&ready, 1, 0) == 1 &&
         ::read(ready.fd, got.data(), got.size()) == 5;
}

/// "CODE MESSAGE"
std::string refusal(const std::function<void()>& command) {
  try {
    command();
  } catch (const Error& error) {
    return std::to_string(static_cast<int>(error.code())) + " " + error.what();
  }
  return "none";
}

TEST(ChainStart, SinksStartFirstAndEachHasItsPipes) {
  ChainRig rig(kThree);
  rig.chain->start();
  EXPECT_THAT(rig.processes.started(), ElementsAre("sink", "filter", "source"));
  ASSERT_EQ(::write(rig.processes.of("source").fd(1), "frame", 5), 5);
  std::array<char, 16> got{};
  EXPECT_EQ(::read(rig.processes.of("filter").fd(0), got.data(), got.size()), 5);
  EXPECT_TRUE(rig.chain->all_ready());
  rig.chain->start();  // it runs: nothing to do
  EXPECT_EQ(rig.processes.all.size(), 3U);
}

TEST(ChainStart, ProgramThatCannotStartIsTriedAgainWithoutTheOthers) {
  ChainRig rig(kThree);
  rig.processes.missing = {"filter"};
  rig.chain->start();
  EXPECT_THAT(rig.processes.started(), ElementsAre("sink", "source"));
  EXPECT_FALSE(rig.chain->all_ready());
  rig.processes.missing.clear();
  rig.time.pass(100ms);
  EXPECT_THAT(rig.processes.started(), ElementsAre("sink", "source", "filter"));
  EXPECT_TRUE(rig.chain->all_ready());
}

TEST(ChainStart, PairThatCannotStartIsTriedAgainAsAPair) {
  ChainRig rig(kPair);
  rig.processes.missing = {"filter"};  // the first to start
  rig.chain->start();
  EXPECT_THAT(rig.processes.started(), ElementsAre("sink"));
  rig.processes.missing = {"source"};
  rig.time.pass(100ms);
  EXPECT_THAT(rig.processes.terminated, ElementsAre("filter"));
  rig.end("filter", 0, SIGTERM);
  rig.processes.missing.clear();
  rig.time.pass(1s);
  EXPECT_THAT(rig.processes.started(), ElementsAre("sink", "filter", "filter", "source"));
  EXPECT_TRUE(joined(rig, "source", "filter"));
}

TEST(ChainStart, WithoutDescriptorsItIsTriedAgain) {
  ChainRig rig(kThree);
  {
    const campipe::test::NoDescriptors none;
    rig.chain->start();
    rig.time.pass(1s);
    EXPECT_TRUE(rig.processes.started().empty());
    EXPECT_EQ(rig.chain->state(), chain::Chain::State::running);
    EXPECT_EQ(rig.state("source"), "restarting");
  }
  EXPECT_THAT(rig.log(), HasSubstr("source: cannot make a pipe: Too many open files: starting again in 100ms"));
  rig.time.pass(1s);
  EXPECT_THAT(rig.processes.started(), UnorderedElementsAre("sink", "filter", "source"));
  EXPECT_TRUE(joined(rig, "source", "filter"));
  EXPECT_TRUE(joined(rig, "filter", "sink"));
}

TEST(ChainStart, PipeToAStageThatStillWaitsHoldsNobodyUp) {
  ChainRig rig(
      "      source: {cmd: [source]}\n"
      "      sink: {from: source, required: false, restart: {first: 500ms}, cmd: [sink]}\n");
  {
    const campipe::test::NoDescriptors none;
    rig.chain->start();
  }
  rig.time.pass(100ms);
  EXPECT_THAT(rig.processes.started(), ElementsAre("source"));
  ASSERT_EQ(::write(rig.processes.of("source").fd(1), "frame", 5), 5);
  rig.time.pass(400ms);
  EXPECT_THAT(rig.processes.started(), ElementsAre("source", "sink"));
  EXPECT_TRUE(joined(rig, "source", "sink"));  // what it missed has been thrown away
}

TEST(ChainStart, ChainWithoutPipesCanBeStopped) {
  ChainRig rig(kThree);
  const campipe::test::NoDescriptors none;
  rig.chain->start();
  int stopped = 0;
  rig.chain->stop([&] { ++stopped; });
  EXPECT_EQ(stopped, 1);
  rig.time.pass(10s);
  EXPECT_TRUE(rig.processes.started().empty());
  EXPECT_EQ(rig.chain->state(), chain::Chain::State::stopped);
}

TEST(ChainStop, SourceIsAskedFirstAndTheOthersWhenTheirInputHasEnded) {
  ChainRig rig(kThree);
  rig.chain->start();
  int stopped = 0;
  rig.chain->stop([&] { ++stopped; });
  EXPECT_EQ(rig.chain->state(), chain::Chain::State::stopping);
  EXPECT_THAT(rig.processes.terminated, ElementsAre("source"));
  rig.end("source");
  EXPECT_THAT(rig.processes.terminated, ElementsAre("source"));  // the filter has the end of its input
  rig.end("filter");
  EXPECT_EQ(stopped, 0);
  rig.end("sink");
  EXPECT_EQ(stopped, 1);
  EXPECT_EQ(rig.chain->state(), chain::Chain::State::stopped);
  EXPECT_EQ(rig.processes.all.size(), 3U);
  rig.time.pass(60s);
  EXPECT_EQ(rig.processes.all.size(), 3U);
}

TEST(ChainStop, StageThatIgnoresTheEndOfItsInputIsAskedThenKilled) {
  ChainRig rig(kThree);  // drain 2 s, term 1 s
  rig.chain->start();
  rig.chain->stop([] {});
  rig.end("source");
  rig.time.pass(1990ms);
  EXPECT_FALSE(rig.processes.of("filter").got(SIGTERM));
  rig.time.pass(10ms);
  EXPECT_TRUE(rig.processes.of("filter").got(SIGTERM));
  rig.time.pass(990ms);
  EXPECT_FALSE(rig.processes.of("filter").got(SIGKILL));
  rig.time.pass(10ms);
  EXPECT_TRUE(rig.processes.of("filter").got(SIGKILL));
  EXPECT_FALSE(rig.processes.of("sink").got(SIGTERM));
  rig.end("filter", 0, SIGKILL);
  rig.end("sink");
  EXPECT_EQ(rig.chain->state(), chain::Chain::State::stopped);
}

TEST(ChainStop, SourceThatIgnoresSigtermIsKilled) {
  ChainRig rig(kThree);
  rig.chain->start();
  rig.chain->stop([] {});
  rig.time.pass(2990ms);
  EXPECT_FALSE(rig.processes.of("source").got(SIGKILL));
  rig.time.pass(10ms);
  EXPECT_TRUE(rig.processes.of("source").got(SIGKILL));
}

TEST(ChainStop, SecondStopIsAnsweredWithTheFirst) {
  ChainRig rig(kThree);
  rig.chain->start();
  int stopped = 0;
  rig.chain->stop([&] { ++stopped; });
  rig.chain->stop([&] { ++stopped; });
  EXPECT_THAT(rig.processes.terminated, ElementsAre("source"));
  for (const char* stage : {"source", "filter", "sink"}) rig.end(stage);
  EXPECT_EQ(stopped, 2);
  rig.chain->stop([&] { ++stopped; });  // it is stopped: at once
  EXPECT_EQ(stopped, 3);
}

TEST(ChainStop, StageThatDiesDuringTheStopStaysDown) {
  ChainRig rig(kThree);
  rig.chain->start();
  rig.chain->stop([] {});
  rig.end("sink", 1);
  rig.time.pass(1s);
  EXPECT_EQ(rig.processes.starts("sink"), 1U);
  EXPECT_THAT(rig.log(), HasSubstr("sink: exit 1"));
  rig.end("source");
  rig.end("filter");
  EXPECT_EQ(rig.chain->state(), chain::Chain::State::stopped);
}

TEST(ChainStop, StageThatWaitsForItsRestartIsNotStarted) {
  ChainRig rig(kThree);
  rig.chain->start();
  rig.end("filter", 1);
  EXPECT_EQ(rig.state("filter"), "restarting");
  rig.chain->stop([] {});
  rig.end("source");
  rig.end("sink");
  rig.time.pass(10s);
  EXPECT_EQ(rig.chain->state(), chain::Chain::State::stopped);
  EXPECT_EQ(rig.processes.starts("filter"), 1U);
}

TEST(ChainRestart, StartsAgainWhenNoProcessIsLeft) {
  ChainRig rig(kThree);
  rig.chain->start();
  int answered = 0;
  rig.chain->restart([&] { ++answered; });
  rig.end("source");
  rig.end("filter");
  EXPECT_EQ(rig.processes.all.size(), 3U);
  rig.end("sink");
  EXPECT_EQ(answered, 1);
  EXPECT_EQ(rig.chain->state(), chain::Chain::State::running);
  EXPECT_THAT(rig.processes.started(), ElementsAre("sink", "filter", "source", "sink", "filter", "source"));
}

TEST(ChainRestart, StopDuringARestartLeavesItStopped) {
  ChainRig rig(kThree);
  rig.chain->start();
  int restarted = 0, stopped = 0;
  rig.chain->restart([&] { ++restarted; });
  rig.end("source");
  rig.chain->stop([&] { ++stopped; });
  rig.end("filter");
  rig.end("sink");
  EXPECT_EQ(rig.chain->state(), chain::Chain::State::stopped);
  EXPECT_EQ(restarted, 1);  // it asks the state
  EXPECT_EQ(stopped, 1);
  rig.time.pass(60s);
  EXPECT_EQ(rig.processes.all.size(), 3U);
}

TEST(ChainRestart, RestartDuringAStopStartsIt) {
  ChainRig rig(kThree);
  rig.chain->start();
  rig.chain->stop([] {});
  rig.chain->restart([] {});
  for (const char* stage : {"source", "filter", "sink"}) rig.end(stage);
  EXPECT_EQ(rig.chain->state(), chain::Chain::State::running);
  EXPECT_EQ(rig.processes.all.size(), 6U);
}

TEST(ChainRestart, WishEndsWithTheStopItWasFor) {
  ChainRig rig(kThree);
  rig.chain->start();
  rig.chain->restart([] {});
  for (const char* stage : {"source", "filter", "sink"}) rig.end(stage);
  rig.chain->stop([] {});
  for (const char* stage : {"source", "filter", "sink"}) rig.end(stage);
  EXPECT_EQ(rig.chain->state(), chain::Chain::State::stopped);
}

TEST(ChainRestart, StoppedChainIsStartedAtOnce) {
  ChainRig rig(kThree);
  int answered = 0;
  rig.chain->restart([&] { ++answered; });
  EXPECT_EQ(answered, 1);
  EXPECT_EQ(rig.chain->state(), chain::Chain::State::running);
}

TEST(ChainFailures, DelaysGrowUpToTheLongest) {
  ChainRig rig(kThree);  // 100 ms, twice as long each time, at most 1 s
  rig.chain->start();
  std::size_t starts = 1;
  for (const config::Duration delay : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
    rig.end("filter", 1);
    rig.time.pass(delay - 10ms);
    EXPECT_EQ(rig.processes.starts("filter"), starts);
    rig.time.pass(10ms);
    EXPECT_EQ(rig.processes.starts("filter"), ++starts);
  }
  EXPECT_EQ(rig.processes.starts("source"), 1U);
  EXPECT_EQ(rig.processes.starts("sink"), 1U);
}

TEST(ChainFailures, LongRunStartsTheDelaysOver) {
  ChainRig rig(kThree);  // stable: 10 s
  rig.chain->start();
  for (int i = 0; i < 4; ++i) {
    rig.end("filter", 1);
    rig.time.pass(1s);
  }
  rig.time.pass(10s);
  rig.end("filter", 1);
  rig.time.pass(100ms);
  EXPECT_EQ(rig.processes.starts("filter"), 6U);
}

TEST(ChainFailures, ThirdInARowIsToldOnce) {
  ChainRig rig(kThree);
  rig.chain->start();
  for (int i = 0; i < 5; ++i) {
    rig.end("filter", 65);
    rig.time.pass(1s);
    EXPECT_EQ(rig.failing.size(), i < 2 ? 0U : 1U);
  }
  EXPECT_THAT(rig.failing, ElementsAre("filter: exit 65: bad input data"));
  EXPECT_EQ(rig.chain->status().state, "failing");
  rig.time.pass(10s);
  EXPECT_EQ(rig.chain->status().state, "running");
}

TEST(ChainFailures, PipeOutlivesItsReader) {
  ChainRig rig(kThree);
  rig.chain->start();
  const int to = rig.processes.of("source").fd(1);
  rig.end("filter", 0, SIGKILL);
  ASSERT_EQ(::write(to, "kept", 4), 4);
  rig.time.pass(100ms);
  std::array<char, 16> got{};
  EXPECT_EQ(::read(rig.processes.of("filter").fd(0), got.data(), got.size()), 4);
}

TEST(ChainFailures, PairedStagesRestartTogetherWithANewPipe) {
  ChainRig rig(kPair);
  rig.chain->start();
  ASSERT_EQ(::write(rig.processes.of("source").fd(1), "half", 4), 4);
  rig.end("filter", 1);
  EXPECT_TRUE(rig.processes.of("source").got(SIGTERM));
  rig.time.pass(5s, [] {});
  EXPECT_EQ(rig.processes.starts("filter"), 1U);  // its partner still has a process
  rig.end("source", 0, SIGTERM);
  rig.time.pass(100ms);
  EXPECT_EQ(rig.processes.starts("filter"), 2U);
  EXPECT_EQ(rig.processes.starts("source"), 2U);
  EXPECT_EQ(rig.processes.starts("sink"), 1U);
  ASSERT_EQ(::write(rig.processes.of("source").fd(1), "new", 3), 3);
  std::array<char, 16> got{};
  EXPECT_EQ(::read(rig.processes.of("filter").fd(0), got.data(), got.size()), 3);
}

TEST(ChainFailures, PairWithoutDescriptorsForItsNewPipeIsTriedAgain) {
  ChainRig rig(kPair);
  rig.chain->start();
  rig.end("source", 1);
  rig.end("filter", 0, SIGTERM);
  {
    const campipe::test::NoDescriptors none(campipe::test::NoDescriptors::Freed::stay_away);  // the old pipe's
    rig.time.pass(1s);
    EXPECT_EQ(rig.processes.all.size(), 3U);
  }
  rig.time.pass(1s);
  EXPECT_EQ(rig.processes.starts("source"), 2U);
  EXPECT_EQ(rig.processes.starts("filter"), 2U);
  EXPECT_EQ(rig.processes.starts("sink"), 1U);
  EXPECT_TRUE(joined(rig, "source", "filter"));
}

TEST(ChainGiveUp, RefusedCommandLineIsNotTriedAgain) {
  ChainRig rig(
      "      source: {cmd: [source], restart: {when: on-failure}}\n"
      "      sink: {from: source, cmd: [sink], restart: {when: on-failure}}\n");
  rig.chain->start();
  rig.end("sink", 64);
  rig.time.pass(60s);
  EXPECT_EQ(rig.processes.starts("sink"), 1U);
  EXPECT_EQ(rig.state("sink"), "done");
  EXPECT_EQ(rig.done, 0);
  rig.end("source", 0, SIGPIPE);  // nobody reads it any more: that is a good end
  EXPECT_EQ(rig.done, 1);
  EXPECT_EQ(rig.chain->state(), chain::Chain::State::done);
  EXPECT_EQ(rig.chain->exit_code(), 64);
}

TEST(ChainGiveUp, NeverMeansOnce) {
  ChainRig rig("      only: {cmd: [only], restart: {when: never}}\n");
  rig.chain->start();
  rig.end("only", 9);
  rig.time.pass(60s);
  EXPECT_EQ(rig.processes.all.size(), 1U);
  EXPECT_EQ(rig.chain->exit_code(), 9);
  EXPECT_EQ(rig.done, 1);
}

TEST(ChainCommands, RestartOfOneStageLeavesItsNeighbours) {
  ChainRig rig(kThree);
  rig.chain->start();
  const pid_t source = rig.pid("source"), sink = rig.pid("sink"), filter = rig.pid("filter");
  rig.chain->restart_stage(*rig.chain->find("filter"));
  EXPECT_THAT(rig.processes.terminated, ElementsAre("filter"));
  rig.end("filter");
  rig.time.pass(10ms);  // a command has no delay
  EXPECT_NE(rig.pid("filter"), filter);
  EXPECT_EQ(rig.pid("source"), source);
  EXPECT_EQ(rig.pid("sink"), sink);
  EXPECT_THAT(rig.failing, IsEmpty());
}

TEST(ChainCommands, StopOfAStageDuringItsRestartLeavesItStopped) {
  ChainRig rig(kThree);
  rig.chain->start();
  const std::size_t filter = *rig.chain->find("filter");
  int stopped = 0;
  rig.chain->restart_stage(filter);
  rig.chain->stop_stage(filter, [&] { ++stopped; });
  rig.end("filter");
  EXPECT_EQ(stopped, 1);
  rig.time.pass(60s);
  EXPECT_EQ(rig.processes.starts("filter"), 1U);
  EXPECT_EQ(rig.state("filter"), "stopped");
  rig.chain->start_stage(filter);
  rig.time.pass(10ms);
  EXPECT_EQ(rig.processes.starts("filter"), 2U);
}

TEST(ChainCommands, StartAndRestartOfAStageDuringItsStopAreRefused) {
  ChainRig rig(kThree);
  rig.chain->start();
  const std::size_t filter = *rig.chain->find("filter");
  rig.chain->stop_stage(filter, [] {});
  EXPECT_EQ(refusal([&] { rig.chain->restart_stage(filter); }), "75 c/filter is stopping");
  EXPECT_EQ(refusal([&] { rig.chain->start_stage(filter); }), "75 c/filter is stopping");
  rig.end("filter");
  rig.chain->restart_stage(filter);
  rig.time.pass(10ms);
  EXPECT_EQ(rig.processes.starts("filter"), 2U);
}

TEST(ChainCommands, StartAndRestartOfAStageDuringTheStopOfItsChainAreRefused) {
  ChainRig rig(kThree);
  rig.chain->start();
  const std::size_t sink = *rig.chain->find("sink");
  rig.chain->stop([] {});
  EXPECT_EQ(refusal([&] { rig.chain->restart_stage(sink); }), "75 c is stopping");
  EXPECT_EQ(refusal([&] { rig.chain->start_stage(sink); }), "75 c is stopping");
  for (const char* stage : {"source", "filter", "sink"}) rig.end(stage);
  EXPECT_EQ(refusal([&] { rig.chain->restart_stage(sink); }), "75 c is stopped: start the chain");
}

TEST(ChainCommands, StopOfTheChainDuringTheStopOfAStageAnswersBoth) {
  ChainRig rig(kThree);
  rig.chain->start();
  int stage_stopped = 0, chain_stopped = 0;
  rig.chain->stop_stage(*rig.chain->find("sink"), [&] { ++stage_stopped; });
  rig.chain->stop([&] { ++chain_stopped; });
  for (const char* stage : {"source", "filter", "sink"}) rig.end(stage);
  EXPECT_EQ(stage_stopped, 1);
  EXPECT_EQ(chain_stopped, 1);
  EXPECT_EQ(rig.chain->state(), chain::Chain::State::stopped);
}

/// All three report each second; `silent` sends no sign of life, `stuck` takes nothing.
struct Reporting {
  ChainRig& rig;
  std::string silent, stuck;
  int frames = 0;

  void operator()() {
    ++frames;
    for (const std::string stage : {"source", "filter", "sink"}) {
      if (stage == silent) continue;
      int& count = counts[stage];
      if (stage != stuck) count = frames;
      rig.processes.of(stage).report(
          "WATCHDOG=1\nX_CAMPIPE_STATE=flowing\nX_CAMPIPE_BLOCKED=0\nX_CAMPIPE_FRAMES_IN=" + std::to_string(count) +
          "\nX_CAMPIPE_FRAMES_OUT=" + std::to_string(count) + "\nX_CAMPIPE_LAST_US=1\n");
    }
  }
  std::map<std::string, int> counts;
};

TEST(ChainWatchdog, StageWithoutASignOfLifeIsRestartedAndItsNeighboursAreNot) {
  ChainRig rig(kThree);  // heartbeat: 5 s
  rig.chain->start();
  const pid_t source = rig.pid("source"), sink = rig.pid("sink");
  Reporting reports{.rig = rig, .silent = {}, .stuck = {}, .counts = {}};
  rig.pass(10s, std::ref(reports));
  EXPECT_THAT(rig.processes.terminated, IsEmpty());
  reports.silent = "filter";
  rig.pass(5s, std::ref(reports));
  EXPECT_THAT(rig.processes.terminated, IsEmpty());
  rig.pass(1s, std::ref(reports));
  EXPECT_THAT(rig.processes.terminated, ElementsAre("filter"));
  EXPECT_THAT(rig.log(), HasSubstr("filter: no sign of life"));
  rig.end("filter", 0, SIGTERM);
  reports.silent.clear();
  rig.pass(10s, std::ref(reports));
  EXPECT_EQ(rig.processes.starts("filter"), 2U);
  EXPECT_EQ(rig.pid("source"), source);
  EXPECT_EQ(rig.pid("sink"), sink);
  EXPECT_THAT(rig.processes.terminated, ElementsAre("filter"));
}

TEST(ChainWatchdog, StageThatTakesNothingIsRestartedAndKilledWhenItDoesNotEnd) {
  ChainRig rig(kThree);  // stall: 3 s, term: 1 s
  rig.chain->start();
  Reporting reports{.rig = rig, .silent = {}, .stuck = {}, .counts = {}};
  rig.pass(3s, std::ref(reports));
  ASSERT_EQ(::write(rig.processes.of("source").fd(1), "frame", 5), 5);
  reports.stuck = "filter";
  rig.pass(3s, std::ref(reports));
  EXPECT_THAT(rig.processes.terminated, IsEmpty());
  rig.pass(2s, std::ref(reports));
  EXPECT_THAT(rig.processes.terminated, ElementsAre("filter"));
  EXPECT_THAT(rig.log(), HasSubstr("filter: does not take its input"));
  rig.time.pass(1s);
  EXPECT_TRUE(rig.processes.of("filter").got(SIGKILL));
}

TEST(ChainWatchdog, NobodyIsJudgedByWhatWasMissed) {
  ChainRig rig(kThree);
  rig.chain->start();
  Reporting reports{.rig = rig, .silent = {}, .stuck = {}, .counts = {}};
  rig.pass(3s, std::ref(reports));
  rig.time.now += 60s;  // we were stopped
  rig.chain->tick(true);
  rig.pass(3s, std::ref(reports));
  EXPECT_THAT(rig.processes.terminated, IsEmpty());
}

}  // namespace
}  // namespace campipe::watch
