#include "capture/rate_limit.hpp"

#include <gtest/gtest.h>

namespace campipe::capture {
namespace {

int taken(Rational wanted, Rational given, int pictures, std::int64_t jitter_ns = 0) {
  RateLimit limit(wanted);
  int count = 0;
  for (int i = 0; i < pictures; ++i) {
    const std::int64_t at = 1'000'000'000 + std::int64_t{i} * 1'000'000'000 * given.den / given.num;
    count += limit.take(at + (i % 2 == 0 ? jitter_ns : -jitter_ns)) ? 1 : 0;
  }
  return count;
}

TEST(RateLimit, KeepsTheWantedShareEvenly) {
  EXPECT_EQ(taken({15, 1}, {30, 1}, 300), 150);
  EXPECT_EQ(taken({10, 1}, {30, 1}, 300), 100);
  EXPECT_NEAR(taken({20, 1}, {30, 1}, 300), 200, 1);
  EXPECT_NEAR(taken({24, 1}, {30000, 1001}, 3000), 2402, 2);
}

TEST(RateLimit, LetsEverythingThroughAtTheSameOrAHigherRate) {
  EXPECT_EQ(taken({30, 1}, {30, 1}, 300), 300);
  EXPECT_EQ(taken({30, 1}, {30, 1}, 300, 4'000'000), 300);
  EXPECT_EQ(taken({60, 1}, {30, 1}, 300), 300);
}

TEST(RateLimit, GoesOnAfterALeapOrAStepBack) {
  RateLimit limit({10, 1});
  EXPECT_TRUE(limit.take(0));
  EXPECT_FALSE(limit.take(50'000'000));
  EXPECT_TRUE(limit.take(3'600'000'000'000));
  EXPECT_FALSE(limit.take(3'600'033'000'000));
  EXPECT_TRUE(limit.take(1'000'000));
}

}  // namespace
}  // namespace campipe::capture
