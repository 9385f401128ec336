#include "record/library/catalogue.hpp"

#include <gtest/gtest.h>

#include "record/temp_folder.hpp"

namespace campipe::record::library {
namespace {

constexpr std::int64_t kStepMs = 3'600'000;
constexpr std::int64_t kFirstMs = 1'763'683'200'000;

class CatalogueTest : public testing::Test {
protected:
  struct File {
    int hour;  // in its name
    const char* run;
    std::uint32_t sequence;
    int modified_hour;
    std::uint64_t order;  // 0: the index knows nothing
  };
  static segment::SegmentName name(const File& file) {
    return {.start_ms = kFirstMs + file.hour * kStepMs,
            .run = file.run,
            .sequence = file.sequence,
            .container = segment::Container::mp4};
  }
  void write(const File& file) {
    const std::string path = Published{.name = name(file)}.path();
    temp_.write(path, "x");
    temp_.touch(path, kFirstMs / 1000 + file.modified_hour * 3600);
    if (file.order == 0) return;
    stamps_[to_string(name(file))] = {.order = file.order,
                                      .at = {.unix_us = (kFirstMs + file.modified_hour * kStepMs) * 1000,
                                             .trusted = true,
                                             .boot = "b",
                                             .monotonic_us = 0}};
  }
  /// Run and number of each, oldest first.
  std::string order() const {
    std::string text;
    for (const Published& segment : catalogue_.oldest_first()) {
      text += (text.empty() ? "" : " ") + segment.name.run + std::to_string(segment.name.sequence);
    }
    return text;
  }

  TempFolder temp_;
  segment::Folder top_ = temp_.folder();
  Catalogue catalogue_{top_};
  std::map<std::string, segment::Stamp> stamps_;
};

TEST_F(CatalogueTest, TheIndexTellsTheOrderNotTheNames) {
  for (const File& file : {File{9, "aaaa", 1, 0, 1}, File{8, "aaaa", 2, 1, 2}, File{1, "bbbb", 1, 2, 3}}) write(file);
  catalogue_.read(stamps_);
  EXPECT_EQ(order(), "aaaa1 aaaa2 bbbb1");
  EXPECT_EQ(catalogue_.next_order(), 4u);
  EXPECT_EQ(catalogue_.total_bytes(), 3u);
}

TEST_F(CatalogueTest, WithoutAnIndexRunsStandByTheirDatesAndFilesByTheirNumbers) {
  for (const File& file : {File{30, "aaaa", 1, 5, 0}, File{1, "aaaa", 2, 6, 0}, File{2, "bbbb", 7, 3, 0}}) write(file);
  catalogue_.read();
  EXPECT_EQ(order(), "bbbb7 aaaa1 aaaa2");
}

TEST_F(CatalogueTest, AFileThatTheIndexMissesStandsBesideItsRun) {
  for (const File& file : {File{1, "aaaa", 1, 1, 1}, File{2, "aaaa", 2, 2, 0}, File{3, "aaaa", 3, 3, 3},
                           File{4, "bbbb", 1, 4, 0}, File{5, "bbbb", 2, 5, 5}, File{4, "cccc", 1, 4, 0}}) {
    write(file);
  }
  catalogue_.read(stamps_);
  EXPECT_EQ(order(), "aaaa1 aaaa2 aaaa3 cccc1 bbbb1 bbbb2");
}

TEST_F(CatalogueTest, ReadingAgainKeepsWhatIsKnown) {
  for (const File& file : {File{9, "aaaa", 1, 0, 1}, File{8, "aaaa", 2, 1, 2}, File{1, "bbbb", 1, 2, 3}}) write(file);
  catalogue_.read(stamps_);
  std::filesystem::remove(temp_.path() / Published{.name = name({8, "aaaa", 2, 1, 2})}.path());
  catalogue_.read();
  EXPECT_EQ(order(), "aaaa1 bbbb1");
  EXPECT_EQ(catalogue_.oldest_first().back().stamp.order, 3u);
  EXPECT_EQ(catalogue_.total_bytes(), 2u);
}

TEST_F(CatalogueTest, WhatIsAddedIsTheNewestWhateverItsName) {
  write({9, "aaaa", 1, 0, 7});
  catalogue_.read(stamps_);
  catalogue_.add({.name = name({1, "bbbb", 1, 0, 0}), .bytes = 5});
  catalogue_.add({.name = name({0, "bbbb", 2, 0, 0}), .bytes = 5});
  EXPECT_EQ(order(), "aaaa1 bbbb1 bbbb2");
  EXPECT_EQ(catalogue_.days(), std::vector<std::string>{"2025-11-21"});
  catalogue_.forget(name({1, "bbbb", 1, 0, 0}));
  EXPECT_EQ(order(), "aaaa1 bbbb2");
  EXPECT_EQ(catalogue_.total_bytes(), 6u);
}

}  // namespace
}  // namespace campipe::record::library
