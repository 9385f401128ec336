#include "capture/network/arrival_clock.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace campipe::capture {
namespace {

constexpr std::int64_t kMs = 1'000'000, kSecond = 1000 * kMs;
constexpr std::int64_t kFrame = 40 * kMs;

TEST(ArrivalClock, IsExactOnASteadyLink) {
  network::ArrivalClock clock;
  for (int i = 0; i < 1000; ++i) {
    const auto mapped = clock.arrived(7 * kSecond + i * kFrame, 100 * kSecond + i * kFrame);
    EXPECT_EQ(mapped.captured_ns, 100 * kSecond + i * kFrame);
    EXPECT_FALSE(mapped.jump);
  }
}

TEST(ArrivalClock, IsNotMovedByJitterOrALateBurst) {
  network::ArrivalClock clock;
  for (int i = 0; i < 1000; ++i) {
    const std::int64_t sent = 100 * kSecond + i * kFrame;
    std::int64_t delay = (i * 7919 % 23) * kMs;           // 0 to 22 ms
    if (i >= 500 && i < 520) delay = (520 - i) * kFrame;  // nothing for 0.8 s, then all at once
    const auto mapped = clock.arrived(i * kFrame, sent + delay);
    EXPECT_FALSE(mapped.jump);
    if (i > 100) {
      EXPECT_NEAR(static_cast<double>(mapped.captured_ns - sent), 0, 1.0 * kMs) << i;
    }
  }
}

TEST(ArrivalClock, FollowsTheLeastDelayOfAnOpeningBurst) {
  network::ArrivalClock clock;
  std::int64_t last = 0;
  for (int i = 0; i < 25; ++i) {  // the server's last second, all within 10 ms
    const auto mapped = clock.arrived(i * kFrame, 100 * kSecond + i * kMs / 3);
    EXPECT_FALSE(mapped.jump);
    EXPECT_GE(mapped.captured_ns, last) << "time never goes back";
    last = mapped.captured_ns;
  }
  const auto next = clock.arrived(25 * kFrame, 100 * kSecond + 50 * kMs);
  EXPECT_NEAR(static_cast<double>(next.captured_ns - 100 * kSecond), 48.0 * kMs, 3.0 * kMs);
}

TEST(ArrivalClock, SlewsWithADriftingSender) {
  for (const double ppm : {-200.0, 200.0}) {
    network::ArrivalClock clock;
    std::int64_t previous = 0;
    for (int i = 0; i < 25 * 600; ++i) {
      const std::int64_t sent = 100 * kSecond + i * kFrame;
      const auto media = static_cast<std::int64_t>(static_cast<double>(i * kFrame) * (1 + ppm * 1e-6));
      const auto mapped = clock.arrived(media, sent + (i * 31 % 7) * kMs);
      ASSERT_FALSE(mapped.jump) << i;
      ASSERT_NEAR(static_cast<double>(mapped.captured_ns - sent), 0, 5.0 * kMs) << i;
      if (i > 100) {
        ASSERT_NEAR(static_cast<double>(mapped.captured_ns - previous), 1.0 * kFrame, kFrame * 710e-6)
            << "500 ppm and drift";
      }
      previous = mapped.captured_ns;
    }
  }
}

TEST(ArrivalClock, CallsALeapAJump) {
  struct Leap {
    const char* what;
    std::int64_t media, late;
  };
  for (const Leap& leap : {Leap{"media time forward", 3600 * kSecond, 0}, Leap{"media time back", -5 * kSecond, 0}}) {
    network::ArrivalClock clock;
    std::int64_t at = 100 * kSecond;
    for (int i = 0; i < 250; ++i) clock.arrived(10 * kSecond + i * kFrame, at += kFrame);
    const auto mapped = clock.arrived(10 * kSecond + 250 * kFrame + leap.media, at += kFrame);
    EXPECT_TRUE(mapped.jump) << leap.what;
    EXPECT_EQ(mapped.captured_ns, at) << leap.what;
    EXPECT_FALSE(clock.arrived(10 * kSecond + 251 * kFrame + leap.media, at += kFrame).jump) << leap.what;
  }
}

TEST(ArrivalClock, BeginsAnewAfterALastingDelay) {
  network::ArrivalClock clock;
  int jumps = 0;
  for (int i = 0; i < 25 * 60; ++i) {
    const std::int64_t delay = i < 500 ? 0 : 3 * kSecond;  // the sender paused for 3 s and goes on
    jumps += clock.arrived(i * kFrame, 100 * kSecond + i * kFrame + delay).jump ? 1 : 0;
  }
  EXPECT_EQ(jumps, 1);
  EXPECT_EQ(clock.translate(0), 103 * kSecond);
}

}  // namespace
}  // namespace campipe::capture
