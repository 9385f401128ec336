#include "record/pace.hpp"

#include <gtest/gtest.h>

namespace campipe::record {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr auto kForEver = std::chrono::nanoseconds::max();
constexpr std::chrono::nanoseconds kNotAtAll{0};

/// A source of 25 frames a second with a clock of its own, and a wall clock that the test sets.
class PaceTest : public testing::Test {
protected:
  enum class Captured { unknown, at_pts };

  /// So much media, spread evenly over so much real time.
  void run(double media_s, double real_s) {
    const auto frames = static_cast<int>(media_s * 25);
    for (int i = 0; i < frames; ++i) {
      pts_us_ += kSecondUs / 25;
      now_ns_ += static_cast<std::int64_t>(real_s * 1e9 / frames);
      // The stream's clock is real time plus kOffset.
      pace_.note(pts_us_, now_ns_,
                 captured_ == Captured::at_pts ? std::optional((pts_us_ - kOffsetUs) * 1000) : std::nullopt);
    }
  }
  void wait(double seconds) { now_ns_ += static_cast<std::int64_t>(seconds * 1e9); }
  std::chrono::nanoseconds may_wait() const { return pace_.may_wait(now_ns_); }

  static constexpr std::int64_t kOffsetUs = 1'763'689'440'000'000;
  Pace pace_;
  Captured captured_ = Captured::unknown;
  std::int64_t now_ns_ = 5'000'000'000'000;
  std::int64_t pts_us_ = kOffsetUs + now_ns_ / 1000;
};

TEST_F(PaceTest, AFileThroughAPipeWaits) {
  run(60, 0.2);
  EXPECT_EQ(may_wait(), kForEver);
}

TEST_F(PaceTest, LiveInputDoesNot) {
  for (int minute = 0; minute < 10; ++minute) {
    run(60, 60);
    EXPECT_FALSE(pace_.ahead());
    EXPECT_LE(may_wait(), std::chrono::milliseconds(50));
  }
}

TEST_F(PaceTest, ABurstAfterAStallIsBehindNotAhead) {
  for (const double stall : {3.0, 30.0, 600.0}) {
    run(20, 20);
    wait(stall);
    run(stall, 0.05);
    EXPECT_FALSE(pace_.ahead()) << stall;
    EXPECT_LE(may_wait(), std::chrono::milliseconds(100)) << stall;
    wait(0.05);
  }
}

TEST_F(PaceTest, ABurstAtTheStartOfAKnownAgeIsNotAhead) {
  captured_ = Captured::at_pts;
  wait(8);  // what comes was captured 8 s ago
  run(8, 0.1);
  EXPECT_FALSE(pace_.ahead());
  EXPECT_LE(may_wait(), std::chrono::milliseconds(150));
}

TEST_F(PaceTest, ABurstOfUnknownAgeAtTheStartWaitsNoLongerThanItIsAhead) {
  run(3, 0.1);
  EXPECT_FALSE(pace_.ahead());
  EXPECT_GT(may_wait(), std::chrono::milliseconds(2800));
  EXPECT_LT(may_wait(), std::chrono::milliseconds(3000));
  wait(3);
  EXPECT_EQ(may_wait(), kNotAtAll);
}

TEST_F(PaceTest, ARecordingOfLongAgoIsNoBacklog) {
  captured_ = Captured::at_pts;
  wait(3600);
  run(60, 0.5);
  EXPECT_EQ(may_wait(), kForEver);
}

TEST_F(PaceTest, AFileWhoseTimesWereCapturedJustNowIsAheadSoon) {
  captured_ = Captured::at_pts;
  run(2, 0.1);
  EXPECT_EQ(may_wait(), kForEver);
}

TEST_F(PaceTest, WhatIsHeldUpByASlowDiskStaysAhead) {
  run(60, 0.5);
  for (int i = 0; i < 30; ++i) {
    run(4, 10);  // the disk takes less than real time
    pace_.held();
    EXPECT_EQ(may_wait(), kForEver) << i;
  }
}

TEST_F(PaceTest, ABurstThatSettlesToRealTimeIsLive) {
  run(18, 0.2);  // a player's buffer of live video
  EXPECT_EQ(may_wait(), kForEver);
  run(40, 40);
  EXPECT_FALSE(pace_.ahead());
  EXPECT_LE(may_wait(), std::chrono::milliseconds(50));
}

TEST_F(PaceTest, AClockThatDriftsIsNotAhead) {
  for (int minute = 0; minute < 24 * 60; ++minute) run(60.02, 60);  // 333 ppm: 29 s a day
  EXPECT_FALSE(pace_.ahead());
}

TEST_F(PaceTest, AJumpOfTheStreamsClockIsNoLead) {
  run(20, 20);
  pts_us_ += 3600 * kSecondUs;
  run(5, 5);
  EXPECT_FALSE(pace_.ahead());
  pts_us_ -= 7200 * kSecondUs;
  run(5, 5);
  EXPECT_FALSE(pace_.ahead());
  EXPECT_LE(may_wait(), std::chrono::milliseconds(50));
}

TEST_F(PaceTest, OneRecordingAfterTheOtherStaysAhead) {
  run(60, 0.5);
  pts_us_ -= 3600 * kSecondUs;
  run(1, 0.01);
  EXPECT_EQ(may_wait(), kForEver);
}

TEST_F(PaceTest, FilesAlwaysWaitAndRingsNever) {
  Pace file(Pace::Source::file);
  EXPECT_EQ(file.may_wait(0), kForEver);
  pace_ = Pace(Pace::Source::ring);
  run(60, 0.1);
  EXPECT_EQ(may_wait(), kNotAtAll);
}

}  // namespace
}  // namespace campipe::record
