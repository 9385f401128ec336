#include "watch/flow/loss.hpp"

#include <gtest/gtest.h>

namespace campipe::watch {
namespace {

using flow::Loss;
using flow::Sight;
using Event = flow::Loss::Event;
using namespace std::chrono_literals;

class LossTest : public testing::Test {
protected:
  /// A look a second; answers the first event, and when it came.
  Event look(Sight sight, int seconds, config::Duration lost_after = 10s) {
    Event first = Event::none;
    for (int i = 0; i < seconds; ++i, now_ += 1s) {
      const Event event = loss_.look(sight, now_, lost_after, tells_);
      if (event != Event::none && first == Event::none) first = event, at_ = now_;
    }
    return first;
  }

  Loss loss_;
  bool tells_ = true;
  config::Duration now_{100s}, at_{0};
};

TEST_F(LossTest, MissingForLongIsLostOnceAndRecoversWithFrames) {
  EXPECT_EQ(look(Sight::flows, 5), Event::none);
  EXPECT_EQ(look(Sight::missing, 10), Event::none);
  EXPECT_FALSE(loss_.lost());
  EXPECT_EQ(look(Sight::missing, 100), Event::lost);
  EXPECT_EQ(at_, 115s);
  EXPECT_EQ(loss_.since(), 105s);
  EXPECT_TRUE(loss_.lost());
  EXPECT_EQ(look(Sight::flows, 5), Event::recovered);
  EXPECT_FALSE(loss_.lost());
  EXPECT_EQ(look(Sight::flows, 5), Event::none);
}

TEST_F(LossTest, ShortOutagesAreNone) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(look(Sight::missing, 9), Event::none);
    EXPECT_EQ(look(Sight::flows, 1), Event::none);
  }
}

TEST_F(LossTest, AProcessThatIsStartedAnewGoesOnWithTheSameLoss) {
  EXPECT_EQ(look(Sight::missing, 6), Event::none);
  EXPECT_EQ(look(Sight::unknown, 3), Event::none);
  EXPECT_EQ(look(Sight::missing, 5), Event::lost);
  EXPECT_EQ(look(Sight::unknown, 30), Event::none);
  EXPECT_TRUE(loss_.lost());
  EXPECT_EQ(look(Sight::missing, 30), Event::none);
  EXPECT_EQ(look(Sight::flows, 1), Event::recovered);
  EXPECT_EQ(loss_.since(), 100s);
}

TEST_F(LossTest, RestIsNoLossAndNoRecovery) {
  EXPECT_EQ(look(Sight::rests, 100), Event::none);
  EXPECT_EQ(look(Sight::missing, 20), Event::lost);
  EXPECT_EQ(look(Sight::rests, 20), Event::none);
  EXPECT_FALSE(loss_.lost());
  EXPECT_EQ(look(Sight::missing, 20), Event::none);  // the same once more: told already
  EXPECT_TRUE(loss_.lost());
  EXPECT_EQ(look(Sight::flows, 1), Event::recovered);
}

TEST_F(LossTest, FailuresThatWereToldRecoverToo) {
  loss_.told(now_);
  EXPECT_EQ(look(Sight::unknown, 7), Event::none);
  EXPECT_EQ(look(Sight::flows, 1), Event::recovered);
  EXPECT_EQ(loss_.since(), 100s);
}

TEST_F(LossTest, VictimsAreLostInSilence) {
  tells_ = false;
  EXPECT_EQ(look(Sight::missing, 20), Event::none);
  EXPECT_TRUE(loss_.lost());
  EXPECT_EQ(look(Sight::flows, 1), Event::none);
}

TEST_F(LossTest, ZeroIsNever) {
  EXPECT_EQ(look(Sight::missing, 1000, 0s), Event::none);
  EXPECT_FALSE(loss_.lost());
}

TEST_F(LossTest, TimeInWhichNobodyLookedDoesNotCount) {
  EXPECT_EQ(look(Sight::missing, 5), Event::none);
  now_ += 100s;
  loss_.held_up(now_);
  EXPECT_EQ(look(Sight::missing, 10), Event::none);
  EXPECT_EQ(look(Sight::missing, 1), Event::lost);
}

TEST(LossOfATold, CountsFromWhenTheLossWasToldNotFromTheNextLook) {
  flow::Loss loss;
  using std::chrono::milliseconds;
  EXPECT_EQ(loss.look(Sight::missing, milliseconds(5000), milliseconds(100), true, milliseconds(4200)), Event::lost);
  EXPECT_EQ(loss.since(), milliseconds(4200));
}

}  // namespace
}  // namespace campipe::watch
