#include "serve/rtsp/url.hpp"

#include <gtest/gtest.h>

namespace campipe::serve {
namespace {

struct Case {
  const char* target;
  const char* name;
  const char* rendition = "";
  std::optional<media::VideoCodec> codec = {};
  std::optional<std::size_t> track = {};
};

TEST(RtspTarget, ReadsWhatPlayersMakeOfAUrl) {
  const auto mjpeg = media::VideoCodec::mjpeg;
  for (const Case& one : {
           Case{"rtsp://h/cam", "cam"},
           Case{"rtsp://user:pw@[::1]:8554/cam/", "cam"},
           Case{"RTSP://h:1/cam/hd", "cam", "hd"},
           Case{"/cam", "cam"},
           Case{"rtsp://h/cam/trackID=0", "cam", "", {}, 0},
           Case{"rtsp://h/cam//trackID=1", "cam", "", {}, 1},
           Case{"rtsp://h/cam/hd/trackID=1/", "cam", "hd", {}, 1},
           Case{"rtsp://h/cam?codec=mjpeg", "cam", "", mjpeg},
           Case{"rtsp://h/cam/?codec=mjpeg", "cam", "", mjpeg},
           Case{"rtsp://h/cam/trackID=0?codec=mjpeg", "cam", "", mjpeg, 0},  // GStreamer
           Case{"rtsp://h/cam?codec=mjpeg/trackID=0", "cam", "", mjpeg, 0},  // FFmpeg, VLC
           Case{"rtsp://h/cam?codec=mjpeg/", "cam", "", mjpeg},
           Case{"rtsp://h/cam?x=1&codec=h265&y", "cam", "", media::VideoCodec::h265},
           Case{"rtsp://h/cam?", "cam"},
       }) {
    const auto target = rtsp::parse_target(one.target);
    ASSERT_TRUE(target.has_value()) << one.target;
    EXPECT_EQ(target->name, one.name) << one.target;
    EXPECT_EQ(target->rendition, one.rendition) << one.target;
    EXPECT_EQ(target->codec, one.codec) << one.target;
    EXPECT_EQ(target->track, one.track) << one.target;
  }
}

TEST(RtspTarget, RefusesWhatNamesNoStream) {
  for (const char* target : {"", "/", "*", "rtsp://h", "rtsp://h/", "rtsp://h//", "rtsp://h/?codec=mjpeg",
                             "rtsp://h/trackID=0", "rtsp://h/a/b/c", "rtsp://h/cam?codec=vp8", "rtsp://h/cam?codec=raw",
                             "rtsp://h/cam/trackID=", "rtsp://h/cam/trackID=-1", "rtsp://h/cam/trackID=100",
                             "rtsp://h/cam/trackID=0?x/trackID=0", "rtsp://h/../etc/passwd", "rtsp://h/c%61m", "cam"}) {
    EXPECT_FALSE(rtsp::parse_target(target).has_value()) << target;
  }
}

TEST(RtspTarget, ContentBaseEndsInOneSlash) {
  const auto base = [](std::string_view target) { return rtsp::content_base(target, "192.0.2.1:8554"); };
  EXPECT_EQ(base("rtsp://h/cam"), "rtsp://h/cam/");
  EXPECT_EQ(base("rtsp://h/cam/"), "rtsp://h/cam/");
  EXPECT_EQ(base("rtsp://h/cam?codec=mjpeg"), "rtsp://h/cam/?codec=mjpeg/");
  EXPECT_EQ(base("rtsp://h/cam/?codec=mjpeg/"), "rtsp://h/cam/?codec=mjpeg/");
  EXPECT_EQ(base("/cam/hd"), "rtsp://192.0.2.1:8554/cam/hd/");
  EXPECT_EQ(base("cam"), "rtsp://192.0.2.1:8554/cam/");
}

}  // namespace
}  // namespace campipe::serve
