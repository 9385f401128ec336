#include "record/recorder.hpp"

#include <cerrno>

#include <gtest/gtest.h>

#include "base/log.hpp"
#include "base/stderr_to.hpp"
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
             std::shared_ptr<Log> log, const int& error, std::size_t most, int too_much)
      : segment::Writer({}, std::make_shared<segment::File>(folder, "fake"), format, start_us),
        log_(std::move(log)),
        error_(error),
        most_(most),
        too_much_(too_much) {
    log_->video = format.video;
  }
  int write(std::span<const media::Packet> batch) override {
    if (error_ != 0) return error_;
    if (log_->pts.size() + batch.size() > most_) return too_much_;
    for (const auto& packet : batch)
      (packet.track == media::Track::video ? log_->pts : log_->audio_pts).push_back(packet.pts_us - kStartUs);
    log_->batches.push_back(batch.size());
    count(batch, 0, 0);
    return 0;
  }
  void mark() override {
    segment::Writer::mark();
    marked_ = log_->pts.size();
  }
  void rollback() override {
    segment::Writer::rollback();
    log_->pts.resize(marked_);
  }
  int finish() override { return 0; }

private:
  std::shared_ptr<Log> log_;
  const int& error_;
  std::size_t most_;  // the largest file
  int too_much_;      // what says so
  std::size_t marked_ = 0;
};

class FakeStore : public Store {
public:
  std::unique_ptr<segment::Writer> open(const media::StreamFormat& format, std::int64_t start_us) override {
    if (refuse) return nullptr;
    logs.push_back(std::make_shared<Log>());
    return std::make_unique<FakeWriter>(format, start_us, folder, logs.back(), write_error, most, too_much);
  }
  void opened(const segment::Writer&) override { ++opened_count; }
  void close(std::unique_ptr<segment::Writer> segment) override { ends.push_back(segment->record().end_reason); }
  void gap(const segment::GapRecord& gap) override { gaps.push_back(gap); }
  void want_space(std::int64_t) override { ++wants; }
  bool look() override { return std::exchange(another_folder, false); }
  bool in_place(const segment::Writer&) override { return !deleted; }

  TempFolder temp;
  segment::Folder folder = temp.folder();
  std::vector<std::shared_ptr<Log>> logs;
  std::vector<std::string> ends;
  std::vector<segment::GapRecord> gaps;
  int opened_count = 0, wants = 0, write_error = 0;
  std::size_t most = 1'000'000;
  int too_much = EFBIG;
  bool refuse = false, deleted = false, another_folder = false;
  /// Numbers of the pictures that are in files, in order.
  std::vector<std::int64_t> pictures() const {
    std::vector<std::int64_t> all;
    for (const auto& log : logs) {
      for (const std::int64_t pts : log->pts) all.push_back(pts / kFrameUs);
    }
    return all;
  }
};

std::vector<std::int64_t> numbers(std::int64_t from, std::int64_t to) {
  std::vector<std::int64_t> all;
  for (std::int64_t i = from; i < to; ++i) all.push_back(i);
  return all;
}

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
  /// As camrec does: what is held is tried again when its time has come.
  void feed_and_resume(std::int64_t from, std::int64_t to) {
    for (std::int64_t i = from; i < to; ++i) {
      if (recorder_.held_until_ns().value_or(now_ + 1) <= now_) recorder_.resume(now_);
      feed(i, i + 1);
    }
    if (recorder_.held_until_ns()) recorder_.resume(now_);
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
  EXPECT_EQ(recorder_.counts().lost, 0u);
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
  EXPECT_EQ(recorder_.counts().skipped, 20u);
  EXPECT_EQ(recorder_.counts().lost, 0u);
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

TEST_F(RecorderTest, AFullDiskThatHasRoomAgainLosesNothing) {
  feed(0, 30);
  store_.write_error = ENOSPC;
  feed(30, 45);
  EXPECT_TRUE(recorder_.held_until_ns().has_value());
  EXPECT_EQ(store_.ends, (std::vector<std::string>{"disk full"}));
  EXPECT_GE(store_.wants, 1);
  recorder_.resume(now_);
  EXPECT_TRUE(recorder_.held_until_ns().has_value()) << "it is still full";
  store_.write_error = 0;
  recorder_.resume(now_);
  feed(45, 120);
  recorder_.finish(now_);
  EXPECT_EQ(store_.pictures(), numbers(0, 120));
  EXPECT_TRUE(store_.gaps.empty());
  EXPECT_EQ(recorder_.counts().written, 120u);
  EXPECT_EQ(recorder_.counts().lost, 0u);
}

TEST_F(RecorderTest, AWriteErrorInTheMiddleOfAGroupMovesTheGroupToTheNextFile) {
  for (const int error : {EIO, EDQUOT, ENOSPC, EFBIG, EROFS}) {
    SCOPED_TRACE(error);
    FakeStore store;
    Recorder recorder({.segment = std::chrono::seconds(20)}, store);
    recorder.set_format(h264_format());
    for (std::int64_t i = 0; i < 200; ++i) {
      store.write_error = i >= 75 && i < 84 ? error : 0;
      const std::int64_t now = i * kFrameUs * 1000;
      recorder.tick(now);
      if (recorder.held_until_ns() && store.write_error == 0) recorder.resume(now);
      recorder.add(h264_picture(i), now);
    }
    recorder.finish(0);
    EXPECT_EQ(store.pictures(), numbers(0, 200));
    for (const auto& log : store.logs) {
      if (!log->pts.empty()) {
        EXPECT_EQ(log->pts.front() / kFrameUs % 30, 0) << "begins with a keyframe";
      }
    }
    EXPECT_EQ(recorder.counts().written, 200u);
    EXPECT_EQ(recorder.counts().lost, 0u);
  }
}

TEST_F(RecorderTest, TheLargestFileLosesNothing) {
  store_.most = 100;
  feed_and_resume(0, 400);
  recorder_.finish(now_);
  EXPECT_EQ(store_.pictures(), numbers(0, 400));
  EXPECT_EQ(recorder_.counts().lost, 0u);
}

TEST_F(RecorderTest, AGroupLargerThanTheLargestFileKeepsItsBeginning) {
  store_.most = 20;
  feed_and_resume(0, 90);
  recorder_.finish(now_);
  const auto counts = recorder_.counts();
  EXPECT_GE(counts.written, 12u);
  EXPECT_EQ(counts.written + counts.lost, 90u);
  EXPECT_EQ(store_.pictures().size(), counts.written);
}

TEST_F(RecorderTest, AFormatThatChangesAtTheLargestFileLosesNothing) {
  store_.most = 32;
  feed(0, 34);  // of which the last few wait to be written
  auto format = h264_format();
  format.video.size = {640, 480};
  format.video.parameter_sets = big_parameter_sets();
  recorder_.set_format(format);
  EXPECT_FALSE(recorder_.held_until_ns().has_value());
  EXPECT_FALSE(recorder_.failing_since_ns().has_value());
  EXPECT_EQ(store_.pictures(), numbers(0, 34));
  EXPECT_EQ(recorder_.counts().lost, 0u);
}

TEST_F(RecorderTest, AFileThatNeverTakesAWholeGroupIsTriedOnceASecond) {
  store_.most = 20;
  store_.too_much = EIO;
  int tries = 0;
  for (std::int64_t i = 0; i < 90; ++i) {
    for (; recorder_.held_until_ns().value_or(now_ + 1) <= now_ && tries < 100; ++tries) recorder_.resume(now_);
    feed(i, i + 1);
  }
  EXPECT_LE(tries, 4);
}

TEST_F(RecorderTest, WhatIsHeldAtTheEndIsLostAndInTheIndex) {
  feed(0, 35);
  store_.write_error = EIO;
  feed(35, 60);
  recorder_.finish(now_);
  const auto counts = recorder_.counts();
  EXPECT_EQ(counts.written + counts.lost, 60u);
  ASSERT_EQ(store_.gaps.size(), 1u);
  EXPECT_EQ(store_.gaps[0].frames, counts.lost);
  EXPECT_EQ(store_.gaps[0].reason, "write error");
  EXPECT_EQ(store_.gaps[0].to_us, kStartUs + 59 * kFrameUs);
  EXPECT_EQ(recorder_.first_loss(), "write error");
}

TEST_F(RecorderTest, AGroupTooLongForMemoryIsLostFromTheFailureToTheNextKeyframe) {
  Recorder recorder({.segment = std::chrono::hours(1)}, store_);
  recorder.set_format(h264_format());
  for (std::int64_t i = 0; i < 120; ++i) {
    auto packet = h264_picture(i, small_parameter_sets(), 60);
    if (!packet.keyframe) packet.payload = media::Payload::from(std::vector<std::byte>(1U << 20));
    store_.write_error = i == 50 ? EIO : 0;
    recorder.add(packet, 0);
    if (i == 50) recorder.tick(1'000'000'000);
  }
  recorder.finish(0);
  EXPECT_FALSE(recorder.held_until_ns().has_value());
  const auto counts = recorder.counts();
  EXPECT_GT(counts.lost, 9u);
  EXPECT_LE(counts.lost, 17u);
  EXPECT_EQ(counts.written + counts.lost, 120u);
  EXPECT_EQ(store_.pictures().size(), counts.written);
}

TEST_F(RecorderTest, TriesAFullDiskOnceASecond) {
  store_.write_error = ENOSPC;
  for (std::int64_t i = 0; i < 90; ++i) {
    auto packet = h264_picture(0);
    packet.pts_us = kStartUs + i * kFrameUs;  // keyframes only, as in MJPEG
    now_ = i * kFrameUs * 1000;
    recorder_.tick(now_);
    if (recorder_.held_until_ns().value_or(now_ + 1) <= now_) recorder_.resume(now_);
    recorder_.add(packet, now_);
  }
  EXPECT_LE(store_.logs.size(), 4u);
}

TEST_F(RecorderTest, SegmentsThatWaitToBePublishedHoldNewOnesBackWithoutALoss) {
  store_.refuse = true;
  feed(0, 60);
  EXPECT_TRUE(store_.logs.empty());
  EXPECT_TRUE(recorder_.held_by_backlog());
  store_.refuse = false;
  recorder_.resume(now_);
  EXPECT_FALSE(recorder_.held_by_backlog());
  feed(60, 91);
  recorder_.finish(now_);
  EXPECT_EQ(store_.pictures(), numbers(0, 91));
  EXPECT_EQ(recorder_.counts().lost, 0u);
}

TEST_F(RecorderTest, AFileThatIsDeletedWhileOpenIsFollowedByAnotherAtOnce) {
  feed(0, 45);
  store_.deleted = true;
  recorder_.tick(now_ + 1'000'000'000);
  store_.deleted = false;
  const std::size_t deleted = store_.logs.size() - 1;
  feed_and_resume(45, 70);
  recorder_.finish(now_);
  store_.logs.erase(store_.logs.begin() + static_cast<std::ptrdiff_t>(deleted));
  EXPECT_EQ(store_.pictures(), numbers(30, 70)) << "with the group that was in memory";
  const auto counts = recorder_.counts();
  EXPECT_EQ(counts.written, 40u);
  EXPECT_EQ(counts.lost, 30u);
  ASSERT_EQ(store_.gaps.size(), 1u);
  EXPECT_EQ(store_.gaps[0].reason, "deleted");
  EXPECT_EQ(store_.gaps[0].from_us, kStartUs);
  EXPECT_EQ(store_.gaps[0].to_us, kStartUs + 30 * kFrameUs);
}

TEST_F(RecorderTest, AFolderThatIsMadeAnewIsTriedAtOnce) {
  store_.write_error = ENOENT;
  feed(0, 8);
  EXPECT_GT(recorder_.held_until_ns(), now_);
  store_.another_folder = true;
  recorder_.resume(now_);
  recorder_.tick(*recorder_.deadline_ns());
  EXPECT_LE(recorder_.held_until_ns().value_or(0), now_ + 200 * kMs);
  store_.write_error = 0;
  recorder_.resume(now_);
  recorder_.finish(now_);
  EXPECT_EQ(store_.pictures(), numbers(0, 8));
}

TEST_F(RecorderTest, AStreamWithoutKeyframesIsToldOnce) {
  WritesToStderr sink;
  log::init({.tool = "t", .level = log::Level::warning});
  for (std::int64_t i = 0; i < 1000; ++i) recorder_.add(h264_picture(i, small_parameter_sets(), 100'000), 0);
  const auto lines = sink.take();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("no keyframe for 6s: files cannot be cut"), std::string::npos) << lines[0];
}

TEST_F(RecorderTest, AStreamThatCannotBeginIsToldOnce) {
  WritesToStderr sink;
  log::init({.tool = "t", .level = log::Level::warning});
  for (std::int64_t i = 1; i < 1000; ++i) recorder_.add(h264_picture(i, small_parameter_sets(), 100'000), 0);
  const auto lines = sink.take();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("recording cannot begin"), std::string::npos) << lines[0];
  EXPECT_EQ(recorder_.counts().skipped, 999u);
  EXPECT_EQ(recorder_.counts().lost, 0u);
}

TEST_F(RecorderTest, UsualGroupsOfPicturesAreNotWarnedOf) {
  WritesToStderr sink;
  log::init({.tool = "t", .level = log::Level::warning});
  for (std::int64_t i = 0; i < 1000; ++i) recorder_.add(h264_picture(i, small_parameter_sets(), 150), 0);
  EXPECT_TRUE(sink.take().empty());
}

TEST_F(RecorderTest, LossBeforeTheRecorderIsAGap) {
  feed(0, 30);
  recorder_.lost(30, kStartUs + 30 * kFrameUs);
  feed(60, 100);
  recorder_.finish(now_);
  EXPECT_EQ(recorder_.counts().lost, 30u);
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
