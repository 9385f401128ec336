#include "ffmpeg/error.hpp"

extern "C" {
#include <libavutil/error.h>
#include <libavutil/log.h>
}

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/log.hpp"
#include "base/stderr_to.hpp"

namespace campipe::ffmpeg {
namespace {

TEST(FfmpegError, HasATextForErrnoAndItsOwnCodesAndUnknownOnes) {
  EXPECT_EQ(error_text(AVERROR(ENOENT)), "No such file or directory");
  EXPECT_EQ(error_text(AVERROR_EOF), "End of file");
  EXPECT_EQ(error_text(AVERROR_INVALIDDATA), "Invalid data found when processing input");
  EXPECT_EQ(error_text(-123456), "Error number -123456 occurred");
}

TEST(FfmpegError, TheExitCodeIsTheCallersOrFitsTheErrno) {
  struct Case {
    int averror;
    ExitCode asked;
    ExitCode thrown;
  };
  for (const Case& c : {
           Case{AVERROR(ENOENT), ExitCode::ok, ExitCode::no_input},
           Case{AVERROR(EACCES), ExitCode::ok, ExitCode::permission},
           Case{AVERROR(ENOSPC), ExitCode::ok, ExitCode::cannot_create},
           Case{AVERROR_EOF, ExitCode::ok, ExitCode::io_error},
           Case{AVERROR_INVALIDDATA, ExitCode::ok, ExitCode::io_error},
           Case{AVERROR(ENOENT), ExitCode::unavailable, ExitCode::unavailable},
           Case{AVERROR_EOF, ExitCode::bad_data, ExitCode::bad_data},
       }) {
    try {
      throw_error(c.averror, c.asked, "cannot open x");
      FAIL() << "did not throw";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), c.thrown) << c.averror;
      EXPECT_EQ(error.what(), "cannot open x: " + error_text(c.averror));
    }
  }
}

class RoutedLog : public testing::Test {
protected:
  RoutedLog() { route_log(); }
  ~RoutedLog() override {
    av_log_set_callback(av_log_default_callback);
    log::init({});
  }
};

TEST_F(RoutedLog, ShowsErrorsAndWarningsOnlyWhenVerbose) {
  struct Case {
    log::Level ours;
    int theirs;
    std::vector<std::string> lines;
  };
  for (const Case& c : {
           Case{log::Level::debug, AV_LOG_ERROR, {"t: ffmpeg: what happened\n"}},
           Case{log::Level::debug, AV_LOG_WARNING, {"t: ffmpeg: what happened\n"}},
           Case{log::Level::debug, AV_LOG_INFO, {}},
           Case{log::Level::info, AV_LOG_FATAL, {}},
           Case{log::Level::error, AV_LOG_ERROR, {}},
       }) {
    WritesToStderr sink;
    log::init({.tool = "t", .level = c.ours});
    av_log(nullptr, c.theirs, "what %s\n", "happened");
    EXPECT_EQ(sink.take(), c.lines) << static_cast<int>(c.ours) << " " << c.theirs;
  }
}

TEST_F(RoutedLog, HidesPasswordsAndCutsLongLines) {
  WritesToStderr sink;
  log::init({.tool = "t", .level = log::Level::debug});
  av_log(nullptr, AV_LOG_ERROR, "rtsp://user:geheim@host/a refused\n");
  av_log(nullptr, AV_LOG_ERROR, "%s", std::string(100'000, 'x').c_str());
  EXPECT_THAT(sink.take(), testing::ElementsAre("t: ffmpeg: rtsp://user:***@host/a refused\n",
                                                "t: ffmpeg: " + std::string(1023, 'x') + "\n"));
}

}  // namespace
}  // namespace campipe::ffmpeg
