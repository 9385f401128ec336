#include "wire/wire_support.hpp"

namespace campipe::wire::test {
namespace {

using media::ColourMatrix;
using media::ColourRange;
using media::Packet;
using media::PixelFormat;
using media::StreamFormat;

StreamFormat small_raw() {
  StreamFormat format = raw_format(PixelFormat::yuyv422, {32, 16});
  format.video.range = ColourRange::full;
  format.video.matrix = ColourMatrix::bt709;
  format.clock = StreamClock{1'795'226'522'000'000, 4'900'000'000, "11112222-3333-4444-5555-666677778888"};
  return format;
}

TEST(NutRoundTrip, KeepsFormatTimesAndBytes) {
  const StreamFormat format = small_raw();
  auto packets = raw_packets(format, 100);
  packets[3].captured_ns.reset();
  packets[4].sequence.reset();
  packets[5].corrupt = true;
  packets[6].discontinuity = true;
  const Read read = read_piped(written(format, packets));
  ASSERT_EQ(read.formats.size(), 1U);
  EXPECT_EQ(read.formats[0], format);
  ASSERT_EQ(read.packets.size(), packets.size());
  for (std::size_t i = 0; i < packets.size(); ++i) {
    EXPECT_EQ(read.packets[i].pts_us, packets[i].pts_us);
    EXPECT_EQ(read.packets[i].captured_ns, packets[i].captured_ns) << i;
    EXPECT_EQ(read.packets[i].sequence, packets[i].sequence) << i;
    EXPECT_EQ(read.packets[i].corrupt, packets[i].corrupt);
    EXPECT_EQ(read.packets[i].discontinuity, packets[i].discontinuity);
    EXPECT_TRUE(read.packets[i].keyframe);
    EXPECT_TRUE(same_bytes(read.packets[i].payload.bytes(), packets[i].payload.bytes()));
  }
  EXPECT_FALSE(read.stats.truncated);
  EXPECT_EQ(read.stats.resyncs, 0U);
  EXPECT_EQ(read.stats.dropped, 0U);
}

/// A writer and a reader of one pipe, in turns.
struct Ends {
  Pipe pipe = make_pipe();
  std::vector<SourceStatus> heard;
  int idle = 0;
  std::unique_ptr<stream::Writer> out = make_writer(std::move(pipe.write_end), "stdout", stream::OutputFormat::nut, {});

  Read read() {
    out.reset();
    stream::ReadOptions options;
    options.on_source = [this](const SourceStatus& status) { heard.push_back(status); };
    options.on_idle = [this] { ++idle; };
    return read_all(std::move(pipe.read_end), std::move(options));
  }
};

TEST(NutRoundTrip, TellsWhatTheSourceDoesBetweenTheFrames) {
  const StreamFormat format = small_raw();
  const auto packets = raw_packets(format, 3);
  const SourceStatus running = source_status(SourceState::running);
  const SourceStatus lost = source_status(SourceState::lost, "Connection refused");
  Ends ends;
  ends.out->set_source(running);  // before there is a stream
  ends.out->set_format(format);
  ends.out->write(packets[0]);
  ends.out->set_source(lost);
  ends.out->set_source(lost);
  ends.out->write(packets[1]);
  ends.out->write(packets[2]);
  const Read read = ends.read();
  EXPECT_EQ(ends.heard, (std::vector{running, lost, lost}));
  EXPECT_GE(ends.idle, 3) << "who waits hears that the writer lives";
  EXPECT_EQ(read.packets.size(), 3U);
  EXPECT_EQ(read.stats.resyncs + read.stats.dropped, 0U);
  EXPECT_FALSE(read.packets[1].discontinuity);
}

TEST(NutRoundTrip, WhatARestDidNotMakeIsNotMissing) {
  const StreamFormat format = small_raw();
  auto packets = raw_packets(format, 3);
  packets[1].sequence = 100;
  packets[1].discontinuity = true;
  packets[2].sequence = 110;
  packets[2].discontinuity = true;
  Ends ends;
  ends.out->set_format(format);
  ends.out->write(packets[0]);
  ends.out->set_source(source_status(SourceState::resting));
  ends.out->set_source(source_status(SourceState::running));
  ends.out->write(packets[1]);
  ends.out->write(packets[2]);
  EXPECT_EQ(ends.read().stats.gaps, 9U) << "of which the first jump is no part";
}

}  // namespace
}  // namespace campipe::wire::test
