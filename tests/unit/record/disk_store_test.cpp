#include "record/disk_store.hpp"

#include <gmock/gmock.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "record/library/camera_on_disk.hpp"

namespace campipe::record {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

class DiskStoreTest : public CameraOnDisk {
protected:
  DiskStore store(std::optional<segment::Container> container = std::nullopt) {
    return {camera_, housekeeper_, flusher_, container};
  }

  library::Housekeeper housekeeper_{camera_, publisher_, index_, retention_};
  library::Flusher flusher_{std::chrono::milliseconds(1)};
};

TEST_F(DiskStoreTest, ASegmentGoesFromLiveToItsHour) {
  DiskStore disk = store();
  auto writer = disk.open(h264_format(), kStartUs);
  ASSERT_NE(writer, nullptr);
  EXPECT_TRUE(camera_.live().entries().empty()) << "nothing is made before the first write";
  const media::Packet first = h264_picture(0);
  ASSERT_EQ(writer->write({&first, 1}), 0);
  disk.opened(*writer);
  const segment::SegmentName segment = writer->record().name;
  EXPECT_EQ(camera_.live().entries(), std::vector<std::string>{to_string(segment) + ".part"});
  disk.close(std::move(writer));
  disk.gap({.from_us = kStartUs, .to_us = kStartUs + 5, .frames = 1, .reason = "slow"});
  EXPECT_EQ(housekeeper_.stop(), 0U);
  EXPECT_TRUE(camera_.live().entries().empty());
  EXPECT_TRUE(root_.has("front/" + library::Published{segment, 0}.path()));
  EXPECT_THAT(index(), HasSubstr(R"("kind":"open")"));
  EXPECT_THAT(index(), HasSubstr(R"("kind":"seg")"));
  EXPECT_THAT(index(), HasSubstr(R"("reason":"slow")"));
}

TEST_F(DiskStoreTest, NamesHaveTheStartTheRunAndACount) {
  DiskStore disk = store();
  std::string run;
  for (std::uint32_t i = 1; i <= 3; ++i) {
    const auto writer = disk.open(h264_format(), kStartUs);
    const segment::SegmentName segment = writer->record().name;
    EXPECT_EQ(segment.start_ms, kStartUs / 1000);
    EXPECT_EQ(segment.sequence, i);
    EXPECT_THAT(segment.run, MatchesRegex("[0-9a-f][0-9a-f][0-9a-f][0-9a-f]"));
    if (i > 1) {
      EXPECT_EQ(segment.run, run);
    }
    run = segment.run;
    EXPECT_EQ(segment::parse_segment_name(to_string(segment)), segment);
  }
}

TEST_F(DiskStoreTest, TimesThatANameCannotHoldAreReplacedByOurOwn) {
  DiskStore disk = store();
  for (const std::int64_t start_us : {std::int64_t{-1}, INT64_MIN, std::int64_t{253'402'300'800'000'000}, INT64_MAX}) {
    const std::int64_t before_ms = realtime_us() / 1000;
    const auto writer = disk.open(h264_format(), start_us);
    EXPECT_GE(writer->record().name.start_ms, before_ms) << start_us;
    EXPECT_LE(writer->record().name.start_ms, realtime_us() / 1000) << start_us;
    EXPECT_EQ(writer->record().start_us, start_us) << "the times in the file are the stream's";
  }
  for (const std::int64_t start_us : {std::int64_t{0}, std::int64_t{253'402'300'799'999'999}}) {
    EXPECT_EQ(disk.open(h264_format(), start_us)->record().name.start_ms, start_us / 1000);
  }
}

TEST_F(DiskStoreTest, TheContainerIsTheOneAskedForOrFitsTheCodecs) {
  media::StreamFormat with_sound = h264_format();
  with_sound.audio = media::AudioFormat{.codec = media::AudioCodec::pcm_alaw, .sample_rate_hz = 8000, .channels = 1};
  const auto container = [&](std::optional<segment::Container> asked, const media::StreamFormat& format) {
    return store(asked).open(format, kStartUs)->record().name.container;
  };
  EXPECT_EQ(container({}, h264_format()), segment::Container::mp4);
  EXPECT_EQ(container({}, with_sound), segment::Container::mkv);
  EXPECT_EQ(container(segment::Container::ts, h264_format()), segment::Container::ts);
  EXPECT_EQ(container(segment::Container::mkv, h264_format()), segment::Container::mkv);
}

TEST_F(DiskStoreTest, AStreamThatTheContainerCannotHoldIsBadData) {
  media::StreamFormat raw = h264_format();
  raw.video.codec = media::VideoCodec::raw;
  media::StreamFormat with_sound = h264_format();
  with_sound.audio = media::AudioFormat{.codec = media::AudioCodec::pcm_alaw, .sample_rate_hz = 8000, .channels = 1};
  struct Case {
    std::optional<segment::Container> asked;
    media::StreamFormat format;
  };
  for (const Case& c :
       {Case{{}, raw}, Case{segment::Container::mp4, with_sound}, Case{segment::Container::ts, with_sound}}) {
    try {
      store(c.asked).open(c.format, kStartUs);
      ADD_FAILURE() << "took it";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_data) << error.what();
    }
  }
}

TEST_F(DiskStoreTest, WaitsWithANewSegmentWhileFourWaitToBePublished) {
  root_.write("front/2025-11-21", "in the way");
  DiskStore disk = store();
  for (int i = 0; i < 4; ++i) {
    auto writer = disk.open(h264_format(), kStartUs);
    ASSERT_NE(writer, nullptr) << i;
    const media::Packet first = h264_picture(0);
    ASSERT_EQ(writer->write({&first, 1}), 0);
    disk.close(std::move(writer));
  }
  EXPECT_EQ(disk.open(h264_format(), kStartUs), nullptr) << "for a second";
  std::filesystem::remove(root_.path() / "front/2025-11-21");
  std::unique_ptr<segment::Writer> writer;
  for (int i = 0; i < 20 && !writer; ++i) writer = disk.open(h264_format(), kStartUs);
  EXPECT_NE(writer, nullptr) << "as soon as one is published";
}

TEST_F(DiskStoreTest, PassesOnThatSpaceIsWanted) {
  DiskStore disk = store();
  for (int i = 0; i < 2; ++i) housekeeper_.publish(segment(i));
  disk.want_space(0);
  free_bytes_ = 1000;
  disk.want_space(1001);
  housekeeper_.stop();
  EXPECT_FALSE(root_.has(published(0)));
  EXPECT_TRUE(root_.has(published(1)));
}

}  // namespace
}  // namespace campipe::record
