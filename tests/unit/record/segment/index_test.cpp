#include "record/segment/index.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "record/temp_folder.hpp"

namespace campipe::record {
namespace {

const segment::SegmentName kName{
    .start_ms = 1'763'689'500'040, .run = "7f3a", .sequence = 1, .container = segment::Container::mp4};
constexpr const char* kFile = "2025-11-21.jsonl";

class IndexTest : public testing::Test {
protected:
  IndexTest() { log::init({.tool = "unit_record", .level = log::Level::error}); }

  TempFolder temp_;
  segment::Folder folder_ = temp_.folder();
  segment::Index index_{folder_};
};

TEST_F(IndexTest, LinesAreJsonWithARightChecksum) {
  index_.opened(kName);
  segment::SegmentRecord segment{.name = kName,
                                 .start_us = 1'763'689'500'040'123,
                                 .duration_us = 600'000'000,
                                 .frames = 18'000,
                                 .bytes = 1000,
                                 .video = "h264 \"quoted\"",
                                 .end_reason = "length",
                                 .keyframes = {{0, 65'000}, {1'000'000, 90'000}}};
  index_.published(segment);
  index_.gap({.from_us = segment.start_us, .to_us = segment.start_us + 5, .frames = 3, .reason = "disk full"});
  index_.deleted(kName, "age");

  const std::string text = temp_.read(kFile);
  EXPECT_EQ(segment::good_length(text), text.size());
  std::istringstream lines(text);
  std::string line;
  std::vector<std::string> kinds;
  while (std::getline(lines, line)) kinds.push_back(nlohmann::json::parse(line).at("kind"));
  EXPECT_EQ(kinds, (std::vector<std::string>{"open", "seg", "gap", "del"}));
}

TEST_F(IndexTest, TailWithoutRightChecksumIsCut) {
  index_.opened(kName);
  index_.deleted(kName, "age");
  const std::string whole = temp_.read(kFile);
  const std::size_t first = whole.find('\n') + 1;
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    temp_.write(kFile, whole.substr(0, length));
    index_.repair();
    const std::size_t kept = length == whole.size() ? length : (length >= first ? first : 0);
    EXPECT_EQ(temp_.read(kFile), whole.substr(0, kept)) << length;
  }
}

TEST_F(IndexTest, TellsWhenAndInWhichOrderFilesWereRecorded) {
  const segment::Stamp stamp{
      .order = 7,
      .at = {.unix_us = 1'763'689'600'000'000, .trusted = true, .boot = "b00t", .monotonic_us = 12'345'678}};
  segment::SegmentRecord segment{.name = kName, .video = R"(odd ","keyframes":[1] text)", .keyframes = {{0, 65'000}}};
  segment.stamp = stamp;
  index_.published(segment);
  segment.name.sequence = 2;
  segment.stamp = {.order = 8, .at = {.unix_us = 5, .trusted = false, .boot = "", .monotonic_us = 1}};
  index_.published(segment);
  const auto contents = index_.repair();
  EXPECT_EQ(contents.cut, 0);
  ASSERT_EQ(contents.stamps.size(), 2u);
  EXPECT_EQ(contents.stamps.at(to_string(kName)), stamp);
  EXPECT_EQ(contents.stamps.at(to_string(segment.name)), segment.stamp);
  EXPECT_TRUE(contents.deleted.empty());
}

TEST_F(IndexTest, LinesOfEarlierVersionsTellNoStamp) {
  index_.published({.name = kName, .video = "h264", .end_reason = "length"});
  EXPECT_EQ(temp_.read(kFile).find("order"), std::string::npos);
  index_.deleted(kName, "age");
  const auto contents = index_.repair();
  EXPECT_TRUE(contents.stamps.empty());
  EXPECT_EQ(contents.deleted, std::set<std::string>{to_string(kName)});
}

TEST_F(IndexTest, LinesThatAreNoSegmentsAreReadPast) {
  std::string text;
  for (const char* body : {"[]", "{}", R"({"kind":5})", R"({"kind":"seg","name":1,"order":"x"})",
                           R"({"kind":"seg","name":"n","order":-3})", R"({"kind":"seg","name":"n","order":1e99})",
                           R"({"kind":"new","order":3})"}) {
    text += segment::with_checksum(body);
  }
  temp_.write(kFile, text);
  const auto contents = index_.repair();
  EXPECT_TRUE(contents.stamps.empty());
}

TEST_F(IndexTest, AChangedByteIsFound) {
  index_.opened(kName);
  const std::string whole = temp_.read(kFile);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_EQ(segment::good_length(changed), 0u) << at;
  }
}

TEST_F(IndexTest, RepairLeavesOtherFilesAlone) {
  temp_.write("notes.txt", "mine");
  EXPECT_EQ(index_.repair().cut, 0);
  EXPECT_EQ(temp_.read("notes.txt"), "mine");
}

}  // namespace
}  // namespace campipe::record
