// Where a player begins, by --join, and what RTP-Info says of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rtp/jpeg_image.hpp"
#include "serve/fake_media.hpp"
#include "serve/rtsp/harness.hpp"

namespace campipe::serve {
namespace {

using std::chrono::milliseconds;
using test::frames_of;
using test::Player;
using test::Received;
using test::Reply;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kForEverMs = 600'000;

/// Ten frames that came a second ago, of an input that can be asked, and what joins there.
struct Joined {
  explicit Joined(rtp::Join join, std::int64_t wait_ms = kForEverMs)
      : fixture({.sessions = {.session = {.join = join, .idr_wait_ms = wait_ms}}}) {
    fixture.age_ns = kSecond;
    fixture.cam.set_source(&source);
    fixture.cam.set_writer(true);
    fixture.start();
    fixture.push_gop(10);
  }
  ~Joined() { fixture.cam.set_source(nullptr); }

  std::string info() const { return player().play_reply.header("RTP-Info"); }
  Player& player() const { return *player_; }
  void play() {
    player_ = std::make_unique<Player>(fixture);
    player_->play_tcp();
  }
  /// Frames that came, once frame `last` is among them.
  std::vector<int> frames_to(int last) {
    EXPECT_TRUE(fixture.until([&] {
      player_->read_some();
      const auto frames = frames_of(player_->rtp());
      return !frames.empty() && frames.back() == last;
    }));
    return frames_of(player_->rtp());
  }
  bool info_is_of_the_first_packet() const {
    const Received first = player_->rtp().front();
    return info() == "url=" + player_->url("/cam/trackID=0") + ";seq=" + std::to_string(first.u16(2)) +
                         ";rtptime=" + std::to_string(first.u32(4));
  }

  test::Fixture fixture;
  fake::Source source;

private:
  std::unique_ptr<Player> player_;
};

TEST(RtspJoin, IdrBeginsWithTheOneThatWasAskedFor) {
  Joined join(rtp::Join::idr);
  join.play();
  EXPECT_EQ(join.source.keyframes, 1);
  EXPECT_THAT(join.info(), HasSubstr(";seq="));
  EXPECT_THAT(join.info(), Not(HasSubstr("rtptime")));
  join.fixture.push(false);
  join.fixture.push(true);
  join.fixture.push(false);
  EXPECT_THAT(join.frames_to(12), ElementsAre(11, 12));
  EXPECT_THAT(join.info(), HasSubstr(";seq=" + std::to_string(join.player().rtp().front().u16(2))));
}

TEST(RtspJoin, IdrGoesOnWithTheGopWhenNoneComesInTime) {
  Joined join(rtp::Join::idr, 30);
  join.play();
  EXPECT_EQ(join.source.keyframes, 1);
  join.fixture.pass(milliseconds(29));
  join.player().barrier();
  EXPECT_TRUE(join.player().rtp().empty());
  join.fixture.pass(milliseconds(1));
  EXPECT_EQ(join.frames_to(9).front(), 0);
  join.fixture.push(false);
  join.fixture.push(true);  // the answer after all: no reason to begin anew
  EXPECT_THAT(join.frames_to(11), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
  test::expect_contiguous(join.player().rtp());
}

TEST(RtspJoin, IdrThatIsYoungServesAtOnce) {
  Joined join(rtp::Join::idr);
  join.fixture.age_ns = 0;
  join.fixture.push_gop(2);
  join.play();
  EXPECT_EQ(join.source.keyframes, 0);
  EXPECT_THAT(join.frames_to(11), ElementsAre(10, 11));
  EXPECT_TRUE(join.info_is_of_the_first_packet());
}

TEST(RtspJoin, IdrIsTheGopAtOnceWhereNobodyCanBeAsked) {
  for (const bool has_source : {false, true}) {
    Joined join(rtp::Join::idr);
    join.fixture.cam.set_writer(false);
    if (!has_source) join.fixture.cam.set_source(nullptr);
    join.play();
    EXPECT_EQ(join.frames_to(9).front(), 0) << has_source;
    EXPECT_TRUE(join.info_is_of_the_first_packet()) << has_source;
  }
}

TEST(RtspJoin, GopBeginsAtOnceAndAsksNobody) {
  Joined join(rtp::Join::gop);
  join.play();
  EXPECT_EQ(join.source.keyframes, 0);
  EXPECT_EQ(join.frames_to(9).front(), 0);
  EXPECT_TRUE(join.info_is_of_the_first_packet());
}

TEST(RtspJoin, WaitBeginsWithTheNextAndAsksNobody) {
  Joined join(rtp::Join::wait, 0);
  join.play();
  EXPECT_EQ(join.source.keyframes, 0);
  EXPECT_THAT(join.info(), Not(HasSubstr("rtptime")));
  join.fixture.push(false);
  join.fixture.push(true);
  EXPECT_THAT(join.frames_to(11), ElementsAre(11));
}

TEST(RtspJoin, JpegBeginsWithTheNewestPictureInEveryWay) {
  for (const rtp::Join way : {rtp::Join::idr, rtp::Join::gop, rtp::Join::wait}) {
    Joined join(way);
    media::StreamFormat format = test::Fixture::h264();
    format.video.codec = media::VideoCodec::mjpeg;
    join.fixture.cam.set_format(format);
    media::Packet picture;
    picture.keyframe = true;
    for (const int last : {1, 2}) {
      campipe::rtp::test::JpegImage image;
      image.scan = campipe::rtp::test::noise(500, static_cast<unsigned>(last));
      picture.payload = media::Payload::from(image.make());
      join.fixture.cam.push(picture, join.fixture.cam.now_ns() - join.fixture.age_ns);
    }
    join.play();
    ASSERT_TRUE(join.player().wait_packets(1));
    EXPECT_EQ(join.source.keyframes, 0);
    EXPECT_EQ(join.player().rtp().front().bytes.back(), campipe::rtp::test::noise(500, 2).back());
  }
}

TEST(RtspJoin, WhatRestedIsWokenAndNothingOldIsShown) {
  for (const rtp::Join way : {rtp::Join::idr, rtp::Join::gop, rtp::Join::wait}) {
    Joined join(way, 0);
    join.fixture.age_ns = 3600 * kSecond;
    join.fixture.push_gop(3);
    join.play();
    EXPECT_EQ(join.source.keyframes, 1);
    EXPECT_TRUE(join.source.now);
    join.fixture.age_ns = 0;
    join.fixture.push(false);
    join.fixture.push(true);
    EXPECT_THAT(join.frames_to(14), ElementsAre(14));
  }
}

TEST(RtspJoin, PauseWhileItWaitsForTheIdrEndsTheWaiting) {
  Joined join(rtp::Join::idr, 30);
  join.play();
  const std::string session = "Session: " + join.player().session + "\r\n";
  EXPECT_EQ(join.player().ask("PAUSE", join.player().url(), session).status, 200);
  join.fixture.pass(milliseconds(60));
  join.player().barrier();
  EXPECT_TRUE(join.player().rtp().empty());
  join.fixture.age_ns = 0;
  join.fixture.push(true);
  EXPECT_EQ(join.player().ask("PLAY", join.player().url(), session).status, 200);
  EXPECT_THAT(join.frames_to(10), ElementsAre(10));
}

TEST(RtspJoin, ParameterSetsThatAreKnownOnlyFromTheFormatComeFirst) {
  Joined join(rtp::Join::idr);
  join.play();
  media::Packet bare;
  bare.keyframe = true;
  bare.payload = media::Payload::from(test::annex_b({test::nal({0x65, 0, 77}, 50)}));
  join.fixture.cam.push(bare);
  ASSERT_TRUE(join.player().wait_packets(2));
  const auto packets = join.player().rtp();
  EXPECT_EQ(std::to_integer<int>(packets[0].bytes[12]) & 31, 24);  // STAP-A
  EXPECT_EQ(std::to_integer<int>(packets[0].bytes[15]), 0x67);
  EXPECT_EQ(packets[0].u32(4), packets[1].u32(4));
  EXPECT_EQ(packets[1].nal_type(), 5);
}

TEST(RtspJoin, ParameterSetsThatChangedBetweenSetupAndPlayAreTheNewOnes) {
  Joined join(rtp::Join::wait);
  Player player(join.fixture);
  const Reply setup = player.ask("SETUP", player.url("/cam/trackID=0"), "Transport: RTP/AVP/TCP;unicast\r\n");
  media::StreamFormat format = test::Fixture::h264();
  format.video.parameter_sets.back() = std::byte{0x77};
  join.fixture.cam.set_format(format);
  const std::string session = "Session: " + setup.header("Session").substr(0, 16) + "\r\n";
  EXPECT_EQ(player.ask("PLAY", player.url(), session).status, 200);
  media::Packet bare;
  bare.keyframe = true;
  bare.payload = media::Payload::from(test::annex_b({test::nal({0x65, 0, 77}, 50)}));
  join.fixture.cam.push(bare);
  ASSERT_TRUE(player.wait_packets(2));
  EXPECT_EQ(player.rtp().front().bytes.back(), std::byte{0x77});
}

struct WithSound : ::testing::Test {
  test::Fixture fixture;
  Player player{fixture};
  Reply played;

  WithSound() {
    media::StreamFormat format = test::Fixture::h264();
    format.audio = media::AudioFormat{media::AudioCodec::pcm_mulaw, 8000, 1, {}};
    fixture.cam.set_format(format);
  }
  void sound(std::int64_t pts_us) {
    media::Packet packet;
    packet.track = media::Track::audio;
    packet.pts_us = pts_us;
    packet.payload = media::Payload::from(campipe::rtp::test::noise(160));
    fixture.cam.push(packet);
  }
  void play(const std::vector<int>& tracks) {
    std::string session;
    for (const int track : tracks) {
      const std::string channels = std::to_string(2 * track) + "-" + std::to_string(2 * track + 1);
      const Reply setup = player.ask("SETUP", player.url("/cam/trackID=" + std::to_string(track)),
                                     session + "Transport: RTP/AVP/TCP;interleaved=" + channels + "\r\n");
      session = "Session: " + setup.header("Session").substr(0, 16) + "\r\n";
    }
    played = player.ask("PLAY", player.url(), session);
  }
  std::string told(int track, const Received& first) const {
    return "url=" + player.url("/cam/trackID=" + std::to_string(track)) + ";seq=" + std::to_string(first.u16(2)) +
           ";rtptime=" + std::to_string(first.u32(4));
  }
};

TEST_F(WithSound, RtpInfoTellsTheFirstPacketOfEachTrackThatIsReallySent) {
  const std::int64_t at_us = fixture.pts_us;
  sound(at_us - 20'000);
  fixture.push(true, 100);
  sound(at_us + 5'000);
  sound(at_us + 25'000);
  play({0, 1});
  ASSERT_TRUE(fixture.until([&] { return player.read_some(), player.on_channel(2).size() == 2; }));
  EXPECT_EQ(played.header("RTP-Info"), told(0, player.rtp()[0]) + "," + told(1, player.on_channel(2)[0]));
  EXPECT_EQ(player.on_channel(2)[1].u32(4) - player.on_channel(2)[0].u32(4), 160U);
}

TEST_F(WithSound, RtpInfoIsSilentOfTheTimeOfSoundThatIsStillToCome) {
  sound(fixture.pts_us - 20'000);
  fixture.push(true, 100);
  play({0, 1});
  ASSERT_TRUE(player.wait_packets(2));
  const std::string info = played.header("RTP-Info");
  EXPECT_THAT(info, ::testing::StartsWith(told(0, player.rtp()[0]) + ",url="));
  EXPECT_THAT(info.substr(info.find(',')), Not(HasSubstr("rtptime")));
}

TEST_F(WithSound, SoundAloneCanBePlayed) {
  fixture.push(true, 100);
  sound(fixture.pts_us);
  play({1});
  ASSERT_TRUE(fixture.until([&] { return player.read_some(), player.on_channel(2).size() == 1; }));
  EXPECT_EQ(played.header("RTP-Info"), told(1, player.on_channel(2)[0]));
  EXPECT_TRUE(player.rtp().empty());
}

}  // namespace
}  // namespace campipe::serve
