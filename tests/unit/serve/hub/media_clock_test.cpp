#include "serve/hub/media_clock.hpp"

#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace campipe::serve {
namespace {

struct Picture {
  std::int64_t pts_us, arrived_ms, expected_us;  // expected: after the first
};

void check(const std::vector<Picture>& pictures) {
  hub::MediaClock clock;
  const std::int64_t begin = clock.advance(pictures.front().pts_us, pictures.front().arrived_ms * 1'000'000);
  for (const Picture& picture : std::vector(pictures.begin() + 1, pictures.end())) {
    EXPECT_EQ(clock.advance(picture.pts_us, picture.arrived_ms * 1'000'000) - begin, picture.expected_us)
        << picture.pts_us;
    EXPECT_EQ(clock.now_us() - begin, picture.expected_us);
  }
}

constexpr std::int64_t kHour = 3'600'000'000;

TEST(MediaClock, GoesWithThePicturesTimesHoweverTheyArrive) {
  check({{0, 0, 0}, {40'000, 70, 40'000}, {80'000, 70, 80'000}, {120'000, 3'000, 120'000}, {160'000, 3'000, 160'000}});
  check({{0, 0, 0}, {30'000'000, 30'001, 30'000'000}});  // one every half minute
}

TEST(MediaClock, FollowsPicturesThatAreShownInAnotherOrder) {
  check({{0, 0, 0}, {120'000, 40, 120'000}, {40'000, 80, 40'000}, {80'000, 120, 80'000}, {240'000, 160, 240'000}});
}

TEST(MediaClock, StepsOfTheSourcesClockAreNotGoneAlong) {
  check({{0, 0, 0}, {kHour, 40, 540'000}, {kHour + 40'000, 80, 580'000}});
  check({{kHour, 0, 0}, {0, 40, 40'000}, {40'000, 80, 80'000}});
  check({{std::numeric_limits<std::int64_t>::min(), 0, 0}, {std::numeric_limits<std::int64_t>::max(), 40, 40'000}});
  check({{std::numeric_limits<std::int64_t>::max(), 0, 0}, {std::numeric_limits<std::int64_t>::min(), 40, 40'000}});
}

TEST(MediaClock, AFileThatIsReadAtOnceStillAges) {
  check({{0, 0, 0}, {5'000'000, 0, 500'000}, {10'000'000, 0, 1'000'000}});
}

}  // namespace
}  // namespace campipe::serve
