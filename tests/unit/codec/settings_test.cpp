#include "codec/settings.hpp"

#include <gtest/gtest.h>

namespace campipe::codec {
namespace {

using media::PixelFormat;
using media::VideoCodec;
using media::VideoFormat;

VideoFormat video(VideoCodec codec, PixelFormat pixel_format = PixelFormat::none) {
  return {.codec = codec, .pixel_format = pixel_format, .size = {1280, 720}, .frame_rate = {30, 1}};
}

TEST(WayFor, PassesWhatIsAsAskedAndTranscodesTheRest) {
  const struct {
    VideoFormat source;
    Settings settings;
    Way way;
  } cases[] = {
      {video(VideoCodec::mjpeg), {}, Way::pass},
      {video(VideoCodec::mjpeg), {.size = SizeRequest{1280, 720}}, Way::pass},
      {video(VideoCodec::mjpeg), {.size = SizeRequest{0, 720}}, Way::pass},
      {video(VideoCodec::mjpeg), {.size = SizeRequest{640, 0}}, Way::transcode},
      {video(VideoCodec::mjpeg), {.rate = Rational{30, 1}}, Way::pass},
      {video(VideoCodec::mjpeg), {.rate = Rational{60, 1}}, Way::pass},
      {video(VideoCodec::mjpeg), {.rate = Rational{15, 1}}, Way::thin},
      {video(VideoCodec::mjpeg), {.quality = 80}, Way::transcode},
      {video(VideoCodec::mjpeg), {.target = Target::h264}, Way::transcode},
      {video(VideoCodec::h264), {.target = Target::h264}, Way::pass},
      {video(VideoCodec::h264), {.target = Target::h264, .rate = Rational{15, 1}}, Way::transcode},
      {video(VideoCodec::h264), {.target = Target::h264, .bitrate = 1'000'000}, Way::transcode},
      {video(VideoCodec::h264), {.target = Target::h264, .gop_frames = 30}, Way::transcode},
      {video(VideoCodec::h264), {.target = Target::h264, .preset = "fast"}, Way::transcode},
      {video(VideoCodec::h265), {.target = Target::h264}, Way::transcode},
      {video(VideoCodec::h265), {.target = Target::copy}, Way::pass},
      {video(VideoCodec::h264), {}, Way::transcode},
      {video(VideoCodec::raw, PixelFormat::nv12), {.target = Target::raw}, Way::pass},
      {video(VideoCodec::raw, PixelFormat::nv12),
       {.target = Target::raw, .pixel_format = PixelFormat::nv12},
       Way::pass},
      {video(VideoCodec::raw, PixelFormat::nv12),
       {.target = Target::raw, .pixel_format = PixelFormat::bgr24},
       Way::transcode},
      {video(VideoCodec::raw, PixelFormat::nv12), {.target = Target::copy, .rate = Rational{5, 1}}, Way::thin},
  };
  int index = 0;
  for (const auto& c : cases) EXPECT_EQ(way_for(c.source, c.settings), c.way) << "case " << index++;
}

TEST(SizeRequest, KeepsTheShapeAndStaysEven) {
  EXPECT_EQ(parse_size_request("640x480")->resolve({1920, 1080}), (Size{640, 480}));
  EXPECT_EQ(parse_size_request("641x481")->resolve({1920, 1080}), (Size{642, 482}));
  EXPECT_EQ(parse_size_request("640x")->resolve({1920, 1080}), (Size{640, 360}));
  EXPECT_EQ(parse_size_request("x720")->resolve({1920, 1080}), (Size{1280, 720}));
  EXPECT_EQ(parse_size_request("x100")->resolve({640, 480}), (Size{134, 100}));
  EXPECT_EQ(parse_size_request("16384x")->resolve({16, 16384}), (Size{16384, 16384}));
  for (const char* wrong : {"", "x", "640", "640x-1", "0x0", "15x480", "99999x2", "640x480x2", "a x b"}) {
    EXPECT_FALSE(parse_size_request(wrong)) << wrong;
  }
}

TEST(Defaults, GrowWithTheLoad) {
  EXPECT_EQ(default_bitrate({1920, 1080}, {30, 1}), 6'200'000);
  EXPECT_EQ(default_bitrate({1280, 720}, {30, 1}), 2'800'000);
  EXPECT_EQ(default_bitrate({320, 240}, {5, 1}), 200'000);
  EXPECT_EQ(default_preset({1280, 720}, {30, 1}), "superfast");
  EXPECT_EQ(default_preset({1920, 1080}, {30, 1}), "ultrafast");
  EXPECT_EQ(default_threads({1280, 720}, {30, 1}, 8), 1);
  EXPECT_EQ(default_threads({1920, 1080}, {30, 1}, 8), 3);
  EXPECT_EQ(default_threads({1920, 1080}, {30, 1}, 2), 2);
  EXPECT_EQ(default_threads({1920, 1080}, {30, 1}, 0), 1);
}

}  // namespace
}  // namespace campipe::codec
