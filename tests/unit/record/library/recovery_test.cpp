#include "record/library/recovery.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/log.hpp"
#include "mp4/hybrid.hpp"
#include "record/h264_stream.hpp"
#include "record/library/retention.hpp"
#include "record/segment/mp4_writer.hpp"
#include "record/temp_folder.hpp"

namespace campipe::record {
namespace {

const segment::SegmentName kName{
    .start_ms = kStartUs / 1000, .run = "abcd", .sequence = 1, .container = segment::Container::mp4};

class RecoveryTest : public testing::Test {
protected:
  RecoveryTest() : camera_((temp_.path() / "rec").string(), "cam"), catalogue_(camera_.top()), index_(camera_.index()) {
    log::init({.tool = "unit_record", .level = log::Level::error});
  }

  /// A segment of five parts of six pictures as it is while open; the length after each part in `ends_`.
  std::unique_ptr<segment::Mp4Writer> open_segment(const std::string& file) {
    auto segment = std::make_unique<segment::Mp4Writer>(kName, std::make_shared<segment::File>(camera_.live(), file),
                                                        h264_format(), kStartUs);
    for (int part = 0; part < 5; ++part) {
      std::vector<media::Packet> batch;
      for (int i = 0; i < 6; ++i) batch.push_back(h264_picture(6 * part + i));
      EXPECT_EQ(segment->write(batch), 0);
      ends_.push_back(segment->file()->size());
    }
    return segment;
  }

  /// The bytes of an open segment of which nothing is left in live/.
  std::string open_bytes() {
    open_segment("whole");
    return take("whole");
  }
  std::string take(const std::string& file) const {
    const std::string bytes = live(file);
    std::filesystem::remove(temp_.path() / "rec/cam/live" / file);
    return bytes;
  }
  std::string live(const std::string& file) const { return temp_.read("rec/cam/live/" + file); }
  void put(const std::string& file, const std::string& bytes) const { temp_.write("rec/cam/live/" + file, bytes); }
  library::Recovered recover() { return library::recover_live(camera_, publisher_, camera_.live().entries()); }
  std::string published() const { return "rec/cam/" + library::Published{kName, 0}.path(); }

  std::optional<mp4::Summary> summary(const std::string& path) const {
    const std::string bytes = temp_.read(path);
    return mp4::summarise(
        [&](std::uint64_t offset, std::span<std::byte> into) {
          if (offset + into.size() > bytes.size()) return false;
          std::copy_n(std::as_bytes(std::span(bytes)).begin() + static_cast<std::ptrdiff_t>(offset), into.size(),
                      into.begin());
          return true;
        },
        bytes.size());
  }

  TempFolder temp_;
  library::CameraFolder camera_;
  library::Catalogue catalogue_;
  segment::Index index_;
  library::Publisher publisher_{camera_, catalogue_, index_, library::present_moment};
  std::vector<std::uint64_t> ends_;
  const std::string part_ = to_string(kName) + ".part";
};

TEST_F(RecoveryTest, FinishedSegmentTellsItsLengthAndStart) {
  auto segment = open_segment(part_);
  ASSERT_EQ(segment->finish(), 0);
  const auto found = summary("rec/cam/live/" + part_);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->frames, 30u);
  EXPECT_EQ(found->start_unix_us, kStartUs);
  EXPECT_EQ(found->duration_us, 30 * kFrameUs);
  EXPECT_EQ(segment->record().keyframes.size(), 1u);
}

TEST_F(RecoveryTest, FinishTwiceGivesTheSameFile) {
  auto segment = open_segment(part_);
  ASSERT_EQ(segment->finish(), 0);
  const std::string once = live(part_);
  ASSERT_EQ(segment->finish(), 0);
  EXPECT_TRUE(live(part_) == once);
}

TEST_F(RecoveryTest, FileIsMadeWithItsFirstPart) {
  segment::Mp4Writer segment(kName, std::make_shared<segment::File>(camera_.live(), part_), h264_format(), kStartUs);
  EXPECT_FALSE(temp_.has("rec/cam/live/" + part_));
}

TEST_F(RecoveryTest, KeepsWholePartsOfAFileCutAtAnyLength) {
  const std::string bytes = open_bytes();
  for (std::size_t length = 0; length <= bytes.size();
       length += (length > 65'000 && length < bytes.size() - 16 ? 7 : (length > 100 && length < 65'000 ? 5'000 : 1))) {
    put(part_, bytes.substr(0, length));
    const auto whole =
        static_cast<std::uint64_t>(std::ranges::count_if(ends_, [&](std::uint64_t end) { return end <= length; }));
    const library::Recovered result = recover();
    EXPECT_EQ(result.published, whole > 0 ? 1 : 0) << length;
    EXPECT_FALSE(temp_.has("rec/cam/live/" + part_)) << length;
    ASSERT_EQ(temp_.has(published()), whole > 0) << length;
    if (whole == 0) continue;
    EXPECT_EQ(summary(published())->frames, 6 * whole) << length;
    std::filesystem::remove(temp_.path() / published());
  }
}

TEST_F(RecoveryTest, RecoveredFileIsTheOneThatClosingWouldHaveMade) {
  auto segment = open_segment("whole");
  const std::string open = live("whole");
  ASSERT_EQ(segment->finish(), 0);
  const std::string closed = take("whole");
  put(part_, open);
  EXPECT_EQ(recover().published, 1);
  EXPECT_TRUE(temp_.read(published()) == closed);
  EXPECT_NE(temp_.read("rec/cam/index/2025-11-21.jsonl").find(R"("frames":30)"), std::string::npos);
  EXPECT_NE(temp_.read("rec/cam/index/2025-11-21.jsonl").find(R"("end":"recovered")"), std::string::npos);
}

TEST_F(RecoveryTest, RubbishBehindTheLastPartIsCutOff) {
  put(part_, open_bytes() + std::string(1000, '\0'));  // a power cut: the size came to the disk, the bytes did not
  EXPECT_EQ(recover().published, 1);
  EXPECT_EQ(summary(published())->frames, 30u);
}

TEST_F(RecoveryTest, NamesThatAreTakenGoToQuarantine) {
  const std::string bytes = open_bytes();
  put(part_, bytes);
  EXPECT_EQ(recover().published, 1);
  put(part_, bytes);
  recover();
  EXPECT_TRUE(temp_.has("rec/cam/quarantine/" + part_));
  EXPECT_FALSE(temp_.has("rec/cam/live/" + part_));
}

TEST_F(RecoveryTest, OtherFilesGoToQuarantine) {
  put("notes.txt", "mine");
  put(part_, "no mp4 at all");
  const library::Recovered result = recover();
  EXPECT_EQ(result.published, 0);
  EXPECT_EQ(temp_.read("rec/cam/quarantine/notes.txt"), "mine");
  EXPECT_TRUE(temp_.has("rec/cam/quarantine/" + part_));
}

TEST_F(RecoveryTest, MissingIndexIsMadeFromTheFiles) {
  put(part_, open_bytes());
  recover();
  std::filesystem::remove(temp_.path() / "rec/cam/index/2025-11-21.jsonl");
  catalogue_.read();
  EXPECT_EQ(library::rebuild_index(camera_.top(), catalogue_, index_), 1);
  EXPECT_NE(temp_.read("rec/cam/index/2025-11-21.jsonl").find(R"("duration_us":999990,"frames":30)"),
            std::string::npos);
  EXPECT_EQ(library::rebuild_index(camera_.top(), catalogue_, index_), 0);
}

}  // namespace
}  // namespace campipe::record
