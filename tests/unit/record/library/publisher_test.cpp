#include "record/library/publisher.hpp"

#include <cerrno>

#include <gmock/gmock.h>

#include "base/stderr_to.hpp"
#include "record/library/camera_on_disk.hpp"

namespace campipe::record::library {
namespace {

using testing::HasSubstr;
using testing::Not;

class PublisherTest : public CameraOnDisk {
protected:
  segment::SegmentRecord record(int number) const {
    return {.name = name(number),
            .start_us = kStartUs,
            .duration_us = 61'000'000,
            .frames = 30,
            .bytes = 5000,
            .video = "h264",
            .end_reason = "length",
            .keyframes = {}};
  }
  /// A finished file in live/.
  void live(const std::string& file, const std::string& text) const { root_.write("front/live/" + file, text); }
};

TEST_F(PublisherTest, MovesTheFileWhereEverybodySeesItAndTellsIndexCatalogueAndLog) {
  WritesToStderr sink;
  log::init({.tool = "t"});
  live("a.part", "whole");
  EXPECT_EQ(publisher_.publish("a.part", record(0)), 0);
  EXPECT_EQ(root_.read(published(0)), "whole");
  EXPECT_EQ(published(0), "front/2025-11-21/01/20251121T014400.040Z-rabcd-000001.mp4");
  EXPECT_FALSE(root_.has("front/live/a.part"));
  EXPECT_EQ(segment::good_length(index()), index().size());
  EXPECT_THAT(index(), HasSubstr(R"({"kind":"seg","name":"20251121T014400.040Z-rabcd-000001.mp4")"));
  EXPECT_THAT(index(), HasSubstr(R"("duration_us":61000000,"frames":30,"bytes":5000)"));
  ASSERT_EQ(catalogue_.size(), 1U);
  EXPECT_EQ(catalogue_.total_bytes(), 5000U);
  EXPECT_THAT(sink.take(),
              testing::ElementsAre("t: wrote " + (root_.path() / "front/2025-11-21/01").string() +
                                   "/20251121T014400.040Z-rabcd-000001.mp4: 61s, 30 frames, 4.9 KiB (length)\n"));
}

TEST_F(PublisherTest, AFileThatIsGoneIsAnErrorAndLeavesNoTrace) {
  EXPECT_EQ(publisher_.publish("gone.part", record(0)), ENOENT);
  EXPECT_FALSE(root_.has(published(0)));
  EXPECT_EQ(index(), "");
  EXPECT_EQ(catalogue_.size(), 0U);
}

TEST_F(PublisherTest, ANameThatIsTakenIsNeverReplaced) {
  root_.write(published(0), "first");
  live("a.part", "second");
  EXPECT_EQ(publisher_.publish("a.part", record(0)), 0);
  EXPECT_EQ(root_.read(published(0)), "first");
  EXPECT_EQ(root_.read("front/quarantine/a.part"), "second");
  EXPECT_FALSE(root_.has("front/live/a.part"));
  EXPECT_EQ(index(), "");
  EXPECT_EQ(catalogue_.size(), 0U);
}

TEST_F(PublisherTest, AFileOrALinkInPlaceOfTheFoldersIsAnErrorAndTheSegmentStays) {
  const TempFolder elsewhere;
  struct Case {
    const char* name;
    std::function<void()> make;
    std::function<void()> remove;
  };
  const auto day = root_.path() / "front/2025-11-21";
  for (const Case& c : {
           Case{"the day is a file", [&] { root_.write("front/2025-11-21", ""); },
                [&] { std::filesystem::remove(day); }},
           Case{"the hour is a file", [&] { root_.write("front/2025-11-21/01", ""); },
                [&] { std::filesystem::remove_all(day); }},
           Case{"the day is a link", [&] { std::filesystem::create_directory_symlink(elsewhere.path(), day); },
                [&] { std::filesystem::remove(day); }},
       }) {
    c.make();
    live("a.part", "whole");
    EXPECT_NE(publisher_.publish("a.part", record(0)), 0) << c.name;
    EXPECT_EQ(root_.read("front/live/a.part"), "whole") << c.name;
    EXPECT_EQ(index(), "") << c.name;
    EXPECT_TRUE(std::filesystem::is_empty(elsewhere.path())) << c.name;
    c.remove();
  }
  EXPECT_EQ(publisher_.publish("a.part", record(0)), 0) << "once the folders can be made";
}

TEST_F(PublisherTest, QuarantineTakesAFileOnceAndDropsTheSecondOfTheName) {
  live("a.part", "first");
  publisher_.quarantine("a.part");
  EXPECT_EQ(root_.read("front/quarantine/a.part"), "first");
  live("a.part", "second");
  publisher_.quarantine("a.part");
  EXPECT_EQ(root_.read("front/quarantine/a.part"), "first");
  EXPECT_FALSE(root_.has("front/live/a.part"));
}

TEST_F(PublisherTest, QuarantineDeletesTheOldestOverOneGibibyte) {
  const auto sparse = [&](const std::string& path, std::uintmax_t size) {
    root_.write(path, "");
    std::filesystem::resize_file(root_.path() / path, size);
  };
  sparse("front/quarantine/1.part", 600 << 20);
  sparse("front/quarantine/2.part", 300 << 20);
  sparse("front/live/3.part", 400 << 20);
  publisher_.quarantine("3.part");
  EXPECT_FALSE(root_.has("front/quarantine/1.part"));
  EXPECT_TRUE(root_.has("front/quarantine/2.part"));
  EXPECT_TRUE(root_.has("front/quarantine/3.part"));
  sparse("front/live/4.part", std::uintmax_t{5} << 30);
  publisher_.quarantine("4.part");
  EXPECT_TRUE(std::filesystem::is_empty(root_.path() / "front/quarantine")) << "one alone may be too much";
}

TEST_F(PublisherTest, QuarantineOfAFileThatIsGoneIsAWarning) {
  WritesToStderr sink;
  log::init({.tool = "t"});
  publisher_.quarantine("gone.part");
  EXPECT_THAT(sink.take(),
              testing::ElementsAre("t: " + camera_.path() +
                                   "/live/gone.part: cannot move to quarantine: No such file or directory\n"));
}

}  // namespace
}  // namespace campipe::record::library
