#include "record/recorder.hpp"

#include <cerrno>

#include <gtest/gtest.h>

#include "base/log.hpp"
#include "record/h264_stream.hpp"
#include "record/temp_folder.hpp"

namespace campipe::record {
namespace {

constexpr std::int64_t kMs = 1'000'000;

/// What a segment got.
struct Log {
  std::vector<std::int64_t> pts;
  std::vector<std::int64_t> audio_pts;
  std::vector<std::size_t> batches;
  std::string end;
  media::VideoFormat video;
};

class FakeWriter : public segment::Writer {
public:
  FakeWriter(const media::StreamFormat& format, std::int64_t start_us, const segment::Folder& folder,
             std::shared_ptr<Log> log, const int& error)
      : segment::Writer({}, std::make_shared<segment::File>(folder, "fake"), format, start_us),
        log_(std::move(log)),
        error_(error) {
    log_->video = format.video;
  }
  int write(std::span<const media::Packet> batch) override {
    if (error_ != 0) return error_;
    for (const auto& packet : batch)
      (packet.track == media::Track::video ? log_->pts : log_->audio_pts).push_back(packet.pts_us - kStartUs);
    log_->batches.push_back(batch.size());
    count(batch, 0, 0);
    return 0;
  }
  int finish() override { return 0; }

private:
  std::shared_ptr<Log> log_;
  const int& error_;
};

class FakeStore : public Store {
public:
  std::unique_ptr<segment::Writer> open(const media::StreamFormat& format, std::int64_t start_us) override {
    if (refuse) return nullptr;
    logs.push_back(std::make_shared<Log>());
    return std::make_unique<FakeWriter>(format, start_us, folder, logs.back(), write_error);
  }
  void opened(const segment::Writer&) override { ++opened_count; }
  void close(std::unique_ptr<segment::Writer> segment) override { ends.push_back(segment->record().end_reason); }
  void gap(const segment::GapRecord& gap) override { gaps.push_back(gap); }
  void want_space(std::int64_t) override { ++wants; }

  TempFolder temp;
  segment::Folder folder = temp.folder();
  std::vector<std::shared_ptr<Log>> logs;
  std::vector<std::string> ends;
  std::vector<segment::GapRecord> gaps;
  int opened_count = 0, wants = 0, write_error = 0;
  bool refuse = false;
};

class RecorderTest : public testing::Test {
protected:
  RecorderTest() {
    log::init({.tool = "unit_record", .level = log::Level::error});
    recorder_.set_format(h264_format());
  }

  /// Pictures [from, to), each at its time.
  void feed(std::int64_t from, std::int64_t to) {
    for (std::int64_t i = from; i < to; ++i) {
      now_ = i * kFrameUs * 1000;
      recorder_.tick(now_);
      recorder_.add(h264_picture(i), now_);
    }
  }
  media::Packet audio(std::int64_t pts_us) const {
    media::Packet packet;
    packet.track = media::Track::audio;
    packet.pts_us = kStartUs + pts_us;
    packet.keyframe = true;
    packet.payload = media::Payload::from(bytes_of({1, 2, 3}));
    return packet;
  }
  void with_audio() {
    auto format = h264_format();
    format.audio = media::AudioFormat{
        .codec = media::AudioCodec::aac, .sample_rate_hz = 48'000, .channels = 2, .extradata = bytes_of({0x11, 0x90})};
    recorder_.set_format(format);
  }

  FakeStore store_;
  Recorder recorder_{{.segment = std::chrono::seconds(2)}, store_};
  std::int64_t now_ = 0;
};

TEST_F(RecorderTest, CutsAtTheFirstKeyframeAfterTheLength) {
  feed(0, 125);
  recorder_.finish(now_);
  ASSERT_EQ(store_.logs.size(), 2u);
  // Two seconds are over at picture 60.0006: the keyframe at 60 is a little early, the one at 90 is it.
  EXPECT_EQ(store_.logs[0]->pts.size(), 90u);
  EXPECT_EQ(store_.logs[1]->pts.front(), 90 * kFrameUs);
  EXPECT_EQ(store_.ends, (std::vector<std::string>{"length", "stop"}));
  EXPECT_EQ(recorder_.counts().written, 125u);
  EXPECT_EQ(recorder_.counts().dropped, 0u);
}

TEST_F(RecorderTest, WritesAPartEvery200Ms) {
  feed(0, 31);
  for (const std::size_t batch : store_.logs[0]->batches) EXPECT_LE(batch, 7u);
  EXPECT_GE(store_.logs[0]->batches.size(), 4u);
}

TEST_F(RecorderTest, WritesWhenTheTimeIsUpAlthoughNothingComes) {
  recorder_.add(h264_picture(0), 5 * kMs);
  EXPECT_EQ(recorder_.deadline_ns(), 205 * kMs);
  recorder_.tick(204 * kMs);
  EXPECT_TRUE(store_.logs[0]->pts.empty());
  recorder_.tick(205 * kMs);
  EXPECT_EQ(store_.logs[0]->pts.size(), 1u);
  EXPECT_FALSE(recorder_.deadline_ns().has_value());
}

TEST_F(RecorderTest, PartsFollowMediaTimeWhenAFileComesAtOnce) {
  for (int i = 0; i < 30; ++i) recorder_.add(h264_picture(i), 0);
  EXPECT_GE(store_.logs[0]->batches.size(), 3u);
}

TEST_F(RecorderTest, BeginsWithAKeyframe) {
  feed(10, 60);
  recorder_.finish(now_);
  EXPECT_EQ(store_.logs[0]->pts.front(), 30 * kFrameUs);
  EXPECT_EQ(recorder_.counts().dropped, 20u);
}

TEST_F(RecorderTest, NewParameterSetsBeginANewSegment) {
  feed(0, 30);
  recorder_.add(h264_picture(30, big_parameter_sets()), now_);
  recorder_.finish(now_);
  ASSERT_EQ(store_.logs.size(), 2u);
  EXPECT_EQ(store_.ends[0], "format");
  EXPECT_EQ(store_.logs[1]->video.size, (Size{640, 480}));
  EXPECT_EQ(store_.logs[1]->video.parameter_sets, big_parameter_sets());
}

TEST_F(RecorderTest, FormatMessageEndsTheSegmentAtOnce) {
  feed(0, 20);
  auto format = h264_format();
  format.video.size = {640, 480};
  format.video.parameter_sets = big_parameter_sets();
  recorder_.set_format(format);
  EXPECT_EQ(store_.ends, (std::vector<std::string>{"format"}));
  EXPECT_EQ(store_.logs[0]->pts.size(), 20u);
}

TEST_F(RecorderTest, SameFormatAgainChangesNothing) {
  feed(0, 20);
  recorder_.set_format(h264_format());
  EXPECT_TRUE(store_.ends.empty());
}

TEST_F(RecorderTest, LearnsParameterSetsFromTheStream) {
  auto format = h264_format();
  format.video.parameter_sets.clear();
  format.video.size = {};
  Recorder fresh({}, store_);
  fresh.set_format(format);
  fresh.add(h264_picture(0), 0);
  fresh.finish(0);
  ASSERT_EQ(store_.logs.size(), 1u);
  EXPECT_EQ(store_.logs[0]->video.size, (Size{320, 240}));
}

TEST_F(RecorderTest, ClockThatGoesBackBeginsANewSegment) {
  feed(0, 30);
  for (std::int64_t i = 0; i < 3; ++i) {
    auto packet = h264_picture(30 + i);
    packet.pts_us -= 3'600'000'000;
    recorder_.add(packet, now_);
  }
  recorder_.finish(now_);
  EXPECT_EQ(store_.ends, (std::vector<std::string>{"clock", "stop"}));
}

TEST_F(RecorderTest, LongGapEndsTheSegmentAtTheNextKeyframe) {
  feed(0, 30);
  for (std::int64_t i = 35; i < 65; ++i) {
    auto packet = h264_picture(i);
    packet.pts_us += 20'000'000;
    recorder_.add(packet, now_);
  }
  recorder_.finish(now_);
  EXPECT_EQ(store_.ends, (std::vector<std::string>{"gap", "stop"}));
  EXPECT_EQ(store_.logs[0]->pts.size(), 30u + 25u);  // up to the keyframe at 60
}

TEST_F(RecorderTest, SlowStreamsAreNotAllGaps) {
  Recorder slow({.segment = std::chrono::minutes(10)}, store_);
  slow.set_format(h264_format());
  for (std::int64_t i = 0; i < 10; ++i) {
    auto packet = h264_picture(i * 30);
    packet.pts_us = kStartUs + i * 30'000'000;  // one picture in 30 s
    slow.add(packet, i);
  }
  slow.finish(10);
  EXPECT_LE(store_.logs.size(), 2u);
}

TEST_F(RecorderTest, FullDiskDropsToAKeyframeAndGoesOn) {
  feed(0, 30);
  store_.write_error = ENOSPC;
  feed(30, 45);
  store_.write_error = 0;
  feed(45, 120);
  recorder_.finish(now_);
  ASSERT_EQ(store_.ends.front(), "disk full");
  EXPECT_GE(store_.wants, 1);
  EXPECT_EQ(store_.logs.back()->pts.front() % (30 * kFrameUs), 0);
  ASSERT_EQ(store_.gaps.size(), 1u);
  EXPECT_EQ(store_.gaps[0].frames, recorder_.counts().dropped);
  EXPECT_EQ(recorder_.counts().written + recorder_.counts().dropped, 120u);
  EXPECT_EQ(store_.gaps[0].to_us, kStartUs + store_.logs.back()->pts.front());
}

TEST_F(RecorderTest, TriesAFullDiskOnceASecond) {
  store_.write_error = ENOSPC;
  for (std::int64_t i = 0; i < 90; ++i) {
    auto packet = h264_picture(0);
    packet.pts_us = kStartUs + i * kFrameUs;  // keyframes only, as in MJPEG
    now_ = i * kFrameUs * 1000;
    recorder_.tick(now_);
    recorder_.add(packet, now_);
  }
  EXPECT_LE(store_.logs.size(), 4u);
}

TEST_F(RecorderTest, BacklogHoldsNewSegmentsBack) {
  store_.refuse = true;
  feed(0, 60);
  EXPECT_TRUE(store_.logs.empty());
  store_.refuse = false;
  feed(60, 91);
  EXPECT_EQ(store_.logs.size(), 1u);
}

TEST_F(RecorderTest, LossBeforeTheRecorderIsAGap) {
  feed(0, 30);
  recorder_.lost(30, kStartUs + 30 * kFrameUs);
  feed(60, 100);
  recorder_.finish(now_);
  EXPECT_EQ(recorder_.counts().dropped, 30u);
  ASSERT_EQ(store_.gaps.size(), 1u);
  EXPECT_EQ(store_.gaps[0].from_us, kStartUs + 30 * kFrameUs);
  EXPECT_EQ(store_.gaps[0].to_us, kStartUs + 60 * kFrameUs);
  EXPECT_EQ(store_.gaps[0].reason, "slow disk");
}

TEST_F(RecorderTest, AudioGoesToTheSegmentOfItsTime) {
  with_audio();
  feed(0, 91);  // cut at 90
  recorder_.add(audio(89 * kFrameUs), now_);
  recorder_.add(audio(90 * kFrameUs + 5), now_);
  recorder_.add(audio(90 * kFrameUs + 9), now_);
  recorder_.finish(now_);
  ASSERT_EQ(store_.logs.size(), 2u);
  EXPECT_EQ(store_.logs[0]->audio_pts, (std::vector<std::int64_t>{89 * kFrameUs}));
  EXPECT_EQ(store_.logs[1]->audio_pts.size(), 2u);
  EXPECT_EQ(store_.ends, (std::vector<std::string>{"length", "stop"}));
}

TEST_F(RecorderTest, SegmentDoesNotWaitForAudioForEver) {
  with_audio();
  feed(0, 125);  // the cut was at 90, over a second ago
  EXPECT_EQ(store_.ends, (std::vector<std::string>{"length"}));
}

}  // namespace
}  // namespace campipe::record
