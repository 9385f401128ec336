#include "base/clock.hpp"

#include <cstdlib>

#include <gtest/gtest.h>

namespace campipe {
namespace {

TEST(StreamClock, MapsCaptureTimesExactlyBothWays) {
  const StreamClock clock{1'795'226'522'100'179, 5'000'000'123, "boot"};
  for (const std::int64_t pts : {1'795'226'522'100'179LL, 1'795'226'522'100'178LL, 1'795'226'500'000'001LL}) {
    EXPECT_EQ(clock.pts_us(clock.captured_ns(pts)), pts);
  }
  EXPECT_EQ(clock.pts_us(5'000'001'122), 1'795'226'522'100'179);
  EXPECT_EQ(clock.pts_us(5'000'001'123), 1'795'226'522'100'180);
  EXPECT_EQ(clock.pts_us(5'000'000'122), 1'795'226'522'100'178);
}

TEST(StreamClock, SurvivesItsText) {
  const StreamClock clock{17, -5, "aa-bb"};
  StreamClock read;
  ASSERT_TRUE(read.parse(clock.to_string()));
  EXPECT_EQ(read, clock);
  for (const char* text : {"", "1", "1:", "1:2", "a:2:b", "99999999999999999999:1:b", "9000000000000000000:1:b"}) {
    EXPECT_FALSE(read.parse(text)) << text;
    EXPECT_EQ(read, clock);
  }
}

TEST(StreamClock, ComesFromTheEnvironmentOnlyOnTheSameBoot) {
  ::setenv("CAMPIPE_CLOCK", ("1000:2000:" + boot_id()).c_str(), 1);
  EXPECT_EQ(StreamClock::from_environment_or_now().anchor_realtime_us, 1000);
  ::setenv("CAMPIPE_CLOCK", "1000:2000:another", 1);
  EXPECT_NE(StreamClock::from_environment_or_now().anchor_realtime_us, 1000);
  ::unsetenv("CAMPIPE_CLOCK");
}

}  // namespace
}  // namespace campipe
