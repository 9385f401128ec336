#include "codec/encoder.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "codec/decoder.hpp"
#include "codec/flat.hpp"
#include "codec/scene.hpp"
#include "ffmpeg/error.hpp"
#include "media/h264.hpp"
#include "media/jpeg.hpp"

namespace campipe::codec {
namespace {

using media::ColourMatrix;
using media::ColourRange;
using media::Packet;
using media::PixelFormat;
using media::VideoCodec;

[[maybe_unused]] const bool kQuietEncoders = (ffmpeg::route_log(), true);

media::VideoFormat raw_source(PixelFormat format = PixelFormat::yuv420p) {
  return {.codec = VideoCodec::raw, .pixel_format = format};
}

media::Picture picture_of_shape(const Shape& shape, int luma = 100) {
  auto picture = test::flat(shape.format, shape.size, {luma, 110, 150});
  picture.range = shape.range;
  picture.matrix = shape.matrix;
  return picture;
}

Packet facts(std::int64_t pts_us) {
  Packet about;
  about.pts_us = pts_us;
  about.dts_us = pts_us - 5;
  about.captured_ns = 12'345;
  about.sequence = 99;
  about.corrupt = true;
  about.discontinuity = true;
  return about;
}

TEST(Encoder, EachTargetSaysWhatItTakesAndMakes) {
  struct Case {
    const char* name;
    Settings settings;
    PixelFormat from;
    Shape shape;
    VideoCodec codec;
    ColourRange range;
    ColourMatrix matrix;
  };
  using enum PixelFormat;
  constexpr auto kLimited = ColourRange::limited;
  constexpr auto kFull = ColourRange::full;
  constexpr auto k601 = ColourMatrix::bt601;
  for (const Case& c : {
           Case{"mjpeg", {}, yuyv422, {yuv420p, {320, 240}, kFull, k601}, VideoCodec::mjpeg, kFull, k601},
           Case{"mjpeg scaled",
                {.size = SizeRequest{160, 0}},
                rgb24,
                {yuv420p, {160, 120}, kFull, k601},
                VideoCodec::mjpeg,
                kFull,
                k601},
           Case{"h264",
                {.target = Target::h264},
                rgb24,
                {yuv420p, {320, 240}, kLimited, k601},
                VideoCodec::h264,
                kLimited,
                k601},
           Case{"raw as it is",
                {.target = Target::raw},
                yuyv422,
                {yuyv422, {321, 241}},
                VideoCodec::raw,
                ColourRange::unknown,
                ColourMatrix::unknown},
           Case{"raw of rgb",
                {.target = Target::raw},
                rgb24,
                {rgb24, {321, 241}},
                VideoCodec::raw,
                kFull,
                ColourMatrix::unknown},
           Case{"rgb to yuv",
                {.target = Target::raw, .pixel_format = nv12},
                rgb24,
                {nv12, {321, 241}},
                VideoCodec::raw,
                kLimited,
                k601},
           Case{"yuv to rgb",
                {.target = Target::raw, .pixel_format = bgr24},
                yuyv422,
                {bgr24, {321, 241}},
                VideoCodec::raw,
                kFull,
                ColourMatrix::unknown},
       }) {
    const auto like = test::flat(c.from, {321, 241}, {50, 60, 70});
    const auto encoder = make_encoder(c.settings, like, raw_source(c.from), {30, 1});
    EXPECT_EQ(encoder->shape().format, c.shape.format) << c.name;
    EXPECT_EQ(encoder->shape().size, c.shape.size) << c.name;
    EXPECT_EQ(encoder->shape().range, c.shape.range) << c.name;
    EXPECT_EQ(encoder->shape().matrix, c.shape.matrix) << c.name;
    EXPECT_EQ(encoder->format().codec, c.codec) << c.name;
    EXPECT_EQ(encoder->format().size, c.shape.size) << c.name;
    EXPECT_EQ(encoder->format().frame_rate, (Rational{30, 1})) << c.name;
    EXPECT_EQ(encoder->format().range, c.range) << c.name;
    EXPECT_EQ(encoder->format().matrix, c.matrix) << c.name;
    if (c.codec == VideoCodec::raw) {
      EXPECT_EQ(encoder->format().pixel_format, c.shape.format) << c.name;
    }
  }
}

TEST(Encoder, H264KeepsTheMatrixOfCodedSourcesEvenWhenUnknown) {
  for (const auto matrix : {ColourMatrix::unknown, ColourMatrix::bt709}) {
    auto like = test::flat(PixelFormat::yuv420p, {64, 48}, {50, 60, 70});
    like.matrix = matrix;
    const auto encoder = make_encoder({.target = Target::h264}, like, {.codec = VideoCodec::h265}, {30, 1});
    EXPECT_EQ(encoder->format().matrix, matrix);
  }
}

TEST(Encoder, TimesSequenceAndFlagsGoOnWithThePacket) {
  for (const auto target : {Target::mjpeg, Target::h264, Target::raw}) {
    const auto like = test::flat(PixelFormat::yuv420p, {64, 48}, {50, 60, 70});
    const auto encoder = make_encoder({.target = target}, like, raw_source(), {30, 1});
    const Packet about = facts(1'000'000);
    const Packet packet = encoder->encode({about, picture_of_shape(encoder->shape())});
    EXPECT_EQ(packet.pts_us, about.pts_us);
    EXPECT_FALSE(packet.dts_us) << "one in, one out";
    EXPECT_EQ(packet.captured_ns, about.captured_ns);
    EXPECT_EQ(packet.sequence, about.sequence);
    EXPECT_TRUE(packet.corrupt);
    EXPECT_TRUE(packet.discontinuity);
    EXPECT_TRUE(packet.keyframe);
    EXPECT_FALSE(packet.payload.empty());
  }
}

TEST(Encoder, WhatItMakesDecodesToTheSamePicture) {
  for (const auto target : {Target::mjpeg, Target::h264, Target::raw}) {
    auto like = test::flat(PixelFormat::yuv420p, {64, 48}, {100, 110, 150});
    const auto encoder = make_encoder({.target = target}, like, raw_source(), {30, 1});
    const auto picture = picture_of_shape(encoder->shape());
    const auto decoder = make_decoder(encoder->format(), 1);
    std::vector<Frame> out;
    EXPECT_EQ(decoder->decode(encoder->encode({facts(0), picture}), out), std::nullopt);
    decoder->flush(out);
    ASSERT_EQ(out.size(), 1U);
    ASSERT_EQ(out[0].picture.size, (Size{64, 48}));
    for (int p = 0; p < 3; ++p) {
      const auto plane = static_cast<std::size_t>(p);
      EXPECT_NEAR(test::byte_at(out[0].picture, plane, 10, 10), test::byte_at(picture, plane, 10, 10), 3) << p;
    }
  }
}

TEST(Encoder, RawPicturesAreTightBytes) {
  const auto like = test::flat(PixelFormat::yuyv422, {50, 20}, {9, 8, 7});  // with padding behind each row
  const auto encoder = make_encoder({.target = Target::raw}, like, raw_source(PixelFormat::yuyv422), {30, 1});
  const Packet packet = encoder->encode({facts(0), like});
  ASSERT_EQ(packet.payload.size(), 50U * 20 * 2);
  for (std::size_t i = 0; i < packet.payload.size(); ++i) {
    ASSERT_EQ(packet.payload.data()[i], static_cast<std::byte>(i % 2 == 0 ? 9 : (i % 4 == 1 ? 8 : 7))) << i;
  }
}

TEST(Encoder, QualityDecidesTheSizeOfAJpeg) {
  media::BufferPool pool;
  const auto scene = test::rgb_scene(pool, {320, 240});
  std::size_t last = 0;
  for (const int quality : {1, 30, 80, 100}) {
    const auto encoder = make_encoder({.quality = quality}, scene, raw_source(PixelFormat::rgb24), {30, 1});
    Shaper shaper;
    const auto packet = encoder->encode({facts(0), shaper.shape(scene, encoder->shape())});
    EXPECT_GT(packet.payload.size(), last) << quality;
    last = packet.payload.size();
  }
}

TEST(Encoder, PicturesTooSmallToEncodeAreBadData) {
  for (const auto target : {Target::mjpeg, Target::h264}) {
    for (const Size size : {Size{1, 100}, Size{100, 1}, Size{1, 1}}) {
      try {
        make_encoder({.target = target}, test::flat(PixelFormat::gray, size, {0, 0, 0}), raw_source(), {30, 1});
        ADD_FAILURE() << "took " << size.width_px << "x" << size.height_px;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::bad_data);
        EXPECT_EQ(error.what(), "pictures of " + std::to_string(size.width_px) + "x" + std::to_string(size.height_px) +
                                    " are too small to encode");
      }
    }
  }
}

/// Which of the frames at these times become keyframes.
std::vector<std::size_t> keyframes(const Settings& settings, Rational rate, const std::vector<std::int64_t>& times_us,
                                   std::size_t force_before = SIZE_MAX) {
  const auto like = test::flat(PixelFormat::yuv420p, {64, 48}, {50, 60, 70});
  const auto encoder = make_encoder(settings, like, raw_source(), rate);
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < times_us.size(); ++i) {
    if (i == force_before) encoder->force_keyframe();
    const Packet packet = encoder->encode({facts(times_us[i]), picture_of_shape(encoder->shape(), 50)});
    EXPECT_EQ(packet.keyframe, media::h264::has_idr(packet.payload.bytes()));
    EXPECT_EQ(packet.keyframe, !media::h264::parameter_sets_of(packet.payload.bytes()).empty());
    if (packet.keyframe) found.push_back(i);
  }
  return found;
}

std::vector<std::int64_t> each(std::int64_t step_us, int count) {
  std::vector<std::int64_t> times;
  for (int i = 0; i < count; ++i) times.push_back(1'795'000'000'000'000 + i * step_us);
  return times;
}

TEST(KeyframeDistance, IsASecondOfTimeOrOfFramesOrWhatWasAskedFor) {
  using Found = std::vector<std::size_t>;
  const Settings second{.target = Target::h264};
  Settings frames = second;
  frames.gop_frames = 4;
  EXPECT_EQ(keyframes(second, {10, 1}, each(100'000, 31)), (Found{0, 10, 20, 30}));
  EXPECT_EQ(keyframes(second, {10, 1}, each(500'000, 7)), (Found{0, 2, 4, 6})) << "a camera that slows down";
  EXPECT_EQ(keyframes(second, {10, 1}, each(1'000, 31)), (Found{0, 10, 20, 30})) << "a file read fast";
  EXPECT_EQ(keyframes(second, {0, 1}, each(10'000, 130)), (Found{0, 60, 120})) << "unknown rate: 60 frames";
  EXPECT_EQ(keyframes(second, {0, 1}, each(100'000, 25)), (Found{0, 10, 20})) << "unknown rate: a second";
  EXPECT_EQ(keyframes(frames, {10, 1}, each(10'000'000, 10)), (Found{0, 4, 8})) << "frames, whatever the time";
  EXPECT_EQ(keyframes(second, {10, 1}, each(100'000, 20), 7), (Found{0, 7, 17})) << "counts from one that was forced";
}

TEST(KeyframeDistance, JitterMovesNoKeyframe) {
  auto times = each(100'000, 31);
  for (std::size_t i = 0; i < times.size(); ++i) times[i] += i % 2 == 0 ? 30'000 : -30'000;
  EXPECT_EQ(keyframes({.target = Target::h264}, {10, 1}, times), (std::vector<std::size_t>{0, 10, 20, 30}));
}

TEST(KeyframeDistance, ATimeBeforeTheLastKeyframeBeginsAnew) {
  auto times = each(100'000, 8);
  for (const std::int64_t time : each(100'000, 8)) times.push_back(time - 1);  // before the last keyframe
  EXPECT_EQ(keyframes({.target = Target::h264}, {10, 1}, times), (std::vector<std::size_t>{0, 8}));
}

TEST(Encoder, AnUnknownPresetIsAUsageError) {
  const auto like = test::flat(PixelFormat::yuv420p, {64, 48}, {50, 60, 70});
  try {
    make_encoder({.target = Target::h264, .preset = "fastest"}, like, raw_source(), {30, 1});
    FAIL() << "did not throw";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
  }
}

}  // namespace
}  // namespace campipe::codec
