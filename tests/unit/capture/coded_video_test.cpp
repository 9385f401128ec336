#include "capture/coded_video.hpp"

#include <initializer_list>

#include <gtest/gtest.h>

namespace campipe::capture {
namespace {

using media::VideoCodec;
using Verdict = CodedVideo::Verdict;

std::vector<std::byte> bytes(std::initializer_list<int> values) {
  std::vector<std::byte> out;
  for (const int value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

std::vector<std::byte> operator+(std::vector<std::byte> a, const std::vector<std::byte>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

media::Payload payload(const std::vector<std::byte>& content) {
  return media::Payload::copy_of(content);
}

/// A grey baseline JPEG of 16 x `height` without its end; what its scan holds is of no interest here.
std::vector<std::byte> jpeg_begin(int height = 16) {
  return bytes({0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0, height, 0,  16, 1,    1,   0x11,
                0,    0xff, 0xda, 0,    8, 1,  1, 0, 0,      63, 0,  0x12, 0x34});
}
const auto kEoi = bytes({0xff, 0xd9});

CodedVideo jpeg_video() {
  return CodedVideo({.codec = VideoCodec::mjpeg}, {});
}

TEST(CodedJpeg, LearnsTheSizeAndTellsEachChange) {
  CodedVideo video = jpeg_video();
  EXPECT_EQ(video.take(payload(jpeg_begin() + kEoi)), Verdict::format);
  EXPECT_EQ(video.format().size, (Size{16, 16}));
  EXPECT_TRUE(video.keyframe());
  EXPECT_EQ(video.take(payload(jpeg_begin() + kEoi)), Verdict::good);
  EXPECT_EQ(video.take(payload(jpeg_begin(32) + kEoi)), Verdict::format);
  EXPECT_EQ(video.format().size, (Size{16, 32}));
}

TEST(CodedJpeg, LeavesOutWhatWasCutOff) {
  CodedVideo video = jpeg_video();
  ASSERT_EQ(video.take(payload(jpeg_begin() + kEoi)), Verdict::format);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(video.take(payload(jpeg_begin())), Verdict::damaged);
  EXPECT_EQ(video.take(payload(bytes({1, 2, 3}))), Verdict::damaged);
  EXPECT_EQ(video.take(payload({})), Verdict::damaged);
}

TEST(CodedJpeg, RepairsACameraThatNeverEndsItsImages) {
  CodedVideo video = jpeg_video();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(video.take(payload(jpeg_begin())), Verdict::damaged);
  ASSERT_EQ(video.take(payload(jpeg_begin())), Verdict::format);
  const auto out = video.payload().bytes();
  EXPECT_EQ(std::vector(out.end() - 2, out.end()), kEoi);
}

// H.264 of 64x64 made by x264 (baseline, level 1.0): SPS and PPS; slices are recognised by their first bytes.
const auto kSps = bytes({0,    0,    0,    1,    0x67, 0x42, 0xc0, 0x0a, 0xd9, 0x04, 0x26, 0xc0, 0x5a, 0x80, 0x80,
                         0x80, 0xa0, 0x00, 0x00, 0x03, 0x00, 0x20, 0x00, 0x00, 0x06, 0x41, 0xe2, 0x44, 0xc9});
const auto kPps = bytes({0, 0, 0, 1, 0x68, 0xcb, 0x83, 0xcb, 0x20});
const auto kIdr = bytes({0, 0, 0, 1, 0x65, 0x88, 0x84, 0x01, 0x02});
const auto kSlice = bytes({0, 0, 0, 1, 0x41, 0x9a, 0x02, 0x03});
const auto kAud = bytes({0, 0, 0, 1, 0x09, 0xf0});

std::vector<std::byte> seen(CodedVideo& video) {
  return {video.payload().bytes().begin(), video.payload().bytes().end()};
}

TEST(CodedH264, WaitsForAKeyframeWithItsParameterSets) {
  CodedVideo video({.codec = VideoCodec::h264}, {});
  EXPECT_EQ(video.take(payload(kSlice)), Verdict::waiting);
  EXPECT_EQ(video.take(payload(kIdr)), Verdict::waiting) << "without parameter sets";
  EXPECT_EQ(video.take(payload(kAud + kSps + kPps + kIdr)), Verdict::format);
  EXPECT_EQ(seen(video), kSps + kPps + kIdr) << "canonical";
  EXPECT_GT(video.format().size.width_px, 0);
  EXPECT_EQ(video.format().parameter_sets, kSps + kPps);
  EXPECT_EQ(video.take(payload(kSlice)), Verdict::good);
  EXPECT_FALSE(video.keyframe());
}

TEST(CodedH264, PutsParameterSetsSentApartBeforeTheKeyframe) {
  CodedVideo video({.codec = VideoCodec::h264}, {});
  EXPECT_EQ(video.take(payload(kSps + kPps)), Verdict::waiting);
  EXPECT_EQ(video.take(payload(kIdr)), Verdict::format);
  EXPECT_EQ(seen(video), kSps + kPps + kIdr);
}

TEST(CodedH264, TakesParameterSetsThatTheServerTellsAhead) {
  CodedVideo video({.codec = VideoCodec::h264, .frame_rate = {25, 1}}, kSps + kPps);
  EXPECT_EQ(video.take(payload(kSlice)), Verdict::waiting);
  EXPECT_EQ(video.take(payload(kIdr)), Verdict::format);
  EXPECT_EQ(video.format().frame_rate, (Rational{25, 1})) << "the container's rate counts";
}

TEST(CodedH264, TurnsLengthsIntoStartCodes) {
  const auto avcc = bytes({1, 0x42, 0xc0, 0x0a, 0xff, 0xe1, 0, static_cast<int>(kSps.size() - 4)}) +
                    std::vector(kSps.begin() + 4, kSps.end()) + bytes({1, 0, static_cast<int>(kPps.size() - 4)}) +
                    std::vector(kPps.begin() + 4, kPps.end());
  CodedVideo video({.codec = VideoCodec::h264}, avcc);
  EXPECT_EQ(video.take(payload(bytes({0, 0, 0, 5}) + std::vector(kIdr.begin() + 4, kIdr.end()))), Verdict::format);
  EXPECT_EQ(seen(video), kSps + kPps + kIdr);
  EXPECT_EQ(video.take(payload(bytes({0, 0, 0, 99, 0x41, 0x9a}))), Verdict::damaged) << "a length over the end";
}

TEST(CodedVideo, SurvivesNonsense) {
  for (const VideoCodec codec : {VideoCodec::mjpeg, VideoCodec::h264, VideoCodec::h265}) {
    for (int length = 0; length < 64; ++length) {
      std::vector<std::byte> junk;
      for (int i = 0; i < length; ++i) junk.push_back(static_cast<std::byte>(i * 37 + length * 11));
      CodedVideo with_junk_ahead({.codec = codec}, junk);
      EXPECT_NE(with_junk_ahead.take(payload(junk)), Verdict::good);
      CodedVideo avcc_ahead({.codec = codec}, bytes({1}) + junk);
      avcc_ahead.take(payload(bytes({0, 0, 0, 1}) + junk));
    }
  }
}

}  // namespace
}  // namespace campipe::capture
