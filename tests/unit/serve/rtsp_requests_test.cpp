// Requests and answers, each named after what players need of it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/rtsp_harness.hpp"

namespace campipe::serve {
namespace {

using test::Fixture;
using test::Player;
using test::Reply;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

const std::string kTcp = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n";

struct RtspRequestsTest : ::testing::Test {
  Fixture fixture;
  Player player{fixture};

  void SetUp() override {
    fixture.start();
    fixture.push_gop(3);
  }
  std::string session_of(const Reply& reply) {
    return "Session: " + reply.header("Session").substr(0, reply.header("Session").find(';')) + "\r\n";
  }
};

TEST_F(RtspRequestsTest, OptionsAnswersForAnyUrlWithoutASession) {
  for (const std::string& url : {std::string("*"), player.url(), player.url("/nosuch"), player.url("/")}) {
    const Reply reply = player.ask("OPTIONS", url);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.header("Public"), "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN");
  }
}

TEST_F(RtspRequestsTest, UnknownSessionIs454ForEveryMethod) {
  for (const char* method :
       {"OPTIONS", "DESCRIBE", "SETUP", "PLAY", "PAUSE", "GET_PARAMETER", "SET_PARAMETER", "TEARDOWN"}) {
    EXPECT_EQ(player.ask(method, player.url(), "Session: 0123456789abcdef\r\n" + kTcp).status, 454) << method;
  }
}

TEST_F(RtspRequestsTest, KeepalivesOfAllPlayersAre200WithAnEmptyBody) {
  const std::string session = session_of(player.ask("SETUP", player.url("/cam/trackID=0"), kTcp));
  for (const char* method : {"GET_PARAMETER", "SET_PARAMETER", "OPTIONS"}) {
    for (const std::string& body : {std::string(), std::string(1, '\0'), std::string("\r\n")}) {
      const Reply reply = player.ask(method, player.url(), session, body);
      EXPECT_EQ(reply.status, 200) << method;
      EXPECT_NE(reply.header("CSeq"), "");
      EXPECT_NE(reply.header("Session"), "");
      EXPECT_EQ(reply.body, "");
    }
  }
  EXPECT_EQ(player.ask("GET_PARAMETER", player.url(), session, "packets_received\r\n").status, 451);
}

TEST_F(RtspRequestsTest, SessionHeaderHasNoBlankAndNoDashAndIsTheSameInAllReplies) {
  const Reply setup = player.ask("SETUP", player.url("/cam/trackID=0"), kTcp);
  const std::string header = setup.header("Session");
  EXPECT_THAT(header, MatchesRegex("[0-9a-zA-Z]+;timeout=60"));
  for (const char* method : {"PLAY", "GET_PARAMETER", "PAUSE", "TEARDOWN"}) {
    EXPECT_EQ(player.ask(method, player.url(), session_of(setup)).header("Session"), header) << method;
  }
}

TEST_F(RtspRequestsTest, DescribeGivesABaseThatTracksCanBeJoinedTo) {
  for (const std::string& path : {std::string("/cam"), std::string("/cam/"), std::string("/cam?codec=h264")}) {
    const Reply reply = player.ask("DESCRIBE", player.url(path), "Accept: application/sdp\r\n");
    ASSERT_EQ(reply.status, 200) << path;
    EXPECT_THAT(reply.header("Content-Base"), StartsWith(player.url("/cam")));
    EXPECT_THAT(reply.header("Content-Base"), EndsWith("/"));
    EXPECT_EQ(reply.header("Content-Type"), "application/sdp");
    EXPECT_THAT(reply.body, StartsWith("v=0\r\n"));
    EXPECT_THAT(reply.body, HasSubstr("a=control:trackID=0\r\n"));
    EXPECT_THAT(reply.body, HasSubstr("profile-level-id=42C01E;sprop-parameter-sets=Z0LAHtkB,aMuDyw=="));
  }
}

TEST_F(RtspRequestsTest, TrackIsSetUpHoweverPlayersJoinItsUrl) {
  for (const std::string& path : {std::string("/cam/trackID=0"), std::string("/cam/trackID=0?codec=h264"),
                                  std::string("/cam?codec=h264/trackID=0"), std::string("/cam")}) {
    Player one(fixture);
    EXPECT_EQ(one.ask("SETUP", one.url(path), kTcp).status, 200) << path;
  }
}

TEST_F(RtspRequestsTest, TrackWithoutItsStreamIsACleanNotFound) {
  EXPECT_EQ(player.ask("SETUP", player.url("/trackID=0"), kTcp).status, 404);
  EXPECT_EQ(player.ask("SETUP", player.url("/cam/trackID=1"), kTcp).status, 404);
  EXPECT_EQ(player.ask("SETUP", player.url("/cam/trackID=0"), kTcp).status, 200);
}

TEST_F(RtspRequestsTest, PlayAndPauseAndTeardownTakeTheBaseTheSlashAndTheTrack) {
  for (const std::string& path : {std::string("/cam"), std::string("/cam/"), std::string("/cam/trackID=0")}) {
    Player one(fixture);
    const std::string session = session_of(one.ask("SETUP", one.url("/cam/trackID=0"), kTcp));
    for (const char* method : {"PLAY", "PAUSE", "PLAY", "GET_PARAMETER", "TEARDOWN"}) {
      EXPECT_EQ(one.ask(method, one.url(path), session).status, 200) << method << " " << path;
    }
    EXPECT_EQ(one.ask("PLAY", one.url(path), session).status, 454);
  }
}

TEST_F(RtspRequestsTest, EmptyPathAndUnknownStreamAreNotFoundAndTheConnectionStays) {
  for (const std::string& path : {std::string(""), std::string("/"), std::string("/nosuch"), std::string("/cam/nosuch"),
                                  std::string("/cam?codec=h265")}) {
    EXPECT_EQ(player.ask("DESCRIBE", player.url(path)).status, 404) << path;
    EXPECT_EQ(player.ask("SETUP", player.url(path), kTcp).status, 404) << path;
  }
  EXPECT_THAT(player.ask("DESCRIBE", player.url("/nosuch")).line, HasSubstr("there is cam"));
  EXPECT_EQ(player.ask("DESCRIBE", player.url()).status, 200);
}

TEST_F(RtspRequestsTest, DescribeWaitsForTheFirstKeyframe) {
  Stream& late = fixture.hub.add_stream("late", "");
  player.send("DESCRIBE " + player.url("/late") + " RTSP/1.0\r\nCSeq: 9\r\n\r\nOPTIONS * RTSP/1.0\r\nCSeq: 10\r\n\r\n");
  fixture.until([] { return false; }, std::chrono::milliseconds(100));
  player.read_some();
  EXPECT_TRUE(player.replies.empty());
  late.set_format(Fixture::h264({640, 360}, false));
  media::Packet packet;
  packet.keyframe = true;
  packet.payload = media::Payload::from(test::annex_b({test::kSps, test::kPps, test::nal({0x65}, 50)}));
  late.push(packet);
  const Reply reply = player.reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("CSeq"), "9");
  EXPECT_THAT(reply.body, HasSubstr("sprop-parameter-sets=Z0LAHtkB"));
  EXPECT_EQ(player.reply().header("CSeq"), "10");
}

TEST(RtspDescribe, GivesUpOnAStreamThatNeverComes) {
  Fixture fixture({.describe_wait_ms = 100});
  Player player(fixture);
  EXPECT_EQ(player.ask("DESCRIBE", player.url()).status, 404);
  EXPECT_EQ(player.ask("OPTIONS", "*").status, 200);
}

TEST_F(RtspRequestsTest, StrayHttpRequestIsAnsweredInItsLanguageAndClosed) {
  player.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(player.wait_closed());
  ASSERT_EQ(player.replies.size(), 1U);
  EXPECT_THAT(player.replies[0].line, StartsWith("HTTP/1.1 501"));
}

TEST_F(RtspRequestsTest, UnsupportedTransportIs461AndTheConnectionGoesOn) {
  for (const char* transport :
       {"RTP/AVP;multicast", "RTP/SAVP;unicast;client_port=5000-5001", "RTP/AVP;unicast", "RAW/RAW/UDP;unicast"}) {
    EXPECT_EQ(player.ask("SETUP", player.url("/cam/trackID=0"), std::string("Transport: ") + transport + "\r\n").status,
              461)
        << transport;
  }
  EXPECT_EQ(player.ask("SETUP", player.url("/cam/trackID=0")).status, 400);
  EXPECT_EQ(player.ask("SETUP", player.url("/cam/trackID=0"), kTcp).status, 200);
}

TEST_F(RtspRequestsTest, ReplyHasExactlyTheTransportThatWasAskedFor) {
  struct Case {
    const char* asked;
    const char* expected;
  };
  for (const Case& one :
       {Case{"RTP/AVP/TCP;unicast;interleaved=0-1", "RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=[0-9A-F]+"},
        Case{"RTP/AVP/TCP;unicast;interleaved=1-2", "RTP/AVP/TCP;unicast;interleaved=1-2;ssrc=[0-9A-F]+"},
        Case{"RTP/AVP/TCP;unicast", "RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=[0-9A-F]+"},
        Case{"RTP/AVP/UDP;unicast;client_port=51000-51001",
             "RTP/AVP/UDP;unicast;client_port=51000-51001;server_port=[0-9]*[02468]-[0-9]*[13579];ssrc=[0-9A-F]+"},
        Case{"RTP/AVP;multicast,RTP/AVP;unicast;client_port=51002-51003",
             "RTP/AVP;unicast;client_port=51002-51003;server_port=[0-9]+-[0-9]+;ssrc=[0-9A-F]+"}}) {
    Player other(fixture);
    const Reply reply =
        other.ask("SETUP", other.url("/cam/trackID=0"), std::string("Transport: ") + one.asked + "\r\n");
    EXPECT_EQ(reply.status, 200);
    EXPECT_THAT(reply.header("Transport"), MatchesRegex(one.expected)) << one.asked;
  }
}

TEST_F(RtspRequestsTest, TwoSessionsMayNotShareAClientsPort) {
  const std::string udp = "Transport: RTP/AVP;unicast;client_port=52000-52001\r\n";
  Player other(fixture);
  const std::string session = session_of(player.ask("SETUP", player.url("/cam/trackID=0"), udp));
  EXPECT_EQ(other.ask("SETUP", other.url("/cam/trackID=0"), udp).status, 461);
  EXPECT_EQ(player.ask("TEARDOWN", player.url(), session).status, 200);
  EXPECT_EQ(other.ask("SETUP", other.url("/cam/trackID=0"), udp).status, 200);
}

TEST_F(RtspRequestsTest, ATrackThatIsSetUpAgainGivesItsFormerPortsBack) {
  const auto udp = [](int port) {
    return fmt::format("Transport: RTP/AVP;unicast;client_port={}-{}\r\n", port, port + 1);
  };
  const std::string session = session_of(player.ask("SETUP", player.url("/cam/trackID=0"), udp(52'000)));
  EXPECT_EQ(player.ask("SETUP", player.url("/cam/trackID=0"), session + udp(52'002)).status, 200);
  Player other(fixture);
  EXPECT_EQ(other.ask("SETUP", other.url("/cam/trackID=0"), udp(52'002)).status, 461);
  EXPECT_EQ(other.ask("SETUP", other.url("/cam/trackID=0"), udp(52'000)).status, 200);
}

TEST_F(RtspRequestsTest, SecondTrackMayNotTakeTheChannelsOfTheFirst) {
  Stream& av = fixture.hub.add_stream("av", "");
  media::StreamFormat format = Fixture::h264();
  format.audio = media::AudioFormat{media::AudioCodec::pcm_mulaw, 8000, 1, {}};
  av.set_format(format);
  const std::string session = session_of(player.ask("SETUP", player.url("/av/trackID=0"), kTcp));
  EXPECT_EQ(player.ask("SETUP", player.url("/av/trackID=1"), session + kTcp).status, 400);
  EXPECT_EQ(
      player.ask("SETUP", player.url("/av/trackID=1"), session + "Transport: RTP/AVP;unicast;client_port=5000-5001\r\n")
          .status,
      461);
  EXPECT_EQ(player.ask("SETUP", player.url("/cam/trackID=0"), session + kTcp).status, 459);
  const Reply second = player.ask("SETUP", player.url("/av/trackID=1"), session + "Transport: RTP/AVP/TCP;unicast\r\n");
  EXPECT_EQ(second.status, 200);
  EXPECT_THAT(second.header("Transport"), HasSubstr("interleaved=2-3"));
  EXPECT_EQ(player.ask("SETUP", player.url("/av"), kTcp).status, 459);  // which of the two?
}

TEST_F(RtspRequestsTest, PlayTakesEveryRangeAndEvenTwice) {
  const std::string session = session_of(player.ask("SETUP", player.url("/cam/trackID=0"), kTcp));
  for (const char* headers : {"Range: npt=0.000-\r\n", "Range: npt=now-\r\n", "Range: 0.000-\r\n", "", "Scale: 1\r\n",
                              "Range: clock=20260101T000000Z-\r\n"}) {
    const Reply reply = player.ask("PLAY", player.url(), session + headers);
    EXPECT_EQ(reply.status, 200) << headers;
    EXPECT_EQ(reply.header("Range"), "npt=now-");
  }
}

TEST_F(RtspRequestsTest, PlayBeforeSetupIsNotPossible) {
  EXPECT_EQ(player.ask("PLAY", player.url()).status, 454);
  EXPECT_EQ(player.ask("TEARDOWN", player.url()).status, 454);
}

TEST_F(RtspRequestsTest, RequiredOptionIs551AndTheConnectionGoesOn) {
  const Reply reply = player.ask("DESCRIBE", player.url(), "Require: www.onvif.org/ver20/backchannel\r\n");
  EXPECT_EQ(reply.status, 551);
  EXPECT_EQ(reply.header("Unsupported"), "www.onvif.org/ver20/backchannel");
  EXPECT_EQ(player.ask("DESCRIBE", player.url()).status, 200);
}

TEST_F(RtspRequestsTest, UnknownMethodIs501WithItsCSeq) {
  for (const char* method : {"ANNOUNCE", "RECORD", "REDIRECT", "FROBNICATE"}) {
    const Reply reply = player.ask(method, player.url());
    EXPECT_EQ(reply.status, 501) << method;
    EXPECT_NE(reply.header("CSeq"), "");
    EXPECT_NE(reply.header("Public"), "");
  }
}

TEST_F(RtspRequestsTest, CSeqIsEchoedHoweverItWasWritten) {
  player.send("OPTIONS * RTSP/1.0\r\ncseq:    17  \r\n\r\n");
  EXPECT_EQ(player.reply().header("CSeq"), "17");
  player.send("OPTIONS * RTSP/1.0\r\n\r\n");
  EXPECT_EQ(player.reply().status, 400);
  player.send("OPTIONS * RTSP/1.0\r\nCSeq: 18\r\nContent-Length: 999999\r\n\r\n");
  const Reply reply = player.reply();
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(reply.header("CSeq"), "18");
  EXPECT_TRUE(player.wait_closed());
}

TEST_F(RtspRequestsTest, RequestsMayBeCutOrPackedAnyhow) {
  const std::string one = "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n";
  for (const char c : one) player.send(std::string(1, c));
  EXPECT_EQ(player.reply().status, 200);
  player.send(one + one + one);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(player.reply().status, 200);
}

TEST_F(RtspRequestsTest, JunkIsRefusedAndTheConnectionClosed) {
  player.send(std::string("\x80\xC8\x00\x06junk\r\n\r\n", 12));
  EXPECT_EQ(player.reply().status, 400);
  EXPECT_TRUE(player.wait_closed());
  player.hang_up();
  EXPECT_TRUE(fixture.until([&] { return fixture.server.connection_count() == 0; }));
}

TEST_F(RtspRequestsTest, UdpToTcpFallbackOfFfmpegGetsANewSessionOnTheSameConnection) {
  const Reply first =
      player.ask("SETUP", player.url("/cam/trackID=0"), "Transport: RTP/AVP/UDP;unicast;client_port=53000-53001\r\n");
  EXPECT_EQ(player.ask("PLAY", player.url(), session_of(first)).status, 200);
  EXPECT_EQ(player.ask("PAUSE", player.url(), session_of(first)).status, 200);
  const Reply second = player.ask("SETUP", player.url("/cam/trackID=0"), kTcp);
  EXPECT_EQ(second.status, 200);
  EXPECT_NE(first.header("Session"), second.header("Session"));
  EXPECT_EQ(player.ask("PLAY", player.url(), session_of(second)).status, 200);
  EXPECT_TRUE(player.wait_packets(3));
}

TEST_F(RtspRequestsTest, InterleavedSessionIsItsConnectionsOwn) {
  const std::string session = session_of(player.ask("SETUP", player.url("/cam/trackID=0"), kTcp));
  Player other(fixture);
  EXPECT_EQ(other.ask("TEARDOWN", other.url(), session).status, 454);
  EXPECT_EQ(player.ask("PLAY", player.url(), session).status, 200);
}

TEST_F(RtspRequestsTest, SessionsOfOneConnectionAreBounded) {
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    const std::string port = std::to_string(54'000 + 2 * i);
    refused +=
        player.ask("SETUP", player.url("/cam/trackID=0"), "Transport: RTP/AVP;unicast;client_port=" + port + "\r\n")
                    .status == 453
            ? 1
            : 0;
  }
  EXPECT_EQ(refused, 12);
  EXPECT_EQ(fixture.server.session_count(), 8U);
}

TEST(RtspSessionLimits, OfTooManySessionsOneThatIsNotPlayedGivesWay) {
  Fixture fixture({.sessions = {.max_sessions = 3}});
  fixture.start();
  fixture.push_gop(3);
  const auto set_up = [&](Player& player, const std::string& transport) {
    return player.ask("SETUP", player.url("/cam/trackID=0"), "Transport: RTP/AVP" + transport + "\r\n").status;
  };
  for (int i = 0; i < 10; ++i) {  // each leaves its session behind
    Player gone(fixture);
    EXPECT_EQ(set_up(gone, fmt::format(";unicast;client_port={}", 53'000 + 2 * i)), 200);
    gone.hang_up();
    EXPECT_TRUE(fixture.until([&] { return fixture.server.connection_count() == 0; }));
  }
  EXPECT_EQ(fixture.server.session_count(), 3U);
  Player a(fixture), b(fixture), c(fixture), d(fixture);
  for (Player* player : {&a, &b, &c}) {
    player->play_tcp();
    EXPECT_EQ(player->play_reply.status, 200);
  }
  EXPECT_EQ(set_up(d, "/TCP;interleaved=0-1"), 453);
  EXPECT_EQ(fixture.server.session_count(), 3U);
}

TEST(RtspTimeouts, ARequestThatDoesNotComeToItsEndIsRefused) {
  Fixture quick({.sessions = {.request_ms = 300}});
  Player player(quick);
  player.send("OPTIONS * RTSP/1.0\r\nCSeq: 5\r\nX-Slow: ");
  EXPECT_TRUE(quick.until([&] {
    player.send("a");  // bytes are no sign of life
    player.read_some();
    return !player.replies.empty() || player.closed;
  }));
  ASSERT_FALSE(player.replies.empty());
  EXPECT_EQ(player.replies.front().status, 408);
  EXPECT_EQ(player.replies.front().header("CSeq"), "5");
  EXPECT_TRUE(player.wait_closed());
}

TEST(RtspTimeouts, AFrameThatDoesNotComeToItsEndEndsTheConnection) {
  Fixture quick({.sessions = {.request_ms = 300}});
  quick.start();
  quick.push_gop(3);
  Player player(quick);
  player.play_tcp();
  player.send(std::string("$\1\x40\0half", 8));
  EXPECT_TRUE(player.wait_closed());
  EXPECT_TRUE(quick.until([&] { return quick.server.session_count() == 0; }));
}

TEST(RtspTimeouts, ConnectionThatAsksNothingIsClosedSoonerThanOneThatDid) {
  Fixture quick({.sessions = {.timeout_ms = 60'000, .request_ms = 300}});
  Player silent(quick), one(quick);
  EXPECT_EQ(one.ask("OPTIONS", "*").status, 200);
  EXPECT_TRUE(silent.wait_closed());
  EXPECT_EQ(one.ask("OPTIONS", "*").status, 200);
}

TEST_F(RtspRequestsTest, JpegOver2040PixelsIsRefusedWithTheReason) {
  Stream& big = fixture.hub.add_stream("big", "");
  media::StreamFormat format;
  format.video.codec = media::VideoCodec::mjpeg;
  format.video.size = {3840, 2160};
  big.set_format(format);
  const Reply reply = player.ask("DESCRIBE", player.url("/big"));
  EXPECT_EQ(reply.status, 415);
  EXPECT_THAT(
      reply.line,
      HasSubstr(
          "JPEG pictures over 2040 pixels do not fit RTP (RFC 2435): for RTSP put camenc -c h264 before camserve"));
}

TEST_F(RtspRequestsTest, RawVideoIsRefusedWithTheReason) {
  Stream& raw = fixture.hub.add_stream("raw", "");
  media::StreamFormat format;
  format.video.size = {640, 480};
  raw.set_format(format);
  const Reply reply = player.ask("DESCRIBE", player.url("/raw"));
  EXPECT_EQ(reply.status, 415);
  EXPECT_THAT(reply.line, HasSubstr("camenc -c h264"));
}

}  // namespace
}  // namespace campipe::serve
