#include "cli/telemetry.hpp"

#include <functional>
#include <map>
#include <sstream>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/stderr_to.hpp"
#include "cli/notify_socket.hpp"

namespace campipe::cli {
namespace {

using testing::ContainsRegex;
using testing::IsEmpty;
using testing::MatchesRegex;
using namespace std::chrono_literals;

using Facts = std::map<std::string, std::string>;

/// "NAME=VALUE" lines; a name that comes twice is an error.
Facts facts_of(const std::string& datagram) {
  Facts facts;
  std::istringstream lines(datagram);
  for (std::string line; std::getline(lines, line);) {
    const auto equals = line.find('=');
    EXPECT_NE(equals, std::string::npos) << line;
    EXPECT_TRUE(facts.emplace(line.substr(0, equals), line.substr(equals + 1)).second) << line;
  }
  return facts;
}

class TelemetryTest : public testing::Test {
protected:
  /// The facts of the next datagram that is no READY=1.
  Facts next() { return facts_of(supervisor_.next().value_or("NOTHING=came")); }

  /// The facts of the first datagram in which `name` is `value`, else of the last looked at; `before` each of them.
  Facts next_with(const std::string& name, const std::string& value, const std::function<void()>& before = [] {}) {
    Facts facts;
    for (int i = 0; i < 20; ++i) {
      before();
      facts = next();
      if (facts[name] == value) break;
    }
    return facts;
  }

  NotifySocket supervisor_{abstract_name("telemetry")};
};

TEST_F(TelemetryTest, SaysReadyOnce) {
  {
    Telemetry telemetry({});
    telemetry.ready();
    telemetry.ready();
  }
  EXPECT_EQ(supervisor_.pending(), "READY=1");
  const auto last = supervisor_.pending();
  ASSERT_TRUE(last);
  EXPECT_EQ(facts_of(*last).count("READY"), 0U);
  EXPECT_EQ(supervisor_.pending(), std::nullopt);
}

TEST_F(TelemetryTest, TellsTheLastCountsAtItsEnd) {
  const std::int64_t before_us = monotonic_ns() / 1000;
  {
    Telemetry telemetry({});
    for (int i = 0; i < 3; ++i) telemetry.frame_in(1000);
    telemetry.frame_out(500);
    telemetry.drop();
    telemetry.drop(4);
    EXPECT_EQ(telemetry.frames_in(), 3U);
    EXPECT_EQ(telemetry.frames_out(), 1U);
    EXPECT_EQ(telemetry.dropped(), 5U);
  }
  Facts facts = next();
  const std::int64_t last_us = std::stoll(facts.at("X_CAMPIPE_LAST_US"));
  EXPECT_GE(last_us, before_us);
  EXPECT_LE(last_us, monotonic_ns() / 1000);
  facts.erase("X_CAMPIPE_LAST_US");
  EXPECT_EQ(facts, (Facts{{"X_CAMPIPE_STATE", "flowing"},
                          {"X_CAMPIPE_FRAMES_IN", "3"},
                          {"X_CAMPIPE_FRAMES_OUT", "1"},
                          {"X_CAMPIPE_BLOCKED", "0"},
                          {"WATCHDOG", "1"}}));
}

TEST_F(TelemetryTest, TellsNothingEachSecondBeforeItIsReady) {
  // The line of the log and the datagram come from the same turn, the datagram first.
  WritesToStderr sink;
  log::init({.tool = "t"});
  Telemetry telemetry({.stats_interval = 1s});
  EXPECT_THAT(sink.next(), MatchesRegex("t: waiting: 0.00 fps.*\n"));
  EXPECT_EQ(supervisor_.pending(), std::nullopt);
  telemetry.ready();
  EXPECT_EQ(supervisor_.next(), "READY=1");
  EXPECT_EQ(next()["X_CAMPIPE_STATE"], "waiting");
}

TEST_F(TelemetryTest, DerivesTheStateFromFramesAndWhatTheToolSays) {
  Telemetry telemetry({});
  EXPECT_EQ(telemetry.flow(), Flow::waiting) << "before the first frame";
  telemetry.frame_out(1);
  EXPECT_EQ(telemetry.flow(), Flow::waiting) << "only what comes in counts";
  telemetry.frame_in(1);
  EXPECT_EQ(telemetry.flow(), Flow::flowing);
  telemetry.set_waiting(true);
  EXPECT_EQ(telemetry.flow(), Flow::waiting);
  telemetry.set_idle(true);
  EXPECT_EQ(telemetry.flow(), Flow::idle) << "idle on purpose goes before all";
  telemetry.set_waiting(false);
  EXPECT_EQ(telemetry.flow(), Flow::idle);
  telemetry.set_idle(false);
  EXPECT_EQ(telemetry.flow(), Flow::flowing);
}

TEST_F(TelemetryTest, FramesThatStopAreAStallAndALoopThatStopsLosesTheWatchdog) {
  Telemetry telemetry({});
  telemetry.ready();
  EXPECT_EQ(supervisor_.next(), "READY=1");
  const auto turn = [&] {
    telemetry.alive();
    telemetry.frame_in(1);
  };
  Facts facts = next_with("X_CAMPIPE_STATE", "flowing", turn);
  EXPECT_EQ(facts["X_CAMPIPE_STATE"], "flowing");
  EXPECT_EQ(facts["WATCHDOG"], "1");
  EXPECT_EQ(next_with("X_CAMPIPE_STATE", "stalled")["X_CAMPIPE_STATE"], "stalled");
  facts = next_with("WATCHDOG", "");
  EXPECT_EQ(facts["WATCHDOG"], "");
  EXPECT_EQ(facts["X_CAMPIPE_BLOCKED"], "0");
  telemetry.blocked(true);
  facts = next_with("X_CAMPIPE_BLOCKED", "1");
  EXPECT_EQ(facts["X_CAMPIPE_BLOCKED"], "1");
  EXPECT_EQ(facts["WATCHDOG"], "1") << "a write that waits for its reader is no loop that hangs";
  telemetry.blocked(false);
  facts = next_with("X_CAMPIPE_STATE", "flowing", turn);
  EXPECT_EQ(facts["X_CAMPIPE_STATE"], "flowing");
  EXPECT_EQ(facts["X_CAMPIPE_BLOCKED"], "0");
  EXPECT_EQ(facts["WATCHDOG"], "1");
}

TEST_F(TelemetryTest, StaysBlockedUntilTheLastOfSeveralThreadsGoesOn) {
  for (const int leave : {0, 1, 2}) {
    {
      Telemetry telemetry({});
      telemetry.blocked(true);
      telemetry.blocked(true);
      for (int i = 0; i < leave; ++i) telemetry.blocked(false);
    }
    EXPECT_EQ(next()["X_CAMPIPE_BLOCKED"], leave < 2 ? "1" : "0") << leave;
  }
}

TEST_F(TelemetryTest, CountsFromSeveralThreads) {
  Telemetry telemetry({});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) {
        telemetry.frame_in(1);
        telemetry.drop();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(telemetry.frames_in(), 40'000U);
  EXPECT_EQ(telemetry.dropped(), 40'000U);
}

TEST_F(TelemetryTest, WritesAStatsLineEachInterval) {
  WritesToStderr sink;
  log::init({.tool = "camtest"});
  Telemetry telemetry({.stats_interval = 1s});
  telemetry.set_extra([] { return std::string("3 clients"); });
  telemetry.frame_in(125'000);
  telemetry.frame_in(125'000);
  telemetry.frame_out(100);
  telemetry.drop(7);
  telemetry.latency(1'250'000);
  EXPECT_THAT(sink.next(), MatchesRegex("camtest: [a-z]+: [0-9.]+ fps, [0-9.]+ Mbit/s, 2 frames, 7 dropped, 1.2 ms late"
                                        "(, last frame [0-9]+ s ago)?, 3 clients\n"));
  EXPECT_THAT(sink.next(), ContainsRegex(": 0.00 fps, 0.00 Mbit/s, 2 frames, 7 dropped, .*last frame [0-9]+ s ago"))
      << "rates are those since the line before";
}

TEST_F(TelemetryTest, WritesNoStatsUnlessAsked) {
  WritesToStderr sink;
  log::init({.tool = "camtest"});
  {
    Telemetry telemetry({});
    telemetry.frame_in(1);
    telemetry.ready();
    EXPECT_EQ(supervisor_.next(), "READY=1");
    next();  // a turn has passed
  }
  EXPECT_THAT(sink.take(), IsEmpty());
}

TEST(TelemetryWithoutSupervisor, CountsAllTheSame) {
  ::unsetenv("NOTIFY_SOCKET");
  Telemetry telemetry({});
  telemetry.ready();
  telemetry.frame_in(1);
  EXPECT_EQ(telemetry.frames_in(), 1U);
}

TEST(FlowName, IsTheWordOfTheProtocol) {
  EXPECT_STREQ(name(Flow::waiting), "waiting");
  EXPECT_STREQ(name(Flow::flowing), "flowing");
  EXPECT_STREQ(name(Flow::idle), "idle");
  EXPECT_STREQ(name(Flow::stalled), "stalled");
  EXPECT_STREQ(name(static_cast<Flow>(99)), "?");
}

}  // namespace
}  // namespace campipe::cli
