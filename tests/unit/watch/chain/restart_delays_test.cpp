#include "watch/chain/restart_delays.hpp"

#include <gtest/gtest.h>

namespace campipe::watch {
namespace {

using namespace std::chrono_literals;

config::RestartPolicy plain() {
  config::RestartPolicy policy;
  policy.jitter = false;
  return policy;
}

TEST(RestartDelays, GrowToTheMaximumAndNeverGiveUp) {
  chain::RestartDelays delays(plain(), [] { return 0U; });
  std::vector<config::Duration> seen;
  for (int i = 0; i < 12; ++i) seen.push_back(delays.after_failure(0s, false));
  EXPECT_EQ(seen, (std::vector<config::Duration>{100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms, 12800ms, 25600ms,
                                                 30s, 30s, 30s}));
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(delays.after_failure(0s, false), 30s);
  EXPECT_EQ(delays.failures(), 5012);
}

TEST(RestartDelays, StartOverAfterAStableRun) {
  chain::RestartDelays delays(plain(), [] { return 0U; });
  delays.after_failure(0s, false);
  EXPECT_EQ(delays.after_failure(9999ms, false), 200ms);
  EXPECT_EQ(delays.after_failure(10s, false), 100ms);
  EXPECT_EQ(delays.failures(), 1);
}

TEST(RestartDelays, StartOverAfterARunThatPassedFrames) {
  chain::RestartDelays delays(plain(), [] { return 0U; });
  for (int i = 0; i < 20; ++i) EXPECT_EQ(delays.after_failure(1500ms, true), 100ms);
}

TEST(RestartDelays, FullJitterIsAnyPartOfTheDelay) {
  std::uint32_t random = 0;
  chain::RestartDelays delays({}, [&] { return random; });
  EXPECT_EQ(delays.after_failure(0s, false), 0ms);
  random = 0xFFFFFFFF;
  EXPECT_EQ(delays.after_failure(0s, false), 200ms);
  random = 0x80000000;
  EXPECT_NEAR(static_cast<double>(delays.after_failure(0s, false).count()), 200e6, 1e3);
}

}  // namespace
}  // namespace campipe::watch
