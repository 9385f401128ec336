#include "base/units.hpp"

#include <gtest/gtest.h>

namespace campipe {
namespace {

using namespace std::chrono_literals;

TEST(Units, ReadsDurations) {
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("10s"), 10s);
  EXPECT_EQ(parse_duration("1.5s"), 1500ms);
  EXPECT_EQ(parse_duration("7d"), 168h);
  EXPECT_EQ(parse_duration("3"), 3s);
  EXPECT_EQ(parse_duration("3", 1ms), 3ms);
}

TEST(Units, RefusesWhatIsNoDuration) {
  for (const char* text : {"", "s", "-1s", "1 s", "1x", "1e9s", "inf", "nan", "99999999999d", "1..5s"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Units, ReadsBytes) {
  EXPECT_EQ(parse_bytes("4M"), 4'000'000);
  EXPECT_EQ(parse_bytes("512KiB"), 524'288);
  EXPECT_EQ(parse_bytes("1.5G"), 1'500'000'000);
  EXPECT_EQ(parse_bytes("1000"), 1000);
  EXPECT_FALSE(parse_bytes("B"));
  EXPECT_FALSE(parse_bytes("-4M"));
  EXPECT_FALSE(parse_bytes("4Q"));
}

TEST(Units, ReadsFrameRatesAsFractions) {
  EXPECT_EQ(parse_frame_rate("30"), (Rational{30, 1}));
  EXPECT_EQ(parse_frame_rate("29.97"), (Rational{30000, 1001}));
  EXPECT_EQ(parse_frame_rate("59.94"), (Rational{60000, 1001}));
  EXPECT_EQ(parse_frame_rate("12.5"), (Rational{25, 2}));
  EXPECT_EQ(parse_frame_rate("30000/1001"), (Rational{30000, 1001}));
  for (const char* text : {"0", "-1", "1001", "30/0", "0/1", "", "fast", "30fps"})
    EXPECT_FALSE(parse_frame_rate(text)) << text;
}

TEST(Units, ReadsSizes) {
  EXPECT_EQ(parse_size("1280x720"), (Size{1280, 720}));
  for (const char* text : {"1280", "x", "0x0", "1280x", "x720", "-1x5", "99999x2", "1280x720x3"})
    EXPECT_FALSE(parse_size(text)) << text;
}

TEST(Units, PrintsDurationsShort) {
  EXPECT_EQ(format_duration(7 * 24h), "7d");
  EXPECT_EQ(format_duration(10min), "10m");
  EXPECT_EQ(format_duration(250ms), "250ms");
}

}  // namespace
}  // namespace campipe
