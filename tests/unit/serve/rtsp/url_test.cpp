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
  bool known = true;
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
           Case{"rtsp://h//cam", "cam"},
           Case{"//cam//hd//", "cam", "hd"},
           Case{"rtsp://h/c%61m", "cam"},
           Case{"rtsp://h/%63%61%6D/%68d", "cam", "hd"},
           Case{"rtsp://h/cam/trackID%3D1", "cam", "", {}, 1},
           Case{"rtsp://h/cam%3Fx", "cam", "", {}, {}, false},
           Case{"rtsp://h/cam?codec=%6Djpeg", "cam", "", mjpeg},
           Case{"rtsp://h/cam?codec=mjpeg/track%49D=0/", "cam", "", mjpeg, 0},
           Case{"rtsp://h/cam?codec=mjpeg//trackID=0", "cam", "", mjpeg, 0},
           Case{"rtsp://h/cam?codec=mjpeg?dummy=x", "cam", "", mjpeg},
           Case{"rtsp://h/cam?x?codec=vp8/trackID=1", "cam", "", {}, 1},
           Case{"rtsp://h/cam?trackID=1", "cam", "", {}, 1},
           Case{"rtsp://user:p%2Fw%40@h:8554/cam?token=a%2Fb", "cam"},
           Case{"rtsp://user@h/cam#x", "cam"},
       }) {
    const auto target = rtsp::parse_target(one.target);
    ASSERT_EQ(target.has_value(), one.known) << one.target;
    if (!one.known) continue;
    EXPECT_EQ(target->name, one.name) << one.target;
    EXPECT_EQ(target->rendition, one.rendition) << one.target;
    EXPECT_EQ(target->codec, one.codec) << one.target;
    EXPECT_EQ(target->track, one.track) << one.target;
  }
}

TEST(RtspTarget, RefusesWhatNamesNoStream) {
  for (const char* target : {"/", "*", "rtsp://h", "rtsp://h/", "rtsp://h//", "rtsp://h/?codec=mjpeg",
                             "rtsp://h/trackID=0", "rtsp://h/a/b/c", "rtsp://h/cam?codec=vp8", "rtsp://h/cam?codec=raw",
                             "rtsp://h/cam/trackID=", "rtsp://h/cam/trackID=-1", "rtsp://h/cam/trackID=100",
                             "rtsp://h/cam/trackID=0?x/trackID=0", "rtsp://h/cam?codec=", "rtsp://h/c%C3%A4m",
                             "rtsp://h/c%2561m", "rtsp://h/cam/trackID=99999999999999999999"}) {
    const auto got = rtsp::parse_target(target);
    ASSERT_FALSE(got.has_value()) << target;
    EXPECT_EQ(got.error(), rtsp::TargetError::unknown) << target;
  }
}

TEST(RtspTarget, RefusesWhatCannotBeRead) {
  for (const char* target :
       {"", "cam", "rtsp:/h/cam", "rtsp://h/../etc/passwd", "rtsp://h/cam/..", "rtsp://h/./cam", "rtsp://h/%2e%2E/cam",
        "rtsp://h/cam%2Fhd", "rtsp://h/cam%2ftrackID=0", "rtsp://h/cam%5Chd", "rtsp://h/cam\\hd", "rtsp://h/cam%00",
        "rtsp://h/c%6", "rtsp://h/c%zzm", "rtsp://h/cam?codec=%", "rtsp://h/cam?%zz/trackID=0", "rtsp://h/%ff",
        "rtsp://h/%c0%ae%c0%ae/cam"}) {
    const auto got = rtsp::parse_target(target);
    ASSERT_FALSE(got.has_value()) << target;
    EXPECT_EQ(got.error(), rtsp::TargetError::malformed) << target;
  }
}

TEST(RtspTarget, ContentBaseEndsInOneSlash) {
  const auto base = [](std::string_view target) { return rtsp::content_base(target, "192.0.2.1:8554"); };
  EXPECT_EQ(base("rtsp://h/cam"), "rtsp://h/cam/");
  EXPECT_EQ(base("rtsp://h/cam/"), "rtsp://h/cam/");
  EXPECT_EQ(base("rtsp://h//c%61m//"), "rtsp://h//c%61m/");
  EXPECT_EQ(base("rtsp://h/cam?codec=mjpeg"), "rtsp://h/cam/?codec=mjpeg/");
  EXPECT_EQ(base("rtsp://h/cam/?codec=mjpeg/"), "rtsp://h/cam/?codec=mjpeg/");
  EXPECT_EQ(base("/cam/hd"), "rtsp://192.0.2.1:8554/cam/hd/");
  EXPECT_EQ(base("cam"), "rtsp://192.0.2.1:8554/cam/");
}

}  // namespace
}  // namespace campipe::serve
