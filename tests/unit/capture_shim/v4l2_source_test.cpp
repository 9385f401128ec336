// The V4L2 source on the camera of tests/support/camera_shim.cpp, which this program is linked with instead of having
// it preloaded.
#include <cstdlib>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/own_folder.hpp"
#include "capture/v4l2/source.hpp"
#include "media/counter_strip.hpp"
#include "media/media_support.hpp"

namespace campipe::capture::v4l2 {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using namespace std::chrono_literals;

const StreamClock kClock{1'763'689'440'000'000, 0, "boot"};
constexpr const char* kDevice = "/dev/video99";

/// What the camera shows is read when it is opened first, by whichever test.
const OwnFolder& camera_files() {
  static const OwnFolder folder;
  static const bool once = [] {
    auto images = media::test::data_file("small.jpg");
    const auto one = images;
    for (int i = 0; i < 2; ++i) images.insert(images.end(), one.begin(), one.end());
    ::setenv("SHIM_MJPEG", folder.write("frames.mjpeg", images).c_str(), 1);
    ::setenv("SHIM_H264", (std::string(CAMPIPE_TEST_DATA) + "/media/small.h264").c_str(), 1);
    ::setenv("SHIM_CODED_SIZE", "322x180", 1);
    ::setenv("SHIM_CONTROL", (folder / "control").c_str(), 1);
    return true;
  }();
  EXPECT_TRUE(once);
  return folder;
}

class ShimCamera : public testing::Test {
protected:
  ShimCamera() {
    log::init({.tool = "unit_capture_shim", .level = log::Level::error});
    control("");
  }
  ~ShimCamera() override {
    ::unsetenv("SHIM_BUSY");
    ::unsetenv("SHIM_ENOSPC");
    log::init({});
  }

  /// shim_camera.hpp lists the words.
  static void control(const std::string& words) { std::ofstream(camera_files() / "control") << words; }

  static Source::Options small() {
    return {.path = kDevice, .wish = {.size = Size{320, 240}, .rate = Rational{60, 1}, .format = std::nullopt}};
  }
  static Source::Options coded(media::VideoCodec codec) {
    return {.path = kDevice, .wish = {.size = Size{322, 180}, .rate = Rational{60, 1}, .format = FormatWish{codec}}};
  }

  std::vector<media::Packet> take(Source& source, std::size_t count) {
    std::vector<media::Packet> packets;
    while (packets.size() < count) {
      last_ = source.next();
      if (last_ == Pull::packet) {
        packets.push_back(std::move(source.packet()));
      } else if (last_ != Pull::format) {
        break;
      }
    }
    return packets;
  }

  /// The number that the camera wrote into a yuyv422 picture of 320x240.
  static std::optional<std::uint32_t> number_in(const media::Packet& packet) {
    std::vector<std::byte> luma(320 * 240);
    for (std::size_t i = 0; i < luma.size(); ++i) luma[i] = packet.payload.bytes()[i * 2];
    return media::read_counter_strip(luma, 320, {320, 240});
  }

  static std::pair<ExitCode, std::string> refusal(const Source::Options& options) {
    Source source(options, {}, kClock);
    try {
      source.open();
    } catch (const Error& error) {
      return {error.code(), error.what()};
    }
    return {ExitCode::ok, "opened"};
  }

  Pull last_ = Pull::packet;
};

TEST_F(ShimCamera, RawPicturesCarryTheCountOfTheDriverAndItsTimes) {
  Source source(small(), {}, kClock);
  const std::int64_t before = monotonic_ns();
  source.open();
  EXPECT_TRUE(source.is_live());
  EXPECT_EQ(source.next(), Pull::format);
  EXPECT_EQ(source.format().video.codec, media::VideoCodec::raw);
  EXPECT_EQ(source.format().video.pixel_format, media::PixelFormat::yuyv422);
  EXPECT_EQ(source.format().video.size, (Size{320, 240}));
  EXPECT_EQ(source.format().video.frame_rate, (Rational{60, 1}));
  EXPECT_EQ(source.format().clock, kClock);
  const auto packets = take(source, 10);
  ASSERT_EQ(packets.size(), 10U);
  std::int64_t last = before;
  for (const media::Packet& packet : packets) {
    ASSERT_EQ(packet.payload.size(), 320U * 240 * 2);
    const auto number = number_in(packet);
    ASSERT_TRUE(number);
    EXPECT_EQ(*packet.sequence - *packets[0].sequence, *number - *number_in(packets[0]));
    EXPECT_TRUE(packet.keyframe);
    EXPECT_FALSE(packet.corrupt);
    ASSERT_TRUE(packet.captured_ns);
    EXPECT_GT(*packet.captured_ns, last);
    EXPECT_EQ(packet.pts_us, kClock.pts_us(*packet.captured_ns));
    last = *packet.captured_ns;
  }
  EXPECT_LE(last, monotonic_ns());
}

TEST_F(ShimCamera, WhatIsDamagedEmptyOrShortIsLeftOutAndCounted) {
  for (const char* fault : {"error=3", "empty=3", "short=3"}) {
    control(fault);
    Source source(small(), {}, kClock);
    source.open();
    const auto packets = take(source, 8);
    ASSERT_EQ(packets.size(), 8U) << fault;
    std::optional<std::uint32_t> last;
    for (const media::Packet& packet : packets) {
      const auto number = number_in(packet);
      ASSERT_TRUE(number) << fault;
      EXPECT_NE(*number % 3, 2U) << fault;
      if (last) {
        EXPECT_EQ(packet.discontinuity, *number != *last + 1) << fault << " " << *number;
      }
      last = number;
    }
    EXPECT_GE(source.stats().dropped, 3U) << fault;
  }
}

TEST_F(ShimCamera, FramesThatTheDriverLeftOutAreAGap) {
  control("gap=3");
  Source source(small(), {}, kClock);
  source.open();
  const auto packets = take(source, 8);
  ASSERT_EQ(packets.size(), 8U);
  EXPECT_GE(source.stats().gaps, 3U);
  EXPECT_EQ(source.stats().dropped, 0U);
  for (std::size_t i = 1; i < packets.size(); ++i) {
    EXPECT_EQ(packets[i].discontinuity, *packets[i].sequence != *packets[i - 1].sequence + 1) << i;
  }
}

TEST_F(ShimCamera, StampsThatCannotBeTrueAreReplacedAndEqualOnesSpread) {
  for (const char* fault : {"badclock", "samestamp"}) {
    control(fault);
    std::int64_t last = monotonic_ns();
    Source source(small(), {}, kClock);
    source.open();
    const auto packets = take(source, 6);
    ASSERT_EQ(packets.size(), 6U) << fault;
    for (const media::Packet& packet : packets) {
      EXPECT_GE(*packet.captured_ns, last) << fault;
      EXPECT_LE(*packet.captured_ns, monotonic_ns()) << fault;
      last = *packet.captured_ns + 1000;
    }
    EXPECT_NE(packets[1].pts_us, packets[0].pts_us);
  }
}

TEST_F(ShimCamera, AnUnpluggedCameraIsLostAndComesBackWithADiscontinuityAndItsCount) {
  Source source(small(), {}, kClock);
  source.open();
  const auto before = take(source, 3);
  ASSERT_EQ(before.size(), 3U);
  control("unplug");
  take(source, 1000);
  EXPECT_EQ(last_, Pull::lost);
  EXPECT_EQ(source.loss(), "unplugged");
  source.close();
  try {
    source.open();
    ADD_FAILURE() << "opened what is not there";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::no_input);
    EXPECT_STREQ(error.what(), "/dev/video99: no such device: see camgrab --list");
  }
  control("");
  source.open();
  const auto after = take(source, 2);
  ASSERT_EQ(after.size(), 2U);
  EXPECT_TRUE(after[0].discontinuity);
  EXPECT_GT(*after[0].sequence, *before[2].sequence);
  EXPECT_GT(after[0].pts_us, before[2].pts_us);
}

TEST_F(ShimCamera, ACameraThatFallsSilentIsLost) {
  auto options = small();
  options.stall_timeout = 100ms;
  Source source(options, {}, kClock);
  source.open();
  ASSERT_EQ(take(source, 2).size(), 2U);
  control("stall");
  take(source, 1000);
  EXPECT_EQ(last_, Pull::lost);
  EXPECT_THAT(source.loss(), MatchesRegex("no frames for [0-9]+ms"));
}

TEST_F(ShimCamera, AStopEndsTheWaitForAFrame) {
  Pipe stop = make_pipe();
  Source source(small(), {.stop_fd = stop.read_end.get(), .alive = {}}, kClock);
  source.open();
  ASSERT_EQ(take(source, 1).size(), 1U);
  control("stall");
  stop.write_end.reset();
  EXPECT_TRUE(take(source, 1000).empty());
  EXPECT_EQ(last_, Pull::stopped);
}

TEST_F(ShimCamera, ImagesComeThroughByteForByteAndCutOnesAreLeftOut) {
  const auto jpeg = media::test::data_file("small.jpg");
  control("short=3");
  Source source(coded(media::VideoCodec::mjpeg), {}, kClock);
  source.open();
  const auto packets = take(source, 6);
  ASSERT_EQ(packets.size(), 6U);
  EXPECT_EQ(source.format().video.codec, media::VideoCodec::mjpeg);
  EXPECT_EQ(source.format().video.size, (Size{322, 180}));
  for (const media::Packet& packet : packets) EXPECT_TRUE(std::ranges::equal(packet.payload.bytes(), jpeg));
  EXPECT_GE(source.stats().dropped, 2U);
}

TEST_F(ShimCamera, H264BeginsWithAKeyframeAndHasTheSizeThatItsHeadersSay) {
  Source source(coded(media::VideoCodec::h264), {}, kClock);
  source.open();
  const auto packets = take(source, 4);
  ASSERT_EQ(packets.size(), 4U);
  EXPECT_TRUE(packets[0].keyframe);
  EXPECT_EQ(source.format().video.codec, media::VideoCodec::h264);
  EXPECT_EQ(source.format().video.size, (Size{318, 178}));
  EXPECT_FALSE(source.format().video.parameter_sets.empty());
}

TEST_F(ShimCamera, ACameraThatCannotBeHadSaysWhy) {
  auto odd = small();
  odd.wish.size = Size{123, 45};
  auto [code, text] = refusal(odd);
  EXPECT_EQ(code, ExitCode::unavailable);
  EXPECT_THAT(text, HasSubstr("cannot do 123x45"));
  EXPECT_THAT(text, HasSubstr("322x180, 320x240, 640x480"));
  ::setenv("SHIM_BUSY", "1", 1);
  std::tie(code, text) = refusal(small());
  EXPECT_EQ(code, ExitCode::try_again);
  EXPECT_THAT(text, HasSubstr("busy"));
  ::unsetenv("SHIM_BUSY");
  ::setenv("SHIM_ENOSPC", "1", 1);
  EXPECT_EQ(refusal(small()).first, ExitCode::try_again);
  ::unsetenv("SHIM_ENOSPC");
  EXPECT_EQ(refusal({.path = "/dev/null", .wish = {}}).second, "/dev/null: is no video device: see camgrab --list");
  EXPECT_EQ(refusal({.path = "/dev/video98", .wish = {}}).first, ExitCode::no_input);
  EXPECT_EQ(refusal(small()).first, ExitCode::ok) << "a failure leaves nothing behind";
}

}  // namespace
}  // namespace campipe::capture::v4l2
