#include "record/segment/layout.hpp"

#include <gtest/gtest.h>

namespace campipe::record {
namespace {

TEST(Layout, NamesReadBack) {
  const segment::SegmentName name{
      .start_ms = 1'763'689'500'040, .run = "7f3a", .sequence = 123, .container = segment::Container::mp4};
  EXPECT_EQ(to_string(name), "20251121T014500.040Z-r7f3a-000123.mp4");
  EXPECT_EQ(segment::parse_segment_name(to_string(name)), name);
  EXPECT_EQ(segment::day_folder(name.start_ms), "2025-11-21");
  EXPECT_EQ(segment::hour_folder(name.start_ms), "01");
}

TEST(Layout, OtherNamesAreNotOurs) {
  for (const char* text : {"", "a.mp4", "20251121T014500.040Z-r7f3a-000123.mp4.part",
                           "20251121T014500.040Z-r7f3a-000123.avi", "20251321T014500.040Z-r7f3a-000123.mp4",
                           "20251121T256000.040Z-r7f3a-000123.mp4", "20251121T014500.040Z-r7F3A-000123.mp4",
                           "20251121T014500.040Z-r7f3a-00012.mp4", "../20251121T014500.040Z-r7f3a-00123.mp4"}) {
    EXPECT_FALSE(segment::parse_segment_name(text).has_value()) << text;
  }
}

TEST(Layout, FoldersOfDaysAndHours) {
  EXPECT_TRUE(segment::is_day_folder("2025-11-21"));
  EXPECT_FALSE(segment::is_day_folder("2025-11-2x"));
  EXPECT_FALSE(segment::is_day_folder("live"));
  EXPECT_TRUE(segment::is_hour_folder("00"));
  EXPECT_FALSE(segment::is_hour_folder("0"));
  EXPECT_FALSE(segment::is_hour_folder("aa"));
}

}  // namespace
}  // namespace campipe::record
