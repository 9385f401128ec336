#include "record/library/retention.hpp"

#include <cerrno>

#include <gtest/gtest.h>

#include "base/log.hpp"
#include "base/stderr_to.hpp"
#include "record/temp_folder.hpp"

namespace campipe::record {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kStartMs = 1'763'683'200'000;  // 2025-11-21T00:00:00Z

/// Twelve segments, one an hour, 1000 bytes each, on a file system whose clock and space are made up.
class RetentionTest : public testing::Test {
protected:
  RetentionTest() {
    log::init({.tool = "unit_record", .level = log::Level::error});
    for (int hour = 0; hour < 12; ++hour) {
      temp_.write(path(hour), std::string(1000, 'x'));
      temp_.touch(path(hour), kStartMs / 1000 + hour * 3600 + 600);  // when it ended
    }
    catalogue_.read();
  }

  static segment::SegmentName name(int hour) {
    return {.start_ms = kStartMs + hour * kHourMs,
            .run = "abcd",
            .sequence = static_cast<std::uint32_t>(hour + 1),
            .container = segment::Container::mp4};
  }
  static std::string path(int hour) { return library::Published{name(hour), 0}.path(); }

  library::Retention::World world() {
    return {.now_us = [this] { return now_ms_ * 1000; },
            .clock_trusted = [this] { return trusted_; },
            .space = [this] { return std::optional<library::Space>(library::Space{1'000'000, free_}); },
            .monotonic_ns = [this] { return monotonic_; }};
  }
  library::Retention retention(library::Limits limits) { return {limits, top_, catalogue_, index_, world()}; }

  /// Hours whose segments are still there, as a string of digits.
  std::string left() const {
    std::string text;
    for (int hour = 0; hour < 12; ++hour) {
      if (temp_.has(path(hour))) text += "0123456789ab"[hour];
    }
    return text;
  }

  TempFolder temp_;
  segment::Folder top_ = temp_.folder();
  int error_ = 0;
  segment::Folder index_folder_ = *top_.open("index", true, error_);
  segment::Index index_{index_folder_};
  library::Catalogue catalogue_{top_};
  std::int64_t now_ms_ = kStartMs + 12 * kHourMs;
  std::int64_t monotonic_ = 0;
  std::int64_t free_ = 500'000;
  bool trusted_ = true;
};

TEST_F(RetentionTest, NoLimitDeletesNothing) {
  EXPECT_EQ(retention({}).run(0), 0);
  EXPECT_EQ(left(), "0123456789ab");
}

TEST_F(RetentionTest, AgeDeletesTheOldest) {
  EXPECT_EQ(retention({.keep = 6h}).run(0), 6);
  EXPECT_EQ(left(), "6789ab");
  EXPECT_FALSE(temp_.has("2025-11-21/00"));  // the empty folder went too
}

TEST_F(RetentionTest, DeletionIsInTheIndex) {
  retention({.keep = 11h}).run(0);
  EXPECT_NE(temp_.read("index/2025-11-21.jsonl")
                .find(R"("kind":"del","name":"20251121T000000.000Z-rabcd-000001.mp4","reason":"age")"),
            std::string::npos);
}

TEST_F(RetentionTest, EmptyDayTakesItsIndexAlong) {
  temp_.write("2025-11-20/23/20251120T230000.000Z-rabcd-000001.mp4", "x");
  temp_.touch("2025-11-20/23/20251120T230000.000Z-rabcd-000001.mp4", kStartMs / 1000 - 3000);
  temp_.write("index/2025-11-20.jsonl", "");
  catalogue_.read();
  retention({.keep = 12h + 30min}).run(0);
  EXPECT_FALSE(temp_.has("2025-11-20"));
  EXPECT_FALSE(temp_.has("index/2025-11-20.jsonl"));
  EXPECT_EQ(left(), "0123456789ab");
}

TEST_F(RetentionTest, NewestStaysHoweverOldItIs) {
  now_ms_ += 10'000 * kHourMs;
  auto keeper = retention({.keep = 1h});
  keeper.run(0);
  now_ms_ += 2 * kHourMs;
  monotonic_ += 2 * 3600 * std::int64_t{1'000'000'000};
  keeper.run(0);
  EXPECT_EQ(left(), "b");
}

TEST_F(RetentionTest, NothingIsDeletedByAgeWhileTheClockIsNotTrusted) {
  trusted_ = false;
  now_ms_ += 10'000 * kHourMs;  // a clock without battery that says 2040
  WritesToStderr sink;
  log::init({.tool = "t", .level = log::Level::warning});
  auto keeper = retention({.keep = 6h});
  keeper.run(0);
  keeper.run(0);
  EXPECT_EQ(left(), "0123456789ab");
  EXPECT_EQ(sink.take().size(), 1u) << "told once";
  trusted_ = true;
  now_ms_ = kStartMs + 12 * kHourMs;
  keeper.run(0);
  EXPECT_EQ(left(), "6789ab");
}

TEST_F(RetentionTest, AClockByWhichAllIsTooOldIsBelievedAfterAnHour) {
  now_ms_ += 10'000 * kHourMs;
  auto keeper = retention({.keep = 6h});
  keeper.run(0);
  EXPECT_EQ(left(), "0123456789ab");
  monotonic_ += 3601 * std::int64_t{1'000'000'000};
  now_ms_ -= 10'000 * kHourMs;  // it is set
  keeper.run(0);
  EXPECT_EQ(left(), "6789ab");
}

TEST_F(RetentionTest, AFileWhoseNameAndDateContradictIsOfNoAge) {
  temp_.touch(path(0), kStartMs / 1000 + 11 * 3600);  // restored, or the stream's clock was wrong
  temp_.touch(path(11), kStartMs / 1000 - 200 * 3600);
  catalogue_.read();
  retention({.keep = 9h}).run(0);
  EXPECT_EQ(left(), "0123456789ab");
}

TEST_F(RetentionTest, SizeTakesTheFirstRecordedWhateverTheNamesSay) {
  std::map<std::string, segment::Stamp> stamps;
  for (int hour = 0; hour < 12; ++hour) {
    stamps[to_string(name(hour))] = {.order = static_cast<std::uint64_t>(12 - hour), .at = {}};
  }
  catalogue_.read(stamps);
  retention({.max_bytes = 9'000}).run(0);
  EXPECT_EQ(left(), "012345678");
}

TEST_F(RetentionTest, AFileThatCannotBeDeletedIsAnnouncedAndToldOnceAndTriedLessAndLess) {
  WritesToStderr sink;
  log::init({.tool = "t", .level = log::Level::warning});
  int tries = 0;
  bool fails = true;
  library::Retention::World world = this->world();
  world.remove = [&](const library::Published& segment) {
    if (segment.name != name(0)) return top_.remove(segment.path());
    ++tries;
    return fails ? EACCES : top_.remove(segment.path());
  };
  library::Retention keeper({.keep = 11h}, top_, catalogue_, index_, world);
  for (int minute = 0; minute < 24 * 60; ++minute, monotonic_ += 60 * std::int64_t{1'000'000'000}) keeper.run(0);
  EXPECT_GT(tries, 5);
  EXPECT_LT(tries, 40);
  const auto lines = sink.take();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("cannot delete: Permission denied"), std::string::npos);
  fails = false;
  monotonic_ += 2 * 3600 * std::int64_t{1'000'000'000};
  keeper.run(0);
  EXPECT_FALSE(temp_.has(path(0)));
  const std::string text = temp_.read("index/2025-11-21.jsonl");
  const auto first = text.find(to_string(name(0)));
  EXPECT_NE(first, std::string::npos);
  EXPECT_EQ(text.find(to_string(name(0)), first + 1), std::string::npos) << "said once";
}

TEST_F(RetentionTest, AFileThatCannotBeDeletedDoesNotCountAsSpace) {
  library::Retention::World world = this->world();
  world.remove = [&](const library::Published& segment) {
    return segment.name == name(0) ? EIO : top_.remove(segment.path());
  };
  free_ = 47'500;
  library::Retention keeper({.min_free = {.bytes = 50'000}}, top_, catalogue_, index_, world);
  EXPECT_EQ(keeper.run(0), 3);
  EXPECT_EQ(left(), "0456789ab");
}

TEST_F(RetentionTest, WhatTheIndexCallsDeletedIsNotAnnouncedAgain) {
  auto keeper = retention({.keep = 11h});
  keeper.announced({to_string(name(0)), "gone"});
  keeper.run(0);
  EXPECT_FALSE(temp_.has(path(0)));
  EXPECT_EQ(temp_.read("index/2025-11-21.jsonl"), "");
}

TEST_F(RetentionTest, SizeCountsTheOpenFile) {
  retention({.max_bytes = 10'000}).run(2500);
  EXPECT_EQ(left(), "56789ab");
}

TEST_F(RetentionTest, PinnedFilesStay) {
  std::filesystem::create_directories(temp_.path() / "clips/E42");
  std::filesystem::create_hard_link(temp_.path() / path(1), temp_.path() / "clips/E42/pinned.mp4");
  retention({.keep = 6h}).run(0);
  EXPECT_EQ(left(), "16789ab");
}

TEST_F(RetentionTest, FilesOfOthersStay) {
  temp_.write("2025-11-21/00/holiday.mp4", "mine");
  temp_.write("2025-11-21/00/20251121T000000.000Z-rabcd-000001.mp4.txt", "mine");
  retention({.keep = 6h}).run(0);
  EXPECT_TRUE(temp_.has("2025-11-21/00/holiday.mp4"));
  EXPECT_TRUE(temp_.has("2025-11-21/00/20251121T000000.000Z-rabcd-000001.mp4.txt"));
}

TEST_F(RetentionTest, FreeSpaceDeletesOnlyAsMuchAsIsMissing) {
  free_ = 47'500;  // of 1,000,000, of which 5% are wanted
  EXPECT_EQ(retention({.min_free = {.percent = 5}}).run(0), 3);
  EXPECT_EQ(left(), "3456789ab");
}

TEST_F(RetentionTest, SpaceThatComesLateIsNotDeletedForAgain) {
  free_ = 47'500;
  auto keeper = retention({.min_free = {.bytes = 50'000}});
  EXPECT_EQ(keeper.run(0), 3);
  EXPECT_EQ(keeper.run(0), 0);  // the file system frees it later
  monotonic_ += 11'000'000'000;
  EXPECT_EQ(keeper.run(0), 3);  // it did not
  free_ = 50'000;
  EXPECT_EQ(keeper.run(0), 0);
}

TEST_F(RetentionTest, SpaceThatIsThereAtOnceIsNotWaitedFor) {
  auto world_free = [this] { return 47'500 + static_cast<std::int64_t>(12'000 - catalogue_.total_bytes()); };
  library::Retention keeper(
      {.min_free = {.bytes = 50'000}}, top_, catalogue_, index_,
      {.now_us = [this] { return now_ms_ * 1000; },
       .clock_trusted = [] { return true; },
       .space = [&] { return std::optional<library::Space>(library::Space{1'000'000, world_free() - free_}); },
       .monotonic_ns = [] { return 0; }});
  free_ = 0;
  EXPECT_EQ(keeper.run(0), 3);
  free_ = 2'000;  // more was written in between
  EXPECT_EQ(keeper.run(0), 2);
}

TEST_F(RetentionTest, WantedSpaceCountsMoreThanASmallLimit) {
  free_ = 1'000;
  EXPECT_EQ(retention({.min_free = {.bytes = 500}}).run(0, 2'500), 2);
  EXPECT_EQ(left(), "23456789ab");
}

TEST_F(RetentionTest, FullDiskDeletesNothingWithoutALimit) {
  free_ = 0;
  EXPECT_EQ(retention({.keep = 24h}).run(0, 2'500), 0);
  EXPECT_EQ(left(), "0123456789ab");
}

TEST_F(RetentionTest, FilesDeletedByHandAreForgotten) {
  std::filesystem::remove(temp_.path() / path(0));
  EXPECT_EQ(retention({.keep = 6h}).run(0), 6);
  EXPECT_EQ(catalogue_.size(), 6u);
  EXPECT_EQ(catalogue_.total_bytes(), 6'000u);
}

}  // namespace
}  // namespace campipe::record
