// What a stream asks of where it comes from, and what it shows of a source that rested.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/net_helpers.hpp"
#include "serve/fake_media.hpp"
#include "serve/http/routes.hpp"
#include "serve/rtsp/harness.hpp"

namespace campipe::serve {
namespace {

using fake::Source;
using media::VideoCodec;
using net::TestClient;
using net::turn_until;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t kSecond = 1'000'000'000;

class DemandTest : public testing::Test {
protected:
  DemandTest() { attach(cam_, source_); }
  ~DemandTest() override { cam_.set_source(nullptr); }
  static void attach(hub::Stream& stream, Source& source) {
    stream.set_source(&source);
    stream.set_writer(true);
  }
  /// A stream that had a frame an hour ago.
  void rest(VideoCodec codec) {
    cam_.set_format(fake::format(codec));
    cam_.push(fake::picture(0));
    clock_.now_ns += 3600 * kSecond;
  }

  fake::Clock clock_;
  Source source_;
  hub::Hub hub_{hub::History::Limits{}, clock_.function()};
  hub::Stream& cam_ = hub_.add_stream("cam", "");
  const std::shared_ptr<hub::Stream> kept_ = cam_.shared_from_this();  // for the reference, whatever the hub does
};

TEST_F(DemandTest, TheFirstWishIsToldAndTheEndOfTheLast) {
  const int before = source_.changes;
  auto wish = std::make_unique<hub::Wish>(cam_);
  EXPECT_TRUE(source_.now);
  {
    const fake::Taker taker(cam_, {});
    wish.reset();
    EXPECT_TRUE(cam_.wanted());
    EXPECT_EQ(source_.changes, before + 1);
  }
  EXPECT_FALSE(source_.now);
  EXPECT_EQ(source_.changes, before + 2);
}

TEST_F(DemandTest, AWishThatIsReplacedIsNoPause) {
  hub::Wish wish(cam_);
  const int before = source_.changes;
  wish = hub::Wish(cam_);
  EXPECT_EQ(source_.changes, before);
  wish = hub::Wish();
  EXPECT_FALSE(source_.now);
}

TEST_F(DemandTest, ASourceThatComesLaterIsToldWhatIsWanted) {
  cam_.set_source(nullptr);
  const hub::Wish wish(cam_);
  Source late;
  cam_.set_source(&late);
  EXPECT_TRUE(late.now);
  cam_.set_source(nullptr);
}

TEST_F(DemandTest, WhoJoinsInterCodedVideoHasAKeyframeAskedFor) {
  const fake::Taker early(cam_, {});
  EXPECT_EQ(source_.keyframes, 1);
  cam_.set_format(fake::format(VideoCodec::h264));
  const fake::Taker second(cam_, {});
  EXPECT_EQ(source_.keyframes, 2);
  cam_.set_format(fake::format(VideoCodec::mjpeg));
  const fake::Taker third(cam_, {});
  EXPECT_EQ(source_.keyframes, 2);
}

TEST_F(DemandTest, SilenceThatNobodyMindsIsIdleness) {
  EXPECT_EQ(cam_.state(), hub::StreamState::idle);  // never any, nobody asked
  rest(VideoCodec::h264);
  EXPECT_EQ(cam_.state(), hub::StreamState::idle);
  const hub::Wish wish(cam_);
  EXPECT_EQ(cam_.state(), hub::StreamState::idle);  // the answer is under way
  clock_.now_ns += 6 * kSecond;
  EXPECT_EQ(cam_.state(), hub::StreamState::stalled);
  cam_.push(fake::picture(1));
  EXPECT_EQ(cam_.state(), hub::StreamState::flowing);
  clock_.now_ns += 3 * kSecond;
  EXPECT_EQ(cam_.state(), hub::StreamState::stalled);  // it answered, and stopped
}

TEST_F(DemandTest, OnlyAWriterThatSaysSoRests) {
  rest(VideoCodec::h264);
  cam_.set_source_status(source_status(SourceState::running));
  EXPECT_EQ(cam_.state(), hub::StreamState::stalled) << "it should run";
  EXPECT_FALSE(status::health(hub_).good);
  EXPECT_FALSE(cam_.can_rest());
  cam_.set_source_status(source_status(SourceState::running, kOnDemand));
  EXPECT_TRUE(cam_.can_rest());
  cam_.set_source_status(source_status(SourceState::resting));
  EXPECT_EQ(cam_.state(), hub::StreamState::idle);
  EXPECT_TRUE(status::health(hub_).good);
  cam_.set_source_status(source_status(SourceState::running));
  EXPECT_EQ(cam_.state(), hub::StreamState::idle) << "it is waking";
  EXPECT_TRUE(cam_.can_rest());
  clock_.now_ns += 6 * kSecond;
  EXPECT_EQ(cam_.state(), hub::StreamState::stalled);
}

TEST_F(DemandTest, ALostSourceIsNeverIdle) {
  rest(VideoCodec::h264);
  for (const bool wanted : {false, true}) {
    const auto wish = wanted ? std::make_unique<hub::Wish>(cam_) : nullptr;
    cam_.set_source_status(source_status(SourceState::resting));
    cam_.set_source_status(source_status(SourceState::lost, "Connection refused"));
    EXPECT_EQ(cam_.state(), hub::StreamState::stalled);
    EXPECT_THAT(status::why_not_flowing(cam_), testing::HasSubstr("source lost 0 s ago: Connection refused"));
    const auto health = status::health(hub_);
    EXPECT_FALSE(health.good);
    EXPECT_THAT(health.json, testing::HasSubstr("Connection refused"));
  }
  cam_.push(fake::picture(1));
  EXPECT_EQ(cam_.state(), hub::StreamState::flowing) << "what comes counts more";
}

TEST_F(DemandTest, APipeThatRestsHasToSaySoAgain) {
  cam_.set_source(nullptr);
  rest(VideoCodec::h264);
  cam_.set_source_status(source_status(SourceState::resting));
  EXPECT_EQ(cam_.state(), hub::StreamState::idle);
  clock_.now_ns += 4 * kSecond;
  EXPECT_EQ(cam_.state(), hub::StreamState::stalled) << "its writer may be stopped or hung";
}

TEST_F(DemandTest, HealthJudgesWhatWasNamed) {
  cam_.set_judged(false);
  cam_.set_source_status(source_status(SourceState::lost, "unplugged"));
  EXPECT_TRUE(status::health(hub_).good);
  hub_.set_required({"cam", "yard"});
  const auto health = status::health(hub_);
  EXPECT_FALSE(health.good);
  EXPECT_THAT(health.json, testing::HasSubstr("yard: required, and there is no such stream"));
}

TEST_F(DemandTest, WithoutAWriterSilenceIsAFault) {
  rest(VideoCodec::h264);
  cam_.set_writer(false);
  EXPECT_EQ(cam_.state(), hub::StreamState::stalled);
  EXPECT_FALSE(status::health(hub_).good);
  EXPECT_THAT(status::health(hub_).json, testing::HasSubstr("\"cam: no frame for 3600 s: nobody writes its ring\""));
  cam_.set_writer(true);
  EXPECT_TRUE(status::health(hub_).good);
}

TEST_F(DemandTest, WhatTheRingHeldBeforeWeCameIsAsOldAsItIs) {
  cam_.set_format(fake::format(VideoCodec::mjpeg));
  clock_.now_ns += 7200 * kSecond;
  cam_.push(fake::picture(0), 3600 * kSecond);
  EXPECT_EQ(cam_.state(), hub::StreamState::idle);
  EXPECT_TRUE(cam_.rested());
}

TEST_F(DemandTest, NobodyJoinsInWhatWasBeforeARest) {
  for (const VideoCodec codec : {VideoCodec::mjpeg, VideoCodec::h264}) {
    rest(codec);
    fake::Taker taker(cam_, {});
    taker.cursor.join();
    taker.take();
    EXPECT_THAT(taker.taken, IsEmpty());
    const std::uint64_t next = cam_.history().end();
    cam_.push(fake::picture(1, codec == VideoCodec::mjpeg));
    cam_.push(fake::picture(2));
    if (codec == VideoCodec::mjpeg) {
      EXPECT_THAT(taker.taken, ElementsAre(next, next + 1));
    } else {
      EXPECT_THAT(taker.taken, ElementsAre(next + 1));  // from the keyframe
    }
  }
}

TEST_F(DemandTest, AStalledWriterThatIsWantedStillShowsItsLastPicture) {
  cam_.set_format(fake::format(VideoCodec::mjpeg));
  const hub::Wish wish(cam_);
  cam_.push(fake::picture(0));
  clock_.now_ns += 60 * kSecond;
  fake::Taker taker(cam_, {});
  taker.cursor.join();
  taker.take();
  EXPECT_THAT(taker.taken, ElementsAre(0U));
}

TEST_F(DemandTest, ARemovedStreamIsLeftAloneByWhatWasItsOwn) {
  hub::Stream& voice = hub_.add_stream("cam", "");
  voice.set_format(fake::with_audio(fake::format(VideoCodec::mjpeg)));
  cam_.set_format(fake::format(VideoCodec::h264));
  ASSERT_TRUE(cam_.format()->audio);
  fake::Taker listener(voice, {});
  hub_.remove(voice, "its ring is gone");
  EXPECT_TRUE(listener.ended);
  EXPECT_EQ(hub_.streams().size(), 1U);
  EXPECT_FALSE(cam_.format()->audio);
  EXPECT_EQ(cam_.audio_source(), nullptr);
  cam_.push(fake::picture(0));
  cam_.push(fake::sound(0));
  cam_.set_format(fake::with_audio(fake::format(VideoCodec::h264)));
  listener.take();  // what it follows lives as long as it
}

class DemandByHttpTest : public DemandTest {
protected:
  DemandByHttpTest() { std::signal(SIGPIPE, SIG_IGN); }  // as cli::run() does
  void serve(http::Routes::Options options = {}) {
    routes_ = std::make_unique<http::Routes>(loop_, hub_, status::ServerFacts{}, options);
    server_ = std::make_unique<net::HttpServer>(
        loop_, net::listen_anywhere(),
        [this](const net::HttpRequest& r, net::HttpReply reply) { routes_->handle(r, std::move(reply)); });
  }
  TestClient ask(const std::string& target) {
    TestClient client(server_->address());
    client.send("GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    return client;
  }

  net::Loop loop_{net::Loop::Time::manual};
  std::unique_ptr<http::Routes> routes_;
  std::unique_ptr<net::HttpServer> server_;
};

TEST_F(DemandByHttpTest, AStillOfWhatRestsIsAFreshOne) {
  serve({.keep_ms = 1000});
  rest(VideoCodec::mjpeg);
  auto client = ask("/snapshot/cam");
  turn_until(loop_, [&] { return source_.now; });
  EXPECT_FALSE(client.has("HTTP/1.1"));
  cam_.push(fake::picture(7));
  turn_until(loop_, [&] { return client.ended(); });
  EXPECT_TRUE(client.has("X-Sequence: 7"));
  loop_.advance(std::chrono::milliseconds(1000));
  EXPECT_FALSE(source_.now);
}

TEST_F(DemandByHttpTest, AStillOfRestingH264IsOfAKeyframeThatCameSince) {
  const std::string camenc = testing::TempDir() + "/fake-camenc-" + std::to_string(::getpid());
  std::ofstream(camenc) << "#!/bin/sh\nwc -c\n";
  std::filesystem::permissions(camenc, std::filesystem::perms::owner_all);
  serve({.camenc = camenc});
  rest(VideoCodec::h264);
  auto client = ask("/snapshot/cam");
  turn_until(loop_, [&] { return source_.now; });
  EXPECT_EQ(source_.keyframes, 1);
  cam_.push(fake::picture(1, false));
  loop_.run_once(false);
  EXPECT_FALSE(client.has("HTTP/1.1"));
  cam_.push(fake::picture(2, true, 55));
  turn_until(loop_, [&] { return client.ended(); });
  EXPECT_TRUE(client.has("\r\n\r\n55\n"));
  std::filesystem::remove(camenc);
}

TEST_F(DemandByHttpTest, AStillThatDoesNotComeIsTheOldOne) {
  serve({.wait_ms = 1000});
  rest(VideoCodec::mjpeg);
  auto client = ask("/snapshot/cam");
  turn_until(loop_, [&] { return source_.now; });
  EXPECT_FALSE(client.ended());
  loop_.advance(std::chrono::milliseconds(1000));
  turn_until(loop_, [&] { return client.ended(); });
  EXPECT_TRUE(client.has("200 OK"));
  EXPECT_TRUE(client.has("X-UStreamer-Online: false"));
  EXPECT_FALSE(source_.now);
}

TEST_F(DemandByHttpTest, AFreshStillThatDoesNotComeSaysWhy) {
  serve({.wait_ms = 1000});
  rest(VideoCodec::mjpeg);
  auto client = ask("/snapshot/cam?fresh=1");
  turn_until(loop_, [&] { return source_.now; });
  loop_.advance(std::chrono::milliseconds(999));
  EXPECT_TRUE(source_.now);
  loop_.advance(std::chrono::milliseconds(1));
  turn_until(loop_, [&] { return client.ended(); });
  EXPECT_TRUE(client.has("503 Service Unavailable"));
  EXPECT_TRUE(client.has("cam: no frame yet since its writer was asked for some"));
  EXPECT_FALSE(source_.now);
}

TEST_F(DemandByHttpTest, StillsEachSecondKeepWhatFlowsGoing) {
  serve({.keep_ms = 1000});
  cam_.set_format(fake::format(VideoCodec::mjpeg));
  cam_.push(fake::picture(0));
  auto client = ask("/snapshot/cam");
  turn_until(loop_, [&] { return client.ended(); });
  loop_.advance(std::chrono::milliseconds(999));
  EXPECT_TRUE(source_.now);
  loop_.advance(std::chrono::milliseconds(1));
  EXPECT_FALSE(source_.now);
}

TEST_F(DemandByHttpTest, APeekWakesNothingAndKeepsNothingAwake) {
  serve();
  cam_.set_format(fake::format(VideoCodec::mjpeg));
  cam_.push(fake::picture(5));
  const int before = source_.changes;
  auto flowing = ask("/snapshot/cam?peek=1");
  turn_until(loop_, [&] { return flowing.ended(); });
  EXPECT_TRUE(flowing.has("X-Sequence: 5"));
  clock_.now_ns += 3600 * kSecond;
  auto resting = ask("/snapshot/cam?peek=1");
  turn_until(loop_, [&] { return resting.ended(); });
  EXPECT_TRUE(resting.has("X-Sequence: 5"));
  EXPECT_TRUE(resting.has("X-UStreamer-Online: false"));
  EXPECT_EQ(source_.changes, before);
}

TEST_F(DemandByHttpTest, AStillWakesOnlyWhatItIsMadeOf) {
  hub::Stream& other = hub_.add_stream("cam", "");
  Source other_source;
  attach(other, other_source);
  other.set_format(fake::format(VideoCodec::h264));
  serve();
  rest(VideoCodec::mjpeg);
  auto client = ask("/snapshot/cam");
  turn_until(loop_, [&] { return source_.now; });
  EXPECT_FALSE(other_source.now);
  cam_.push(fake::picture(1));
  turn_until(loop_, [&] { return client.ended(); });
  other.set_source(nullptr);
}

TEST_F(DemandByHttpTest, AStreamOfWhatRestsBeginsWithAFreshPicture) {
  serve();
  rest(VideoCodec::mjpeg);
  auto client = ask("/stream/cam");
  turn_until(loop_, [&] { return source_.now; });
  cam_.push(fake::picture(7));
  turn_until(loop_, [&] { return client.has("X-Sequence: 7"); });
  EXPECT_EQ(client.count("X-Sequence:"), 1U);
  client.close();
  turn_until(loop_, [&] { return !source_.now; });
}

TEST_F(DemandByHttpTest, AStreamMayGoWhileARequestWaitsForIt) {
  serve();
  cam_.set_writer(false);
  auto still = ask("/snapshot/cam");
  auto live = ask("/stream/cam");
  turn_until(loop_, [&] { return cam_.client_count() == 2; });
  cam_.set_source(nullptr);
  hub_.remove(cam_, "its ring is gone");
  turn_until(loop_, [&] { return still.ended() && live.ended(); });
  EXPECT_TRUE(still.has("cam: the input ended: its ring is gone"));
  EXPECT_TRUE(live.has("503"));
}

TEST(DemandByRtsp, ADescribeThatWaitsWantsFrames) {
  test::Fixture fixture;
  Source source;
  fixture.cam.set_source(&source);
  test::Player player(fixture);
  player.send("DESCRIBE " + player.url() + " RTSP/1.0\r\nCSeq: 1\r\n\r\n");
  ASSERT_TRUE(fixture.until([&] { return source.now; }));
  fixture.start();
  fixture.push_gop(1);
  fixture.pass(std::chrono::milliseconds(50));  // looked at again
  EXPECT_EQ(player.reply().status, 200);
  EXPECT_FALSE(source.now);
  fixture.cam.set_source(nullptr);
}

TEST(DemandByRtsp, APlayerWantsFramesWhileItPlays) {
  test::Fixture fixture;
  fixture.age_ns = kSecond;
  fixture.start();
  Source source;
  fixture.cam.set_source(&source);
  fixture.push_gop(2);
  test::Player player(fixture);
  player.play_tcp();
  EXPECT_TRUE(source.now);
  EXPECT_EQ(source.keyframes, 1);
  player.ask("PAUSE", player.url() + "/", "Session: " + player.session + "\r\n");
  EXPECT_FALSE(source.now);
  player.ask("PLAY", player.url() + "/", "Session: " + player.session + "\r\n");
  EXPECT_TRUE(source.now);
  player.hang_up();
  EXPECT_TRUE(fixture.until([&] { return !source.now; }));
  fixture.cam.set_source(nullptr);
}

TEST(DemandByRtsp, SoundOfAnotherStreamIsWantedByWhoHearsIt) {
  test::Fixture fixture;
  hub::Stream& voice = fixture.hub.add_stream("cam", "");
  Source source;
  voice.set_source(&source);
  voice.set_format(fake::with_audio(fake::format(VideoCodec::mjpeg)));
  fixture.start();
  fixture.push_gop(2);
  test::Player silent(fixture);
  silent.play_tcp();
  EXPECT_FALSE(source.now);
  const std::string transport = "Transport: RTP/AVP/TCP;unicast;interleaved=";
  test::Player hearing(fixture);
  const auto setup = hearing.ask("SETUP", hearing.url() + "/trackID=0", transport + "0-1\r\n");
  const std::string session =
      "Session: " + setup.header("Session").substr(0, setup.header("Session").find(';')) + "\r\n";
  ASSERT_EQ(hearing.ask("SETUP", hearing.url() + "/trackID=1", transport + "2-3\r\n" + session).status, 200);
  ASSERT_EQ(hearing.ask("PLAY", hearing.url() + "/", session).status, 200);
  EXPECT_TRUE(source.now);
  ASSERT_EQ(hearing.ask("TEARDOWN", hearing.url() + "/", session).status, 200);
  EXPECT_FALSE(source.now);
  voice.set_source(nullptr);
}

}  // namespace
}  // namespace campipe::serve
