#include "capture/v4l2/mode_choice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/videodev2.h>

namespace campipe::capture {
namespace {

using testing::HasSubstr;

v4l2::OfferedSize fixed(int width, int height, std::vector<int> fps) {
  v4l2::OfferedSize size{{width, height}, {width, height}, 1, 1, {}};
  for (const int rate : fps) size.rates.push_back({{rate, 1}, {rate, 1}});
  return size;
}

const v4l2::OfferedFormat kYuyvUsb2{
    V4L2_PIX_FMT_YUYV, "YUYV", {fixed(640, 480, {30, 15}), fixed(1280, 720, {10, 5}), fixed(1920, 1080, {5})}};
const v4l2::OfferedFormat kMjpeg{
    V4L2_PIX_FMT_MJPEG,
    "MJPEG",
    {fixed(640, 480, {60, 30}), fixed(1280, 720, {60, 30}), fixed(1920, 1080, {30}), fixed(3840, 2160, {30})}};
const v4l2::OfferedFormat kH264{V4L2_PIX_FMT_H264, "H.264", {fixed(1280, 720, {30}), fixed(1920, 1080, {30})}};
const v4l2::OfferedFormat kYuyvUsb3{V4L2_PIX_FMT_YUYV, "YUYV", {fixed(1280, 720, {60}), fixed(1920, 1080, {60, 30})}};
const v4l2::OfferedFormat kRgb{V4L2_PIX_FMT_RGB24, "RGB", {fixed(1920, 1080, {30})}};
const v4l2::OfferedFormat kNv12{V4L2_PIX_FMT_NV12, "NV12", {fixed(1920, 1080, {30})}};
const v4l2::OfferedFormat kBayer{V4L2_PIX_FMT_SBGGR8, "Bayer", {fixed(1920, 1080, {30})}};
const v4l2::OfferedFormat kSteps{
    V4L2_PIX_FMT_YUYV, "steps", {v4l2::OfferedSize{{32, 32}, {4096, 4096}, 2, 2, {{{1, 1}, {120, 1}}}}}};
const v4l2::OfferedFormat kSilent{V4L2_PIX_FMT_UYVY, "tells no sizes", {}};
const v4l2::OfferedFormat kSlow{
    V4L2_PIX_FMT_YUYV, "vivid", {fixed(640, 360, {40}), fixed(1280, 720, {12}), fixed(1920, 1080, {5})}};

struct Case {
  const char* name;
  std::vector<v4l2::OfferedFormat> offered;
  v4l2::ModeWish wish;
  std::uint32_t fourcc;
  Size size;
  double rate;
  const char* reason;
};

class ModeChoice : public testing::TestWithParam<Case> {};

TEST_P(ModeChoice, PicksTheMode) {
  const Case& c = GetParam();
  const auto mode = v4l2::choose_mode(c.offered, c.wish);
  ASSERT_TRUE(mode) << mode.error();
  EXPECT_EQ(v4l2::fourcc_text(mode->format.fourcc), v4l2::fourcc_text(c.fourcc));
  EXPECT_EQ(mode->size, c.size) << mode->size.width_px << "x" << mode->size.height_px;
  EXPECT_NEAR(mode->rate.value(), c.rate, 0.01);
  EXPECT_THAT(mode->reason, HasSubstr(c.reason));
}

v4l2::FormatWish wish(const char* word) {
  return *v4l2::parse_format_wish(word);
}

INSTANTIATE_TEST_SUITE_P(
    Cameras, ModeChoice,
    testing::Values(
        Case{"Usb2WebcamTakesMjpeg",
             {kYuyvUsb2, kMjpeg, kH264},
             {},
             V4L2_PIX_FMT_MJPEG,
             {1920, 1080},
             30,
             "raw only reaches YUYV 640x480 at 30 fps"},
        Case{"Usb3TakesRaw", {kMjpeg, kYuyvUsb3}, {}, V4L2_PIX_FMT_YUYV, {1920, 1080}, 30, "raw reaches"},
        Case{"CheapestRawFirst", {kRgb, kYuyvUsb3, kNv12}, {}, V4L2_PIX_FMT_NV12, {1920, 1080}, 30, "raw reaches"},
        Case{"RawAloneKeepsTheRate", {kYuyvUsb2}, {}, V4L2_PIX_FMT_YUYV, {640, 480}, 30, "raw reaches"},
        Case{"SmallSizeIsRaw",
             {kYuyvUsb2, kMjpeg},
             {Size{640, 480}, {}, {}},
             V4L2_PIX_FMT_YUYV,
             {640, 480},
             30,
             "raw reaches"},
        Case{"SmallSizeFastIsMjpeg",
             {kYuyvUsb2, kMjpeg},
             {Size{640, 480}, Rational{60, 1}, {}},
             V4L2_PIX_FMT_MJPEG,
             {640, 480},
             60,
             "raw only reaches"},
        Case{"SlowRateAllowsRaw",
             {kYuyvUsb2, kMjpeg},
             {Size{1280, 720}, Rational{10, 1}, {}},
             V4L2_PIX_FMT_YUYV,
             {1280, 720},
             10,
             "raw reaches"},
        Case{"RateBetweenTakesTheNextUp",
             {kMjpeg},
             {Size{640, 480}, Rational{20, 1}, {}},
             V4L2_PIX_FMT_MJPEG,
             {640, 480},
             30,
             "no raw"},
        Case{"RateOverAllTakesTheHighest",
             {kYuyvUsb2},
             {Size{1280, 720}, Rational{60, 1}, {}},
             V4L2_PIX_FMT_YUYV,
             {1280, 720},
             10,
             "highest"},
        Case{"AskedFormat",
             {kYuyvUsb2, kMjpeg, kH264},
             {{}, {}, wish("h264")},
             V4L2_PIX_FMT_H264,
             {1920, 1080},
             30,
             "as asked"},
        Case{"AskedPixelFormat",
             {kYuyvUsb2, kMjpeg},
             {{}, {}, wish("yuyv")},
             V4L2_PIX_FMT_YUYV,
             {640, 480},
             30,
             "as asked"},
        Case{"OverDefaultOnlyWhenAsked",
             {kMjpeg},
             {Size{3840, 2160}, {}, {}},
             V4L2_PIX_FMT_MJPEG,
             {3840, 2160},
             30,
             "no raw"},
        Case{"OnlyH264", {kH264}, {}, V4L2_PIX_FMT_H264, {1920, 1080}, 30, "no raw"},
        Case{"StepsUpToTheDefault", {kSteps}, {}, V4L2_PIX_FMT_YUYV, {1920, 1080}, 30, "raw reaches"},
        Case{"StepsTakeTheSize",
             {kSteps},
             {Size{642, 358}, Rational{25, 2}, {}},
             V4L2_PIX_FMT_YUYV,
             {642, 358},
             12.5,
             "raw reaches"},
        Case{"NobodyReachesThirty", {kSlow}, {}, V4L2_PIX_FMT_YUYV, {640, 360}, 40, "raw reaches"},
        Case{"UntoldSizesAreTried", {kSilent}, {Size{720, 576}, {}, {}}, V4L2_PIX_FMT_UYVY, {720, 576}, 0, "raw"},
        Case{"UnknownFormatsAreLeftOut", {kBayer, kMjpeg}, {}, V4L2_PIX_FMT_MJPEG, {1920, 1080}, 30, "no raw"}),
    [](const auto& param) { return param.param.name; });

TEST(ModeChoice, RefusesWithWhatThereIs) {
  const auto size = v4l2::choose_mode({kYuyvUsb2, kMjpeg}, {Size{123, 45}, {}, {}});
  ASSERT_FALSE(size);
  EXPECT_EQ(size.error(), "cannot do 123x45: it offers 640x480, 1280x720, 1920x1080, 3840x2160");
  const auto format = v4l2::choose_mode({kYuyvUsb2, kMjpeg}, {{}, {}, wish("h264")});
  ASSERT_FALSE(format);
  EXPECT_EQ(format.error(), "it does not offer this format: it has YUYV, MJPG");
  EXPECT_FALSE(v4l2::choose_mode({kBayer}, {}));
  EXPECT_FALSE(v4l2::choose_mode({}, {}));
  EXPECT_FALSE(v4l2::choose_mode({kSteps}, {Size{641, 480}, {}, {}})) << "off the steps";
}

TEST(FormatWish, KnowsWordsOfPeopleAndDrivers) {
  EXPECT_EQ(v4l2::parse_format_wish("MJPG")->codec, media::VideoCodec::mjpeg);
  EXPECT_EQ(v4l2::parse_format_wish("hevc")->codec, media::VideoCodec::h265);
  EXPECT_EQ(v4l2::parse_format_wish("YUYV")->pixel_format, media::PixelFormat::yuyv422);
  EXPECT_EQ(v4l2::parse_format_wish("raw")->codec, media::VideoCodec::raw);
  EXPECT_EQ(v4l2::parse_format_wish("YV12")->fourcc, V4L2_PIX_FMT_YVU420);
  EXPECT_FALSE(v4l2::parse_format_wish("banana"));
  EXPECT_FALSE(v4l2::parse_format_wish(""));
}

TEST(Fourcc, ShowsBytesThatPrint) {
  EXPECT_EQ(v4l2::fourcc_text(V4L2_PIX_FMT_Y16), "Y16");
  EXPECT_EQ(v4l2::fourcc_text(0x01020304), "????");
}

}  // namespace
}  // namespace campipe::capture
