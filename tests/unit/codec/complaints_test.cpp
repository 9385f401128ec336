#include "codec/complaints.hpp"

#include <gtest/gtest.h>

namespace campipe::codec {
namespace {

TEST(Complaints, SaysTheFirstAtOnceAndThenOneLineInAWhile) {
  Complaints complaints(std::chrono::seconds(10));
  constexpr std::int64_t kSecond = 1'000'000'000;
  EXPECT_EQ(complaints.about("bad", 5 * kSecond), "bad");
  for (int i = 6; i < 15; ++i) EXPECT_FALSE(complaints.about("bad", i * kSecond));
  EXPECT_EQ(complaints.about("worse", 15 * kSecond), "worse (and 9 more since)");
  EXPECT_EQ(complaints.about("bad", 40 * kSecond), "bad");
}

}  // namespace
}  // namespace campipe::codec
