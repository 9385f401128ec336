#include "record/library/limits.hpp"

#include <gtest/gtest.h>

namespace campipe::record {
namespace {

TEST(MinFree, Grammar) {
  EXPECT_EQ(library::parse_min_free("5%")->percent, 5);
  EXPECT_EQ(library::parse_min_free("2.5%")->percent, 2.5);
  EXPECT_EQ(library::parse_min_free("20G")->bytes, 20'000'000'000);
  EXPECT_EQ(library::parse_min_free("0")->bytes, 0);
  EXPECT_EQ(library::parse_min_free("5%")->of(1000), 50);
  for (const char* text : {"", "%", "100%", "-1%", "x", "5k%", "5 %"})
    EXPECT_FALSE(library::parse_min_free(text).has_value()) << text;
}

}  // namespace
}  // namespace campipe::record
