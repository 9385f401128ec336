// What is sent to whom and when, over real sockets in one thread.
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rtp/rtcp.hpp"
#include "serve/rtsp/harness.hpp"

namespace campipe::serve {
namespace {

using std::chrono::milliseconds;
using test::Bytes;
using test::expect_contiguous;
using test::Fixture;
using test::frames_of;
using test::Player;
using test::Received;
using test::Reply;
using ::testing::HasSubstr;

/// The number of the newest frame that began to come; -1 before the first.
int newest(const Player& player) {
  const std::vector<int> frames = frames_of(player.rtp());
  return frames.empty() ? -1 : frames.back();
}

TEST(RtspStreaming, BeginsAtTheNewestIdrWithItsParameterSets) {
  Fixture fixture;
  fixture.start();
  fixture.push_gop(10);
  fixture.push_gop(4);
  Player player(fixture);
  player.play_tcp();
  ASSERT_TRUE(player.wait_packets(1 + 3 + 3 * 3));
  const auto packets = player.rtp();
  EXPECT_EQ(std::to_integer<int>(packets[0].bytes[12]) & 31, 24);  // STAP-A of SPS and PPS
  EXPECT_EQ(packets[1].nal_type(), 5);
  EXPECT_EQ(frames_of(packets), (std::vector<int>{10, 11, 12, 13}));
}

TEST(RtspStreaming, WaitsForAnIdrWhenThereIsNone) {
  Fixture fixture;
  fixture.start();
  Player player(fixture);
  player.play_tcp();
  EXPECT_EQ(player.play_reply.status, 200);
  EXPECT_THAT(player.play_reply.header("RTP-Info"), ::testing::Not(HasSubstr("rtptime")));
  fixture.push(false);
  fixture.push(false);
  fixture.push(true);
  ASSERT_TRUE(player.wait_packets(2));
  EXPECT_EQ(frames_of(player.rtp()).front(), 2);
}

TEST(RtspStreaming, ReportsAreRepeated) {
  Fixture fixture({.sessions = {.session = {.report_interval_ms = 500}}});
  fixture.start();
  fixture.push(true);
  Player player(fixture);
  player.play_tcp();
  fixture.pass(milliseconds(10'000));  // looked at each second
  player.barrier();
  EXPECT_EQ(player.rtcp().size(), 11U);
}

TEST(RtspStreaming, TwoPlayersHaveIdentitiesOfTheirOwnAndTheSamePackets) {
  Fixture fixture;
  fixture.start();
  Player a(fixture), b(fixture);
  a.play_tcp();
  b.play_tcp();
  fixture.push_gop(5);
  ASSERT_TRUE(a.wait_packets(16) && b.wait_packets(16));
  EXPECT_NE(a.rtp()[0].u32(8), b.rtp()[0].u32(8));
  EXPECT_NE(a.session, b.session);
  for (std::size_t i = 0; i < 16; ++i) {
    EXPECT_TRUE(std::ranges::equal(std::span(a.rtp()[i].bytes).subspan(12), std::span(b.rtp()[i].bytes).subspan(12)));
  }
}

TEST(RtspStreaming, PauseStopsAndPlayGoesOnAtAnIdrWithoutASequenceGap) {
  Fixture fixture;
  fixture.start();
  fixture.push_gop(3);
  Player player(fixture);
  const std::string session = "Session: " + player.play_tcp() + "\r\n";
  ASSERT_TRUE(player.wait_packets(10));
  EXPECT_EQ(player.ask("PAUSE", player.url(), session).status, 200);
  const std::size_t before = player.rtp().size();
  fixture.push_gop(4);
  player.barrier();
  EXPECT_EQ(player.rtp().size(), before);
  fixture.push_gop(2);
  const Reply again = player.ask("PLAY", player.url(), session);
  EXPECT_EQ(again.status, 200);
  ASSERT_TRUE(player.wait_packets(before + 7));
  expect_contiguous(player.rtp());
  EXPECT_THAT(again.header("RTP-Info"), HasSubstr(";seq=" + std::to_string(player.rtp()[before].u16(2)) + ";"));
  EXPECT_EQ(frames_of(player.rtp())[3], 7);
}

TEST(RtspStreaming, SlowPlayerSkipsToAnIdrWithoutASequenceGapAndGoodOnesLoseNothing) {
  Fixture fixture({.sessions = {.session = {.lag = {.max_lag_us = 300'000}}, .stuck_ms = 300'000}});  // slow, not stuck
  fixture.start();
  fixture.push(true, 20'000);
  Player good(fixture), slow(fixture);
  good.play_tcp();
  slow.play_tcp();
  constexpr int kGop = 10;
  for (int i = 1; i < 300; ++i) {
    fixture.push(i % kGop == 0, 20'000);
    ASSERT_TRUE(fixture.until([&] {
      return good.read_some(), frames_of(good.rtp()).size() == static_cast<std::size_t>(i + 1);
    })) << i;
  }
  std::vector<int> all(300);
  for (int i = 0; i < 300; ++i) all[static_cast<std::size_t>(i)] = i;
  EXPECT_EQ(frames_of(good.rtp()), all);
  ASSERT_TRUE(fixture.until([&] {
    slow.read_some();
    const auto f = frames_of(slow.rtp());
    return !f.empty() && f.back() == 299;
  }));
  const std::vector<int> got = frames_of(slow.rtp());
  EXPECT_LT(got.size(), 200U);
  expect_contiguous(slow.rtp());
  for (std::size_t i = 1; i < got.size(); ++i) {  // a frame follows its predecessor, or is an IDR
    EXPECT_TRUE(got[i] == got[i - 1] + 1 || got[i] % kGop == 0) << got[i - 1] << " " << got[i];
  }
  // Both have the same packets, but for the headers, which are each one's own to the last.
  std::set<Bytes> payloads;
  for (const Received& one : good.rtp()) payloads.emplace(one.bytes.begin() + 12, one.bytes.end());
  const std::vector<Received> came = slow.rtp();
  for (const Received& one : came) {
    ASSERT_EQ(one.u32(8), came.front().u32(8));
    ASSERT_TRUE(payloads.contains(Bytes(one.bytes.begin() + 12, one.bytes.end())));
  }
}

TEST(RtspStreaming, PlayerThatNeverReadsIsClosedAndCounted) {
  Fixture fixture({.sessions = {.stuck_ms = 3000}});
  fixture.start();
  fixture.push(true);
  Player player(fixture), good(fixture);
  player.play_tcp();
  good.play_tcp();
  for (int i = 1; i < 200; ++i) {
    fixture.push(i % 10 == 0, 50'000);
    ASSERT_TRUE(fixture.until([&] { return good.read_some(), good.rtp().back().marker() && newest(good) == i; }));
  }
  fixture.pass(milliseconds(3000));
  EXPECT_EQ(fixture.server.session_count(), 2U) << "it has as long as this";
  fixture.pass(milliseconds(1000));
  EXPECT_EQ(fixture.server.session_count(), 1U);
  EXPECT_EQ(fixture.server.connection_count(), 1U);
  fixture.push(true);
  EXPECT_TRUE(fixture.until([&] { return good.read_some(), newest(good) == 200; }));
  EXPECT_EQ(fixture.hub.counters().at(R"(clients_closed_total{protocol="rtsp-tcp",reason="stuck"})"), 1U);
}

TEST(RtspStreaming, NewParameterSetsOfTheSameSizeGoOnInBand) {
  Fixture fixture;
  fixture.start();
  fixture.push_gop(2);
  Player player(fixture);
  player.play_tcp();
  media::StreamFormat format = Fixture::h264();
  format.video.parameter_sets.back() = std::byte{0x77};
  fixture.cam.set_format(format);
  fixture.push_gop(2);
  ASSERT_TRUE(player.wait_packets(14));
  expect_contiguous(player.rtp());
  EXPECT_EQ(frames_of(player.rtp()), (std::vector<int>{0, 1, 2, 3}));
  Player late(fixture);
  EXPECT_THAT(late.ask("DESCRIBE", late.url()).body, HasSubstr(" 2 IN IP4 127.0.0.1\r\n"));  // the SDP's version
}

TEST(RtspStreaming, AnotherSizeEndsPlayersWithGoodbye) {
  Fixture fixture;
  fixture.start();
  fixture.push_gop(2);
  Player player(fixture);
  player.play_tcp();
  ASSERT_TRUE(player.wait_packets(7));
  fixture.start({1280, 720});
  EXPECT_TRUE(player.wait_closed());
  const auto info = campipe::rtp::parse_rtcp(player.rtcp().back().bytes);
  ASSERT_TRUE(info.has_value());
  EXPECT_TRUE(info->goodbye);
  EXPECT_EQ(fixture.server.session_count(), 0U);
}

TEST(RtspStreaming, EndOfTheStreamEndsPlayersAfterTheLastFrame) {
  Fixture fixture;
  fixture.start();
  Player player(fixture);
  player.play_tcp();
  fixture.push_gop(100, 30'000);
  fixture.cam.end("end of input");
  EXPECT_TRUE(player.wait_closed());
  EXPECT_EQ(frames_of(player.rtp()).back(), 99);
  EXPECT_TRUE(campipe::rtp::parse_rtcp(player.rtcp().back().bytes)->goodbye);
  Player late(fixture);
  EXPECT_EQ(late.ask("DESCRIBE", late.url()).status, 404);
}

TEST(RtspStreaming, AudioGoesOnItsOwnTrackAfterTheFirstPicture) {
  Fixture fixture;
  media::StreamFormat format = Fixture::h264();
  format.audio = media::AudioFormat{media::AudioCodec::pcm_mulaw, 8000, 1, {}};
  fixture.cam.set_format(format);
  Player player(fixture);
  const Reply setup = player.ask("SETUP", player.url("/cam/trackID=0"), "Transport: RTP/AVP/TCP;interleaved=0-1\r\n");
  const std::string session = "Session: " + setup.header("Session").substr(0, 16) + "\r\n";
  EXPECT_EQ(
      player.ask("SETUP", player.url("/cam/trackID=1"), session + "Transport: RTP/AVP/TCP;interleaved=4-5\r\n").status,
      200);
  const auto audio = [&] {
    media::Packet packet;
    packet.track = media::Track::audio;
    packet.pts_us = fixture.pts_us;
    packet.payload = media::Payload::from(campipe::rtp::test::noise(160));
    fixture.cam.push(packet);
  };
  audio();
  fixture.pts_us += 33'333;
  EXPECT_EQ(player.ask("PLAY", player.url(), session).status, 200);
  fixture.push(true, 100);
  audio();
  audio();
  ASSERT_TRUE(fixture.until(
      [&] { return player.read_some(), player.on_channel(4).size() == 2 && !player.on_channel(5).empty(); }));
  EXPECT_EQ(player.rtp().size(), 2U);
  EXPECT_EQ(player.on_channel(4)[0].u16(0) & 0x7F, 0U);  // PCMU
}

/// A second input of "cam" with sound: MJPEG, which is not what players get by default.
struct SoundInput {
  explicit SoundInput(Fixture& fixture) : fixture_(fixture), stream_(fixture.hub.add_stream("cam", "")) {}
  void start() {
    media::StreamFormat format;
    format.video.codec = media::VideoCodec::mjpeg;
    format.video.size = {640, 360};
    format.audio = media::AudioFormat{media::AudioCodec::pcm_mulaw, 8000, 1, {}};
    stream_.set_format(format);
  }
  void push() {
    media::Packet packet;
    packet.track = media::Track::audio;
    packet.pts_us = fixture_.pts_us;
    packet.payload = media::Payload::from(campipe::rtp::test::noise(160));
    stream_.push(packet);
  }
  void end() { stream_.end("end of input"); }

private:
  Fixture& fixture_;
  hub::Stream& stream_;
};

TEST(RtspStreaming, AudioOfAnotherInputOfTheNameGoesAlong) {
  Fixture fixture;
  SoundInput sound(fixture);
  fixture.start();
  sound.start();
  Player player(fixture);
  const std::string sdp = player.ask("DESCRIBE", player.url()).body;
  EXPECT_THAT(sdp, HasSubstr("H264/90000"));
  EXPECT_THAT(sdp, HasSubstr("m=audio 0 RTP/AVP 0\r\n"));
  const Reply setup = player.ask("SETUP", player.url("/cam/trackID=0"), "Transport: RTP/AVP/TCP;interleaved=0-1\r\n");
  const std::string session = "Session: " + setup.header("Session").substr(0, 16) + "\r\n";
  player.ask("SETUP", player.url("/cam/trackID=1"), session + "Transport: RTP/AVP/TCP;interleaved=4-5\r\n");
  EXPECT_EQ(player.ask("PLAY", player.url(), session).status, 200);
  fixture.push(true, 100);
  sound.push();
  sound.push();
  ASSERT_TRUE(fixture.until([&] { return player.read_some(), player.on_channel(4).size() == 2; }));
  sound.end();
  fixture.push(false, 100);
  ASSERT_TRUE(player.wait_packets(3)) << "the pictures go on";
  EXPECT_FALSE(player.closed);
  Player late(fixture);
  EXPECT_THAT(late.ask("DESCRIBE", late.url()).body, Not(HasSubstr("m=audio")));
}

TEST(RtspStreaming, AudioThatTurnsUpLaterDisturbsNobody) {
  Fixture fixture;
  SoundInput sound(fixture);
  fixture.start();
  fixture.push(true, 100);
  Player player(fixture);
  player.play_tcp();
  ASSERT_TRUE(player.wait_packets(2));
  sound.start();
  sound.push();
  fixture.push(false, 100);
  ASSERT_TRUE(player.wait_packets(3));
  EXPECT_FALSE(player.closed);
  EXPECT_EQ(frames_of(player.rtp()), (std::vector<int>{0, 1}));
  Player late(fixture);
  EXPECT_THAT(late.ask("DESCRIBE", late.url()).body, HasSubstr("m=audio"));
}

TEST(RtspStreaming, SilentSessionsTimeOutAndIdleConnectionsToo) {
  Fixture fixture({.sessions = {.timeout_ms = 3000}});
  fixture.start();
  fixture.push(true);
  Player half(fixture);
  EXPECT_EQ(
      half.ask("SETUP", half.url("/cam/trackID=0"), "Transport: RTP/AVP;unicast;client_port=55000-55001\r\n").status,
      200);
  fixture.pass(milliseconds(3000));
  EXPECT_EQ(fixture.server.session_count(), 1U);
  fixture.pass(milliseconds(1000));
  EXPECT_EQ(fixture.server.session_count(), 0U);
  fixture.pass(milliseconds(1000));
  EXPECT_TRUE(half.wait_closed());
}

TEST(RtspStreaming, PlayingOverTcpNeedsNoSignOfLife) {
  Fixture fixture({.sessions = {.timeout_ms = 3000}});
  fixture.start();
  fixture.push(true);
  Player player(fixture);
  player.play_tcp();
  fixture.pass(std::chrono::minutes(10));
  EXPECT_EQ(fixture.server.session_count(), 1U);
  fixture.push(false);
  ASSERT_TRUE(fixture.until([&] { return player.read_some(), frames_of(player.rtp()).size() == 2 || player.closed; }));
  EXPECT_FALSE(player.closed);
}

TEST(RtspStreaming, SessionEndsWithItsConnection) {
  Fixture fixture;
  fixture.start();
  fixture.push(true);
  Player player(fixture);
  player.play_tcp();
  player.hang_up();
  EXPECT_TRUE(
      fixture.until([&] { return fixture.server.session_count() == 0 && fixture.server.connection_count() == 0; }));
  EXPECT_EQ(fixture.cam.client_count(), 0U);
}

}  // namespace
}  // namespace campipe::serve
