#include "watch/chain/stage.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include "watch/chain/chain_rig.hpp"

namespace campipe::watch {
namespace {

using fake::FakeProcesses;
using fake::FakeTime;
using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

class StageTest : public testing::Test {
protected:
  static config::StageConfig grab() {
    config::StageConfig config;
    config.name = "grab";
    config.cmd = {"grab", "--url", "rtsp://user:secret@192.0.2.7/"};
    config.restart.jitter = false;
    return config;
  }
  void start() { stage_.start(config_.cmd, {}); }
  FakeProcesses::Process& process() { return processes_.of("grab"); }
  chain::Exit end(int code, int signal = 0) { return stage_.ended(processes_.end("grab", code, signal).status); }
  control::StageStatus status() { return stage_.status(time_.now); }

  FakeTime time_;
  FakeProcesses processes_;
  config::StageConfig config_ = grab();
  chain::Host host_{.loop = time_.loop,
                    .processes = processes_,
                    .environment = {{"PATH", "/bin"}, {"LANG", "C"}},
                    .log = {},
                    .happened = {},
                    .chain_done = {}};
  std::vector<std::string> lines_;
  chain::Stage stage_{config_, host_, "clock", [this](std::string_view line) { lines_.emplace_back(line); }};
};

TEST_F(StageTest, ProcessGetsItsEnvironmentAndTheLog) {
  config_.env = {{"LANG", "de"}};
  start();
  EXPECT_EQ(process().variable("LANG"), "de");
  EXPECT_EQ(process().variable("PATH"), "/bin");
  EXPECT_EQ(process().variable("CAMPIPE_CLOCK"), "clock");
  EXPECT_EQ(process().variable("WATCHDOG_USEC"), "5000000");
  EXPECT_EQ(process().fd(0), -1);
  ASSERT_EQ(::write(process().fd(2), "one\ntw", 6), 6);
  ASSERT_EQ(::write(process().fd(1), "o\n", 2), 2);  // without a reader its output is shown, too
  time_.loop.turn();
  EXPECT_THAT(lines_, ElementsAre("one", "two"));
}

TEST_F(StageTest, LastWordsAreReadWhenItHasEnded) {
  start();
  ASSERT_EQ(::write(process().fd(2), "no camera", 9), 9);
  const chain::Exit exit = end(66);
  EXPECT_THAT(lines_, ElementsAre("no camera"));
  EXPECT_EQ(exit.code, 66);
  EXPECT_EQ(exit.signal, 0);
  EXPECT_EQ(exit.text, "exit 66: no such file or device");
  EXPECT_EQ(exit.with_words(), "exit 66: no such file or device: no camera");
  EXPECT_EQ(status().last_words, "no camera");
  EXPECT_FALSE(stage_.alive());
}

TEST_F(StageTest, LastWordsAreThoseOfThatProcessWithoutItsNameAndPasswords) {
  start();
  const std::string text = "grab: rtsp://user:secret@192.0.2.7/: gone \x1b[31m\n";
  ASSERT_EQ(::write(process().fd(2), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  EXPECT_EQ(end(74).said, "rtsp://user:***@192.0.2.7/: gone \\x1b[31m");
  start();
  EXPECT_EQ(end(74).said, "");
  start();
  const std::string bye = "grab: 300 frames\n";
  ASSERT_EQ(::write(process().fd(2), bye.data(), bye.size()), static_cast<ssize_t>(bye.size()));
  EXPECT_EQ(end(0).said, "");  // no failure to explain
}

TEST_F(StageTest, EndOfOneThatHungSaysSo) {
  start();
  stage_.end_hung("no sign of life for 5.1 s", 1s);
  EXPECT_EQ(end(0).text, "hung: no sign of life for 5.1 s");
  EXPECT_EQ(status().last_exit, "hung: no sign of life for 5.1 s");
}

TEST_F(StageTest, BlockedByItsReaderIsNoStall) {
  start();
  process().report("X_CAMPIPE_STATE=stalled\nX_CAMPIPE_LAST_US=1\nX_CAMPIPE_BLOCKED=1\n");
  time_.loop.turn();
  EXPECT_EQ(status().state, "blocked");
  for (int i = 0; i < 60; ++i) {
    stage_.look_for_loss(time_.now, true, 10s);
    time_.pass(1s);
  }
  EXPECT_FALSE(status().lost);
}

TEST_F(StageTest, FrameIsAsOldAsItWasInTheReportWhileFramesFlow) {
  start();
  const auto report = [&](const char* state, config::Duration last) {
    process().report(std::string("X_CAMPIPE_STATE=") + state + "\nX_CAMPIPE_LAST_US=" +
                     std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(last).count()));
    time_.loop.turn();
  };
  report("flowing", time_.now - 20ms);
  time_.pass(900ms);
  EXPECT_DOUBLE_EQ(*status().last_frame_age_s, 0.02);
  report("stalled", time_.now - 3s);
  time_.pass(500ms);
  EXPECT_DOUBLE_EQ(*status().last_frame_age_s, 3.5);
}

TEST_F(StageTest, EndBySignalIsToldAsAShellWould) {
  start();
  time_.pass(3s);
  const chain::Exit exit = end(0, SIGSEGV);
  EXPECT_EQ(exit.code, 128 + SIGSEGV);
  EXPECT_EQ(exit.signal, SIGSEGV);
  EXPECT_EQ(exit.text, "killed by SIGSEGV");
  EXPECT_EQ(exit.lasted, config::Duration(3s));
  EXPECT_FALSE(exit.worked);
  EXPECT_TRUE(process().got(SIGKILL));  // the rest of its group
  EXPECT_TRUE(process().reaped);
}

TEST_F(StageTest, EndAsksThenKills) {
  start();
  stage_.end(chain::Intent::stop, 1s);
  EXPECT_EQ(status().state, "ending");
  EXPECT_THAT(process().signals, ElementsAre(SIGTERM, SIGCONT));
  stage_.end(chain::Intent::restart, 10s);  // it is being ended already
  EXPECT_EQ(stage_.intent(), chain::Intent::stop);
  time_.pass(990ms);
  EXPECT_FALSE(process().got(SIGKILL));
  time_.pass(10ms);
  EXPECT_TRUE(process().got(SIGKILL));
}

TEST_F(StageTest, ProcessThatEndsInTimeLeavesNoTimerForTheNext) {
  start();
  stage_.end(chain::Intent::restart, 1s);
  end(0);
  start();
  const auto signals = process().signals;
  time_.pass(10s);
  EXPECT_EQ(process().signals, signals);
  EXPECT_EQ(stage_.intent(), chain::Intent::none);
}

TEST_F(StageTest, ReportsOfTheProcessBeforeAreNotTheNextOnes) {
  start();
  process().report("READY=1\nX_CAMPIPE_STATE=flowing\nX_CAMPIPE_FRAMES_OUT=7\n");
  end(1);
  start();
  time_.loop.turn();
  EXPECT_EQ(status().state, "running");
  EXPECT_FALSE(status().ready);
  process().report("READY=1\nX_CAMPIPE_STATE=flowing\nX_CAMPIPE_FRAMES_OUT=1\n");
  time_.loop.turn();
  EXPECT_EQ(status().state, "flowing");
  EXPECT_TRUE(status().ready);
  EXPECT_EQ(status().frames_out, 1U);
  EXPECT_TRUE(end(0).worked);
}

TEST_F(StageTest, ThreeFailuresAreFailingUntilARunLasts) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(stage_.failing());
    start();
    const chain::Exit exit = end(1);
    stage_.set_waiting(time_.now + stage_.delay_after(exit.lasted, exit.worked));
  }
  EXPECT_TRUE(stage_.failing());
  EXPECT_EQ(stage_.due() - time_.now, config::Duration(400ms));
  start();
  EXPECT_TRUE(stage_.failing());
  time_.pass(10s);
  EXPECT_FALSE(stage_.failing());
}

TEST_F(StageTest, StatusHidesPasswordsAndCountsRestarts) {
  EXPECT_EQ(status().state, "stopped");
  start();
  const chain::Exit exit = end(1);
  stage_.delay_after(exit.lasted, exit.worked);
  start();
  stage_.end(chain::Intent::restart, 1s);  // by command: no fault
  end(0);
  start();
  time_.pass(5s);
  EXPECT_EQ(status().restarts, 1);
  EXPECT_EQ(status().last_exit, "exit 0");
  EXPECT_EQ(status().up_s, 5.0);
  EXPECT_THAT(status().command, testing::Not(HasSubstr("secret")));
}

TEST_F(StageTest, ProgramThatIsNotThereThrowsAndLeavesNoProcess) {
  processes_.missing = {"grab"};
  EXPECT_THROW(start(), Error);
  EXPECT_FALSE(stage_.alive());
}

}  // namespace
}  // namespace campipe::watch
