#include "base/backoff.hpp"

#include <set>

#include <gtest/gtest.h>

namespace campipe {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, DoublesUpToTheMostAndStaysThere) {
  Backoff backoff(100ms, 1000ms);
  for (const auto full : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms, 1000ms}) {
    const auto delay = backoff.next();
    EXPECT_GE(delay, full / 2) << full.count();
    EXPECT_LE(delay, full) << full.count();
  }
}

TEST(Backoff, StartsAgainAfterReset) {
  Backoff backoff(100ms, 100s);
  for (int i = 0; i < 8; ++i) backoff.next();
  EXPECT_GE(backoff.next(), 12800ms);
  backoff.reset();
  EXPECT_LE(backoff.next(), 100ms);
  EXPECT_GE(backoff.next(), 100ms);
}

TEST(Backoff, DrawsEachDelayBetweenHalfAndAll) {
  std::set<Backoff::Millis> seen;
  Backoff backoff(5ms, 5ms);
  for (int i = 0; i < 2000; ++i) seen.insert(backoff.next());  // a value of three is missed with (2/3)^2000
  EXPECT_EQ(seen, (std::set<Backoff::Millis>{3ms, 4ms, 5ms}));
}

TEST(Backoff, TheShortestDelaysStayWhatTheyAre) {
  for (const auto only : {0ms, 1ms}) {
    Backoff backoff(only, only);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(backoff.next(), only);
  }
}

TEST(Backoff, ADayOfDelayStaysInBounds) {
  Backoff backoff(1ms, 24h);
  for (int i = 0; i < 100; ++i) {
    const auto delay = backoff.next();
    EXPECT_GT(delay, 0ms);
    EXPECT_LE(delay, 24h);
  }
  EXPECT_GE(backoff.next(), 12h);
}

}  // namespace
}  // namespace campipe
