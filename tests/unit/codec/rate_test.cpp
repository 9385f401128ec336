#include "codec/rate.hpp"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace campipe::codec {
namespace {

/// How many of `count` frames at `source` fps, each up to `jitter_us` early or late, stay at `wanted`.
int kept(Rational source, Rational wanted, int count, int jitter_us, bool tell_source,
         std::vector<std::int64_t>* times = nullptr) {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> jitter(-jitter_us, jitter_us);
  RateGrid grid(wanted, tell_source ? source : Rational{0, 1});
  int result = 0;
  for (int i = 0; i < count; ++i) {
    const auto pts =
        1'700'000'000'000'000 + static_cast<std::int64_t>(i * 1e6 / source.value()) + (i == 0 ? 0 : jitter(random));
    if (!grid.take(pts)) continue;
    ++result;
    if (times != nullptr) times->push_back(pts);
  }
  return result;
}

struct Case {
  Rational source, wanted;
  int expected_of_3000;
};

TEST(RateGrid, KeepsTheWantedShareOfFramesWhateverTheJitter) {
  const Case cases[] = {
      {{30, 1}, {15, 1}, 1500},
      {{30, 1}, {10, 1}, 1000},
      {{25, 1}, {25, 2}, 1500},
      {{30, 1}, {25, 1}, 2500},
      {{60, 1}, {30, 1}, 1500},
      {{30, 1}, {1, 1}, 100},
      {{30000, 1001}, {15000, 1001}, 1500},
      {{30, 1}, {29, 1}, 2900},
      {{30, 1}, {7, 1}, 700},
      {{25, 1}, {30, 1}, 3000},
      {{15, 1}, {60, 1}, 3000},
  };
  for (const Case& c : cases) {
    for (const int jitter_us : {0, 1000, 5000}) {
      for (const bool told : {true, false}) {
        const int most_jitter = static_cast<int>(1e6 / c.source.value() / 4);
        EXPECT_NEAR(kept(c.source, c.wanted, 3000, std::min(jitter_us, most_jitter), told), c.expected_of_3000,
                    2 + (told ? 0 : 30))
            << format_rate(c.source) << " to " << format_rate(c.wanted) << " jitter " << jitter_us << " told " << told;
      }
    }
  }
}

TEST(RateGrid, TakesEverySecondFrameAtHalfTheRateInSpiteOfJitter) {
  std::vector<std::int64_t> times;
  kept({30, 1}, {15, 1}, 300, 8000, true, &times);
  for (std::size_t i = 1; i < times.size(); ++i)
    EXPECT_NEAR(static_cast<double>(times[i] - times[i - 1]), 66'667, 17'000);
}

TEST(RateGrid, GoesOnAfterAGapAndAfterTheClockWentBack) {
  RateGrid grid({10, 1}, {30, 1});
  EXPECT_TRUE(grid.take(1'000'000));
  EXPECT_FALSE(grid.take(1'033'333));
  EXPECT_TRUE(grid.take(5'000'000));  // a gap: the next frame stays
  EXPECT_FALSE(grid.take(5'033'333));
  EXPECT_TRUE(grid.take(2'000'000));  // back: a new grid
  EXPECT_FALSE(grid.take(2'033'333));
  EXPECT_TRUE(grid.take(2'100'000));
}

TEST(RateGrid, DoesNotDriftInADay) {
  constexpr int kFrames = 30 * 86'400;
  EXPECT_EQ(kept({30, 1}, {10, 1}, kFrames, 2000, true), kFrames / 3);
}

TEST(RateGrid, KeepsAllOfASourceThatGotSlowerThanTheGrid) {
  RateGrid grid({20, 1}, {30, 1});  // told 30, comes at 15
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(grid.take(i * 66'667)) << i;
}

}  // namespace
}  // namespace campipe::codec
