#include "codec/pipeline.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "ffmpeg/error.hpp"
#include "media/h264.hpp"
#include "scene.hpp"

namespace campipe::codec {
namespace {

using media::AudioCodec;
using media::ColourRange;
using media::Packet;
using media::PixelFormat;
using media::StreamFormat;
using media::Track;
using media::VideoCodec;

/// Collects what a pipeline makes.
struct Sink {
  std::vector<StreamFormat> formats;
  std::vector<Packet> packets;

  Pipeline::Output output() {
    return {.format = [this](const StreamFormat& format) { formats.push_back(format); },
            .packet = [this](const Packet& packet) { packets.push_back(packet); }};
  }
};

StreamFormat raw_stream(Size size = {320, 240}, Rational rate = {30, 1}) {
  StreamFormat stream;
  stream.video = {.codec = VideoCodec::raw, .pixel_format = PixelFormat::rgb24, .size = size, .frame_rate = rate};
  return stream;
}

class PipelineTest : public ::testing::Test {
protected:
  static void SetUpTestSuite() {
    log::init({.tool = "test", .level = log::Level::error});
    ffmpeg::route_log();
  }

  /// Frame `i` of a stream at 30 fps with times, sequence and a look of its own.
  Packet raw_frame(int i, Size size = {320, 240}) {
    auto canvas = media::make_canvas(pool_, PixelFormat::rgb24, size);
    const media::Picture scene = test::rgb_scene(pool_, size);
    const std::size_t bytes = media::picture_bytes(PixelFormat::rgb24, size);
    std::copy_n(scene.plane[0], bytes, canvas.plane[0]);
    std::fill_n(canvas.plane[0], bytes / 8, static_cast<std::byte>(i * 5));
    Packet packet;
    packet.pts_us = 1'795'000'000'000'000 + i * 33'333 + i % 7;
    packet.captured_ns = 77'000'000'123 + i * 33'333'333LL;
    packet.sequence = 1000 + static_cast<std::uint64_t>(i) * 2;
    packet.keyframe = true;
    packet.corrupt = i == 3;
    packet.discontinuity = i == 4;
    packet.payload = media::tight_payload(std::move(canvas).done(), pool_);
    return packet;
  }

  std::vector<Packet> run(Settings settings, const StreamFormat& format, const std::vector<Packet>& in, Sink& sink) {
    Pipeline pipeline(std::move(settings), sink.output());
    pipeline.set_format(format);
    for (const Packet& packet : in) pipeline.push(packet);
    pipeline.finish();
    stats_ = pipeline.stats();
    return sink.packets;
  }

  std::vector<Packet> raw_frames(int count, Size size = {320, 240}) {
    std::vector<Packet> frames;
    for (int i = 0; i < count; ++i) frames.push_back(raw_frame(i, size));
    return frames;
  }

  static void expect_same_facts(const std::vector<Packet>& in, const std::vector<Packet>& out) {
    ASSERT_EQ(in.size(), out.size());
    for (std::size_t i = 0; i < in.size(); ++i) {
      EXPECT_EQ(in[i].pts_us, out[i].pts_us) << i;
      EXPECT_EQ(in[i].captured_ns, out[i].captured_ns) << i;
      EXPECT_EQ(in[i].sequence, out[i].sequence) << i;
      EXPECT_EQ(in[i].corrupt, out[i].corrupt) << i;
      EXPECT_EQ(in[i].discontinuity, out[i].discontinuity) << i;
      EXPECT_FALSE(out[i].dts_us) << i;
    }
  }

  media::BufferPool pool_{64};
  Pipeline::Stats stats_;
};

TEST_F(PipelineTest, KeepsTimesSequenceAndFlagsThroughMjpegAndBack) {
  const auto in = raw_frames(20);
  Sink coded, raw;
  run({}, raw_stream(), in, coded);
  expect_same_facts(in, coded.packets);
  ASSERT_EQ(coded.formats.size(), 1U);
  EXPECT_EQ(coded.formats[0].video.codec, VideoCodec::mjpeg);
  EXPECT_EQ(coded.formats[0].video.range, ColourRange::full);
  EXPECT_EQ(coded.formats[0].video.frame_rate, (Rational{30, 1}));
  run({.target = Target::raw, .pixel_format = PixelFormat::rgb24}, coded.formats[0], coded.packets, raw);
  expect_same_facts(in, raw.packets);
  for (std::size_t i = 0; i < in.size(); ++i) {
    EXPECT_GT(test::psnr(*media::picture_of(raw.packets[i].payload, raw.formats[0].video),
                         *media::picture_of(in[i].payload, raw_stream().video)),
              29)
        << i;
  }
}

TEST_F(PipelineTest, KeepsTimesSequenceAndFlagsThroughH264AndBack) {
  const auto in = raw_frames(40);
  Sink coded, raw;
  run({.target = Target::h264, .bitrate = 4'000'000}, raw_stream(), in, coded);
  expect_same_facts(in, coded.packets);
  ASSERT_EQ(coded.formats.size(), 1U);
  EXPECT_FALSE(coded.formats[0].video.parameter_sets.empty());
  for (std::size_t i = 0; i < coded.packets.size(); ++i) {
    const auto bytes = coded.packets[i].payload.bytes();
    EXPECT_EQ(coded.packets[i].keyframe, i % 30 == 0) << i;
    EXPECT_EQ(media::h264::has_idr(bytes), i % 30 == 0) << i;
    EXPECT_EQ(!media::h264::parameter_sets_of(bytes).empty(), i % 30 == 0) << i;
  }
  run({.target = Target::raw, .pixel_format = PixelFormat::rgb24}, coded.formats[0], coded.packets, raw);
  expect_same_facts(in, raw.packets);
  for (std::size_t i = 0; i < in.size(); ++i) {
    EXPECT_GT(test::psnr(*media::picture_of(raw.packets[i].payload, raw.formats[0].video),
                         *media::picture_of(in[i].payload, raw_stream().video)),
              28)
        << i;
  }
}

TEST_F(PipelineTest, SaysInTheStreamThatH264HasNoReorderingAndLimitedRange) {
  Sink sink;
  run({.target = Target::h264}, raw_stream(), raw_frames(1), sink);
  const auto nals = media::split_annex_b(sink.formats[0].video.parameter_sets);
  ASSERT_FALSE(nals.empty());
  const auto sps = media::h264::parse_sps(nals[0]);
  ASSERT_TRUE(sps);
  EXPECT_EQ(sps->size, (Size{320, 240}));
  EXPECT_EQ(sps->max_reorder_frames.value_or(0), 0);
  EXPECT_NE(sps->range, ColourRange::full);
  EXPECT_EQ(sps->matrix, media::ColourMatrix::bt601);
}

TEST_F(PipelineTest, PutsAnIdrEverySecondOfCaptureTimeWhenTheCameraSlowsDown) {
  auto in = raw_frames(30);
  for (int i = 0; i < 30; ++i) in[static_cast<std::size_t>(i)].pts_us = 1'000'000'000 + i * 200'000;  // 5 fps, told 30
  Sink sink;
  run({.target = Target::h264}, raw_stream(), in, sink);
  for (std::size_t i = 0; i < 30; ++i) EXPECT_EQ(sink.packets[i].keyframe, i % 5 == 0) << i;
}

TEST_F(PipelineTest, CountsFramesForTheGopWhenToldTo) {
  Sink sink;
  run({.target = Target::h264, .gop_frames = 7}, raw_stream(), raw_frames(30), sink);
  for (std::size_t i = 0; i < 30; ++i) EXPECT_EQ(sink.packets[i].keyframe, i % 7 == 0) << i;
}

TEST_F(PipelineTest, PassesTheSameBytesOnWhenTheStreamIsAsAsked) {
  Sink coded, passed;
  run({}, raw_stream(), raw_frames(5), coded);
  run({}, coded.formats[0], coded.packets, passed);
  ASSERT_EQ(passed.packets.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(passed.packets[i].payload.data(), coded.packets[i].payload.data());
  EXPECT_EQ(passed.formats[0], coded.formats[0]);
}

TEST_F(PipelineTest, ThinsOutWithoutTouchingTimes) {
  const auto in = raw_frames(90);
  for (const Target target : {Target::mjpeg, Target::h264, Target::copy}) {
    Sink sink;
    run({.target = target, .rate = Rational{10, 1}}, raw_stream(), in, sink);
    ASSERT_EQ(sink.packets.size(), 30U) << name(target);
    EXPECT_EQ(stats_.thinned, 60U);
    for (std::size_t i = 0; i < 30; ++i) {
      EXPECT_EQ(sink.packets[i].pts_us, in[i * 3].pts_us) << i;
      // Every second one was lost before us, and shows as a gap; the two of three that -r left out do not.
      EXPECT_EQ(sink.packets[i].sequence, 1000 + i * 4) << i;
    }
    EXPECT_TRUE(sink.packets[2].discontinuity);  // frame 4's, which was left out
    EXPECT_EQ(sink.formats[0].video.frame_rate, (Rational{10, 1}));
  }
}

TEST_F(PipelineTest, LeavesOutWhatHasGoneOutBefore) {
  const auto raw = raw_frames(60);
  Sink coded;
  const auto h264 = run({.target = Target::h264, .gop_frames = 20}, raw_stream(), raw, coded);
  const auto first_after = [&](Settings settings, const StreamFormat& format, const std::vector<Packet>& in,
                               int frame) {
    Sink sink;
    Pipeline pipeline(std::move(settings), sink.output());
    pipeline.set_format(format);
    pipeline.resume_after(raw[static_cast<std::size_t>(frame)].pts_us);
    for (const Packet& packet : in) pipeline.push(packet);
    pipeline.finish();
    return sink.packets;
  };
  auto out = first_after({.target = Target::mjpeg}, raw_stream(), raw, 12);
  ASSERT_EQ(out.size(), 47U);
  EXPECT_EQ(out.front().pts_us, raw[13].pts_us);
  out = first_after({.target = Target::mjpeg}, coded.formats.back(), h264, 12);
  ASSERT_EQ(out.size(), 47U) << "decoded all the same";
  EXPECT_EQ(out.front().pts_us, raw[13].pts_us);
  out = first_after({.target = Target::copy}, coded.formats.back(), h264, 12);
  ASSERT_EQ(out.size(), 40U) << "from the next keyframe";
  EXPECT_EQ(out.front().pts_us, raw[20].pts_us);
  // A stream that is far behind is another one.
  auto old = raw;
  for (Packet& packet : old) packet.pts_us -= 3600'000'000;
  EXPECT_EQ(first_after({.target = Target::mjpeg}, raw_stream(), old, 59).size(), 60U);
}

TEST_F(PipelineTest, RefusesToThinCopiedH264) {
  Sink sink;
  Pipeline pipeline({.target = Target::copy, .rate = Rational{10, 1}}, sink.output());
  StreamFormat format;
  format.video = {.codec = VideoCodec::h264, .size = {320, 240}, .frame_rate = {30, 1}};
  EXPECT_THROW(pipeline.set_format(format), Error);
}

TEST_F(PipelineTest, LeavesBrokenJpegOutAndFlagsTheNext) {
  Sink coded, sink;
  run({}, raw_stream(), raw_frames(3), coded);
  coded.packets[1].payload = coded.packets[1].payload.part(0, coded.packets[1].payload.size() / 2);
  run({.target = Target::raw}, coded.formats[0], coded.packets, sink);
  ASSERT_EQ(sink.packets.size(), 2U);
  EXPECT_EQ(sink.packets[1].pts_us, coded.packets[2].pts_us);
  EXPECT_TRUE(sink.packets[1].discontinuity);
  EXPECT_EQ(stats_.broken, 1U);
}

TEST_F(PipelineTest, GoesOnAfterGarbageInH264) {
  Sink coded, sink;
  run({.target = Target::h264, .gop_frames = 10}, raw_stream(), raw_frames(40), coded);
  coded.packets[15].payload = media::Payload::from(std::vector<std::byte>(5000, std::byte{0x5A}));
  coded.packets[16].payload = {};
  coded.packets[17].payload = coded.packets[17].payload.part(0, 9);
  run({.target = Target::raw}, coded.formats[0], coded.packets, sink);
  EXPECT_GE(sink.packets.size(), 30U);
  EXPECT_EQ(sink.packets.back().pts_us, coded.packets.back().pts_us);
}

TEST_F(PipelineTest, WaitsForTheFirstKeyframe) {
  Sink coded, sink;
  run({.target = Target::h264, .gop_frames = 10}, raw_stream(), raw_frames(30), coded);
  run({.target = Target::raw}, coded.formats[0], {coded.packets.begin() + 3, coded.packets.end()}, sink);
  ASSERT_EQ(sink.packets.size(), 20U);
  EXPECT_EQ(sink.packets[0].pts_us, coded.packets[10].pts_us);
  EXPECT_EQ(stats_.broken, 0U);
}

TEST_F(PipelineTest, FollowsAChangeOfSizeWithNewHeaders) {
  for (const Target target : {Target::mjpeg, Target::h264}) {
    Sink sink;
    Pipeline pipeline({.target = target}, sink.output());
    pipeline.set_format(raw_stream());
    for (const Packet& packet : raw_frames(3)) pipeline.push(packet);
    pipeline.set_format(raw_stream({640, 360}));
    for (const Packet& packet : raw_frames(3, {640, 360})) pipeline.push(packet);
    pipeline.finish();
    ASSERT_EQ(sink.packets.size(), 6U);
    ASSERT_EQ(sink.formats.size(), 2U);
    EXPECT_EQ(sink.formats[1].video.size, (Size{640, 360}));
    EXPECT_TRUE(sink.packets[3].keyframe);
  }
}

TEST_F(PipelineTest, SayTheSizeTheJpegReallyHas) {
  Sink coded, sink;
  run({}, raw_stream({640, 360}), raw_frames(2, {640, 360}), coded);
  StreamFormat lie = coded.formats[0];
  lie.video.size = {320, 240};
  run({.target = Target::h264}, lie, coded.packets, sink);
  ASSERT_EQ(sink.packets.size(), 2U);
  EXPECT_EQ(sink.formats[0].video.size, (Size{640, 360}));
}

TEST_F(PipelineTest, CarriesAudioUntouchedAndHoldsItUntilTheFormatIsKnown) {
  StreamFormat format = raw_stream();
  format.audio = media::AudioFormat{.codec = AudioCodec::aac,
                                    .sample_rate_hz = 48000,
                                    .channels = 2,
                                    .extradata = {std::byte{0x11}, std::byte{0x90}}};
  Packet audio;
  audio.track = Track::audio;
  audio.keyframe = true;
  audio.payload = media::Payload::from({std::byte{1}, std::byte{2}});
  Sink sink;
  std::size_t formats_at_first_packet = 0;
  auto output = sink.output();
  output.packet = [&](const Packet& packet) {
    if (sink.packets.empty()) formats_at_first_packet = sink.formats.size();
    sink.packets.push_back(packet);
  };
  Pipeline pipeline({.target = Target::h264}, output);
  pipeline.set_format(format);
  audio.pts_us = 100;
  pipeline.push(audio);
  pipeline.push(raw_frame(0));
  audio.pts_us = 200;
  pipeline.push(audio);
  ASSERT_EQ(sink.packets.size(), 3U);
  EXPECT_EQ(formats_at_first_packet, 1U);
  EXPECT_EQ(sink.formats[0].audio, format.audio);
  EXPECT_EQ(sink.packets[0].pts_us, 100);
  EXPECT_EQ(sink.packets[0].payload.data(), audio.payload.data());
  EXPECT_EQ(sink.packets[2].pts_us, 200);
}

TEST_F(PipelineTest, MakesEvenPicturesOutOfOddOnes) {
  for (const Target target : {Target::mjpeg, Target::h264}) {
    Sink sink;
    run({.target = target}, raw_stream({321, 241}), raw_frames(2, {321, 241}), sink);
    ASSERT_EQ(sink.formats.size(), 1U);
    EXPECT_EQ(sink.formats[0].video.size, (Size{320, 240}));
    EXPECT_EQ(sink.packets.size(), 2U);
  }
}

TEST_F(PipelineTest, RefusesRawPicturesOfTheWrongLength) {
  Sink sink;
  auto frames = raw_frames(2);
  frames[0].payload = frames[0].payload.part(0, 1000);
  run({}, raw_stream(), frames, sink);
  EXPECT_EQ(sink.packets.size(), 1U);
  EXPECT_EQ(stats_.broken, 1U);
}

}  // namespace
}  // namespace campipe::codec
