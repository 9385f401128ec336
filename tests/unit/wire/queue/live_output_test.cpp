#include "wire/queue/live_output.hpp"

#include <condition_variable>
#include <csignal>
#include <mutex>

#include <fcntl.h>
#include <gmock/gmock.h>

#include "wire/make_writer.hpp"
#include "wire/queue/live_queue.hpp"
#include "wire/wire_support.hpp"

namespace campipe::wire::test {
namespace {

using media::Packet;
using media::StreamFormat;
using media::Track;
using media::VideoCodec;

constexpr int kLongMs = 60'000;  // longer than the slowest machine takes

/// A writer whose reader takes packets only when the gate is open.
class GatedWriter final : public stream::Writer {
public:
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    bool open = false;
    int writing = 0;
    std::vector<Packet> taken;
    std::vector<StreamFormat> formats;
    std::vector<SourceStatus> sources;
    bool abandoned = false;

    void set_open(bool now) {
      const std::lock_guard lock(mutex);
      open = now;
      changed.notify_all();
    }
    void wait_until_writing() {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return writing > 0; });
    }
  };

  explicit GatedWriter(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  void set_format(const StreamFormat& format) override {
    const std::lock_guard lock(shared_->mutex);
    shared_->formats.push_back(format);
  }
  void write(const Packet& packet) override {
    std::unique_lock lock(shared_->mutex);
    ++shared_->writing;
    shared_->changed.notify_all();
    shared_->changed.wait(lock, [&] { return shared_->open; });
    --shared_->writing;
    shared_->changed.notify_all();
    shared_->taken.push_back(packet);
  }
  void set_source(const SourceStatus& status) override {
    const std::lock_guard lock(shared_->mutex);
    shared_->sources.push_back(status);
    shared_->changed.notify_all();
  }
  void abandon() noexcept override {
    const std::lock_guard lock(shared_->mutex);
    shared_->abandoned = true;
  }
  std::uint64_t packets() const override { return 0; }
  std::uint64_t bytes() const override { return 0; }

private:
  std::shared_ptr<Shared> shared_;
};

StreamFormat format_of(VideoCodec codec) {
  StreamFormat format;
  format.video.codec = codec;
  format.video.size = {64, 48};
  return format;
}

Packet packet_at(int number, std::int64_t step_us, bool key = true, Track track = Track::video) {
  Packet packet;
  packet.track = track;
  packet.pts_us = 1'000'000'000 + number * step_us;
  packet.keyframe = key;
  packet.sequence = static_cast<std::uint64_t>(number);
  packet.payload = pattern(100, static_cast<unsigned>(number));
  return packet;
}

std::vector<std::uint64_t> numbers(const std::vector<Packet>& packets) {
  std::vector<std::uint64_t> all;
  for (const Packet& packet : packets) all.push_back(packet.sequence.value_or(0));
  return all;
}

TEST(LiveQueue, PicturesNewestWins) {
  queue::LiveQueue queue(true);
  queue.set_format(format_of(VideoCodec::mjpeg));
  std::uint64_t dropped = 0;
  for (int i = 0; i < 10; ++i) dropped += queue.push(packet_at(i, 33'000)).video;
  EXPECT_EQ(dropped, 6U);
  queue.pop();  // the format
  for (std::uint64_t i = 6; i < 10; ++i) {
    const auto packet = std::get<Packet>(queue.pop());
    EXPECT_EQ(packet.sequence, i);
    EXPECT_EQ(packet.discontinuity, i == 6);
  }
  EXPECT_TRUE(queue.empty());
}

TEST(LiveQueue, PicturesWaitAtMostAQuarterOfASecond) {
  queue::LiveQueue queue(true);
  queue.set_format(format_of(VideoCodec::raw));
  EXPECT_EQ(queue.push(packet_at(0, 200'000)).video, 0U);
  EXPECT_EQ(queue.push(packet_at(1, 200'000)).video, 0U);
  EXPECT_EQ(queue.push(packet_at(2, 200'000)).video, 1U);
}

TEST(LiveQueue, CodedVideoGoesUntilTheNextKeyframe) {
  queue::LiveQueue queue(true);
  queue.set_format(format_of(VideoCodec::h264));
  std::uint64_t dropped = 0;
  for (int i = 0; i < 50; ++i) dropped += queue.push(packet_at(i, 33'000, i % 20 == 0)).video;
  // 0..30 wait for 1 s; 31 clears them; 32..39 need a keyframe; 40 is one.
  EXPECT_EQ(dropped, 40U);
  queue.pop();
  const auto first = std::get<Packet>(queue.pop());
  EXPECT_EQ(first.sequence, 40U);
  EXPECT_TRUE(first.discontinuity);
  EXPECT_FALSE(std::get<Packet>(queue.pop()).discontinuity);
}

TEST(LiveQueue, AudioHasItsOwnBound) {
  queue::LiveQueue queue(true);
  queue.set_format(format_of(VideoCodec::raw));
  std::uint64_t audio = 0;
  std::uint64_t video = 0;
  for (int i = 0; i < 150; ++i) {
    audio += queue.push(packet_at(i, 20'000, true, Track::audio)).audio;
    video += queue.push(packet_at(i, 20'000)).video;
  }
  EXPECT_EQ(audio, 150U - 101U);
  EXPECT_EQ(video, 146U);
}

TEST(LiveQueue, WithoutLiveNothingIsDroppedAndRoomEnds) {
  queue::LiveQueue queue(false);
  queue.set_format(format_of(VideoCodec::raw));
  int taken = 0;
  while (queue.has_room(Track::video)) queue.push(packet_at(taken++, 33'000));
  EXPECT_EQ(taken, 4);
  EXPECT_TRUE(queue.has_room(Track::audio));
}

TEST(LiveOutput, AStalledReaderNeverBlocksTheSource) {
  auto shared = std::make_shared<GatedWriter::Shared>();
  queue::LiveOutput output(std::make_unique<GatedWriter>(shared), "stdout", true);
  output.set_format(format_of(VideoCodec::mjpeg));
  output.offer(packet_at(0, 33'000));
  shared->wait_until_writing();
  for (int i = 1; i < 100; ++i) output.offer(packet_at(i, 33'000));
  EXPECT_EQ(output.stats().dropped, 95U);
  shared->set_open(true);
  EXPECT_TRUE(output.finish(kLongMs));
  EXPECT_EQ(numbers(shared->taken), (std::vector<std::uint64_t>{0, 96, 97, 98, 99}));
  EXPECT_TRUE(shared->taken[1].discontinuity);
  EXPECT_EQ(output.stats().packets, 5U);
}

TEST(LiveOutput, WithoutLiveEveryPacketArrives) {
  auto shared = std::make_shared<GatedWriter::Shared>();
  shared->open = true;
  queue::LiveOutput output(std::make_unique<GatedWriter>(shared), "stdout", false);
  output.set_format(format_of(VideoCodec::raw));
  for (int i = 0; i < 500; ++i) output.offer(packet_at(i, 10));
  EXPECT_TRUE(output.finish(kLongMs));
  EXPECT_EQ(shared->taken.size(), 500U);
  EXPECT_EQ(output.stats().dropped, 0U);
}

TEST(LiveOutput, GivesUpOnAReaderThatDoesNotTakeTheRest) {
  auto shared = std::make_shared<GatedWriter::Shared>();
  {
    queue::LiveOutput output(std::make_unique<GatedWriter>(shared), "stdout", true);
    output.set_format(format_of(VideoCodec::raw));
    output.offer(packet_at(0, 33'000));
    shared->wait_until_writing();
    EXPECT_FALSE(output.finish(20));
    output.offer(packet_at(1, 33'000));  // nothing any more
  }
  EXPECT_TRUE(shared->abandoned);
  shared->set_open(true);  // the thread outlives the object and ends by itself
  std::unique_lock lock(shared->mutex);
  shared->changed.wait(lock, [&] { return shared->writing == 0; });
}

TEST(LiveOutput, ClosesWhenTheReaderGoes) {
  Pipe pipe = make_pipe();
  ::signal(SIGPIPE, SIG_IGN);
  queue::LiveOutput output(make_writer(std::move(pipe.write_end), "stdout", stream::OutputFormat::nut), "stdout",
                           false);
  pipe.read_end.reset();
  const StreamFormat format = raw_format(media::PixelFormat::gray, {64, 48});
  output.set_format(format);
  for (const Packet& packet : raw_packets(format, 50)) output.offer(packet);  // returns though nobody takes them
  EXPECT_FALSE(output.finish(kLongMs));                                       // and the closed pipe is no error
  EXPECT_TRUE(output.stats().closed);
}

TEST(LiveOutput, RethrowsWhatTheWriterFailedWith) {
  queue::LiveOutput output(make_writer(Fd(::open("/dev/full", O_WRONLY)), "/dev/full", stream::OutputFormat::nut),
                           "/dev/full", false);
  const StreamFormat format = raw_format(media::PixelFormat::gray, {64, 48});
  output.set_format(format);
  for (const Packet& packet : raw_packets(format, 5)) output.offer(packet);
  try {
    output.finish(kLongMs);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::cannot_create);
    EXPECT_STREQ(error.what(), "/dev/full: no room to write: No space left on device");
  }
}

TEST(LiveOutput, IsClosedAfterTheOnePictureOfAJpegOutput) {
  const MemFile file;
  queue::LiveOutput output(make_writer(file.for_writing(), "stdout", stream::OutputFormat::jpeg), "stdout", false);
  output.set_format(format_of(VideoCodec::mjpeg));
  for (int i = 0; i < 50; ++i) output.offer(packet_at(i, 33'000));
  EXPECT_TRUE(output.finish(kLongMs));
  EXPECT_TRUE(output.stats().closed);
  EXPECT_EQ(file.content().size(), 100U);
}

TEST(LiveOutput, RepeatsWhatTheSourceDoesWhileNothingFlows) {
  const auto shared = std::make_shared<GatedWriter::Shared>();
  queue::LiveOutput output(std::make_unique<GatedWriter>(shared), "out", true);
  const SourceStatus lost = source_status(SourceState::lost, "unplugged");
  output.set_source(lost);
  std::unique_lock lock(shared->mutex);
  ASSERT_TRUE(
      shared->changed.wait_for(lock, std::chrono::milliseconds(kLongMs), [&] { return shared->sources.size() >= 3; }));
  for (const SourceStatus& status : shared->sources) EXPECT_EQ(status, lost);
}

TEST(LiveQueue, StatusesThatFollowEachOtherAreOne) {
  queue::LiveQueue queue(true);
  for (int i = 0; i < 1000; ++i) queue.set_source(source_status(SourceState::lost, std::to_string(i)));
  EXPECT_EQ(std::get<SourceStatus>(queue.pop()).reason, "999");
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace campipe::wire::test
