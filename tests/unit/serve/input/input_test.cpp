#include "serve/input/input.hpp"

#include <atomic>
#include <deque>
#include <filesystem>
#include <functional>
#include <new>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "net/net_helpers.hpp"
#include "serve/fake_media.hpp"
#include "serve/input/spec.hpp"

namespace campipe::serve {
namespace {

using media::VideoCodec;
using net::turn_until;

/// Gives what it was told to, then waits to be stopped.
class ScriptedReader : public wire::stream::Reader {
public:
  struct Step {
    wire::stream::Pull pull = wire::stream::Pull::packet;
    media::StreamFormat format;
    media::Packet packet;
    std::optional<Error> error;
    std::uint64_t dropped = 0;
  };
  ScriptedReader(std::deque<Step> steps, int stop_fd, std::function<void()> on_all_given = {})
      : steps_(std::move(steps)), stop_fd_(stop_fd), on_all_given_(std::move(on_all_given)) {}

  wire::stream::Pull next() override {
    if (steps_.empty()) {
      if (on_all_given_) on_all_given_();
      wait_readable(stop_fd_, -1, -1);
      return wire::stream::Pull::stopped;
    }
    now_ = std::move(steps_.front());
    steps_.pop_front();
    if (now_.error) throw *now_.error;
    stats_.dropped = now_.dropped;
    return now_.pull;
  }
  const media::StreamFormat& format() const override { return now_.format; }
  media::Packet& packet() override { return now_.packet; }
  const wire::stream::ReaderStats& stats() const override { return stats_; }

private:
  std::deque<Step> steps_;
  int stop_fd_;
  std::function<void()> on_all_given_;  // in the reading thread
  Step now_;
  wire::stream::ReaderStats stats_;
};

using Step = ScriptedReader::Step;
Step format(VideoCodec codec) {
  return {.pull = wire::stream::Pull::format, .format = fake::format(codec)};
}
Step picture(std::int64_t number, bool key = true, std::size_t bytes = 100) {
  return {.packet = fake::picture(number, key, bytes)};
}

class InputTest : public testing::Test {
protected:
  void start(std::deque<Step> steps) {
    input_ = std::make_unique<input::Input>(
        loop_, stream_,
        input::Input::Origin{.name = "stdin",
                             .make_reader =
                                 [this, steps = std::move(steps)](const wire::stream::ReadOptions& options) mutable {
                                   return std::make_unique<ScriptedReader>(std::move(steps), options.stop_fd, [this] {
                                     all_given_ = true;
                                     all_given_.notify_one();
                                   });
                                 }},
        nullptr,
        input::Input::Events{.on_format = [this](input::Input&, bool first) { first_formats_ += first ? 1 : 0; },
                             .on_end = [this](input::Input&, const input::Input::End& end) { end_ = end; }});
  }

  net::Loop loop_;
  hub::Hub hub_;
  hub::Stream& stream_ = hub_.add_stream("cam", "");
  int first_formats_ = 0;
  std::optional<input::Input::End> end_;
  std::atomic<bool> all_given_ = false;
  std::unique_ptr<input::Input> input_;
};

TEST_F(InputTest, PacketsAndFormatsReachTheStreamInOrder) {
  start({format(VideoCodec::mjpeg),
         picture(0),
         picture(1),
         format(VideoCodec::h264),
         picture(2),
         {.pull = wire::stream::Pull::end}});
  turn_until(loop_, [&] { return end_.has_value(); });
  EXPECT_FALSE(end_->failure);
  EXPECT_TRUE(input_->ended());
  EXPECT_EQ(first_formats_, 1);
  EXPECT_EQ(stream_.totals().units, 3U);
  EXPECT_EQ(stream_.generation(), 2U);
  EXPECT_EQ(stream_.state(), hub::StreamState::ended);
}

TEST_F(InputTest, EndBeforeTheFirstFrameIsBadData) {
  start({{.pull = wire::stream::Pull::end}});
  turn_until(loop_, [&] { return end_.has_value(); });
  EXPECT_EQ(end_->failure, ExitCode::bad_data);
  EXPECT_EQ(end_->reason, "stdin: ended before the first frame");
}

TEST_F(InputTest, ErrorOfTheReaderEndsTheStreamWithItsReason) {
  start({format(VideoCodec::mjpeg), picture(0), {.error = Error(ExitCode::io_error, "stdin: cannot read: it broke")}});
  turn_until(loop_, [&] { return end_.has_value(); });
  EXPECT_EQ(end_->failure, ExitCode::io_error);
  EXPECT_EQ(stream_.end_reason(), "stdin: cannot read: it broke");
}

TEST_F(InputTest, RawPicturesAreRefusedWithTheRemedy) {
  start({format(VideoCodec::raw), picture(0)});
  turn_until(loop_, [&] { return end_.has_value(); });
  EXPECT_EQ(end_->failure, ExitCode::bad_data);
  EXPECT_NE(end_->reason.find("camenc -c mjpeg"), std::string::npos);
  EXPECT_EQ(stream_.totals().units, 0U);
}

TEST_F(InputTest, WhatTheLoopDoesNotTakeIsDroppedUpToAKeyframe) {
  std::deque<Step> steps{format(VideoCodec::h264)};
  constexpr std::size_t kBig = 16 << 20;
  for (int i = 0; i < 6; ++i) steps.push_back(picture(i, i == 0, kBig));  // four fit
  steps.push_back(picture(6, true, kBig));
  start(std::move(steps));
  all_given_.wait(false);  // the thread runs through while the loop stands still
  turn_until(loop_, [&] { return stream_.totals().units + stream_.totals().dropped == 7; });
  EXPECT_EQ(stream_.totals().units, 4U);
  EXPECT_EQ(stream_.totals().dropped, 3U);
}

TEST_F(InputTest, ArrivalIsWhenItWasReadAndNotWhenTheLoopTookIt) {
  const std::int64_t before_ns = monotonic_ns();
  start({format(VideoCodec::mjpeg), picture(0)});
  all_given_.wait(false);  // the loop stands still
  const std::int64_t read_ns = monotonic_ns();
  turn_until(loop_, [&] { return stream_.history().newest_video() != nullptr; });
  EXPECT_GE(stream_.history().newest_video()->arrived_ns, before_ns);
  EXPECT_LE(stream_.history().newest_video()->arrived_ns, read_ns);
}

TEST_F(InputTest, DamageSeenByTheReaderIsCounted) {
  Step damaged = picture(0);
  damaged.dropped = 3;
  start({format(VideoCodec::mjpeg), std::move(damaged), {.pull = wire::stream::Pull::end}});
  turn_until(loop_, [&] { return end_.has_value(); });
  EXPECT_EQ(stream_.totals().dropped, 3U);
}

TEST_F(InputTest, DestructorStopsAWaitingThread) {
  start({format(VideoCodec::mjpeg)});
  turn_until(loop_, [&] { return first_formats_ == 1; });
  input_.reset();
  EXPECT_FALSE(end_);
}

TEST(OpenAtOnce, DoesNotWaitForTheWriterOfAFifo) {
  const std::string path = testing::TempDir() + "/campipe-fifo-" + std::to_string(::getpid());
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const Fd fd = input::open_at_once(wire::parse_endpoint(path));
  EXPECT_EQ(wait_readable(fd.get(), -1, 0), Readable::timeout);
  EXPECT_THROW(input::open_at_once(wire::parse_endpoint("/no/such/input")), Error);
  std::filesystem::remove(path);
}

TEST(InputSpec, FormsOfTheCommandLine) {
  struct Case {
    const char* text;
    const char *name, *rendition, *endpoint;
  };
  for (const Case& c : {Case{"-", "cam", "", "-"}, Case{"fd:3", "cam", "", "fd:3"}, Case{"front=-", "front", "", "-"},
                        Case{"front/hd=/x/y=z", "front", "hd", "/x/y=z"}, Case{"./a=b", "cam", "", "./a=b"},
                        Case{"/a=b", "cam", "", "/a=b"}, Case{"shm:front.h264", "front", "", "shm:front.h264"},
                        Case{"a=shm:front.h264", "a", "", "shm:front.h264"}, Case{"pipe", "cam", "", "pipe"}}) {
    const input::Spec spec = input::parse_spec(c.text);
    EXPECT_EQ(spec.name, c.name) << c.text;
    EXPECT_EQ(spec.rendition, c.rendition) << c.text;
    EXPECT_EQ(spec.endpoint.text, c.endpoint) << c.text;
  }
}

TEST(InputSpec, RefusesBadNamesUrlsAndNothing) {
  for (const std::string text :
       {"", "=-", "a b=-", "a/=-", "a/b/c=-", "cam=", "rtsp://h/x", "cam=rtsp://h/x", "http://h/?a=b"}) {
    try {
      input::parse_spec(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage) << text;
    }
  }
  EXPECT_THROW(input::parse_spec(std::string(65, 'a') + "=-"), Error);
}

TEST_F(InputTest, ExceptionInTheLoopEndsThatInputOnly) {
  hub::Stream& other = hub_.add_stream("bad", "");
  std::optional<input::Input::End> bad_end;
  input::Input bad(loop_, other,
                   {.name = "a FIFO",
                    .make_reader =
                        [](const wire::stream::ReadOptions& options) {
                          std::deque<Step> steps;
                          steps.push_back(format(VideoCodec::mjpeg));
                          steps.push_back(picture(0));
                          return std::make_unique<ScriptedReader>(std::move(steps), options.stop_fd);
                        }},
                   nullptr,
                   {.on_format = [](input::Input&, bool) { throw std::bad_alloc(); },
                    .on_end = [&](input::Input&, const input::Input::End& end) { bad_end = end; }});
  turn_until(loop_, [&] { return bad_end.has_value(); });
  EXPECT_EQ(bad_end->failure, ExitCode::internal);
  EXPECT_TRUE(other.ended());
  start({format(VideoCodec::mjpeg), picture(0), picture(1)});
  turn_until(loop_, [&] { return stream_.totals().units == 2; });
  EXPECT_FALSE(end_);
}

}  // namespace
}  // namespace campipe::serve
