// Requests and answers, each named after what players need of it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/rtsp/harness.hpp"

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

TEST_F(RtspRequestsTest, DescribeWaitsForTheFirstKeyframe) {
  hub::Stream& late = fixture.hub.add_stream("late", "");
  player.send("DESCRIBE " + player.url("/late") + " RTSP/1.0\r\nCSeq: 9\r\n\r\nOPTIONS * RTSP/1.0\r\nCSeq: 10\r\n\r\n");
  ASSERT_TRUE(fixture.until([&] { return late.wanted(); }));  // it waits
  fixture.pass(std::chrono::milliseconds(3900));              // looked at again and again
  player.read_some();
  EXPECT_TRUE(player.replies.empty());
  late.set_format(Fixture::h264({640, 360}, false));
  media::Packet packet;
  packet.keyframe = true;
  packet.payload = media::Payload::from(test::annex_b({test::kSps, test::kPps, test::nal({0x65}, 50)}));
  late.push(packet);
  fixture.pass(std::chrono::milliseconds(50));
  const Reply reply = player.reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("CSeq"), "9");
  EXPECT_THAT(reply.body, HasSubstr("sprop-parameter-sets=Z0LAHtkB"));
  EXPECT_EQ(player.reply().header("CSeq"), "10");
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
  hub::Stream& av = fixture.hub.add_stream("av", "");
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

TEST_F(RtspRequestsTest, PlayBeforeSetupIsNotPossible) {
  EXPECT_EQ(player.ask("PLAY", player.url()).status, 454);
  EXPECT_EQ(player.ask("TEARDOWN", player.url()).status, 454);
}

TEST_F(RtspRequestsTest, UnknownMethodIs501WithItsCSeq) {
  for (const char* method : {"ANNOUNCE", "RECORD", "REDIRECT", "FROBNICATE"}) {
    const Reply reply = player.ask(method, player.url());
    EXPECT_EQ(reply.status, 501) << method;
    EXPECT_NE(reply.header("CSeq"), "");
    EXPECT_NE(reply.header("Public"), "");
  }
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

TEST_F(RtspRequestsTest, AHeapOfRequestsIsAnsweredInOrderAndLetsOthersHaveTheirTurn) {
  constexpr std::size_t kCount = 1'000;  // of more bytes of answers than may wait for a peer that does not read
  std::string heap;
  for (std::size_t i = 1; i <= kCount; ++i)
    heap += fmt::format("DESCRIBE {} RTSP/1.0\r\nCSeq: {}\r\n\r\n", player.url(), i);
  Player other(fixture);
  player.send(heap);
  EXPECT_TRUE(fixture.until([&] { return player.read_some(), !player.replies.empty(); }));
  EXPECT_EQ(other.ask("OPTIONS", "*").status, 200);
  player.read_some();
  EXPECT_LT(player.replies.size(), kCount);
  EXPECT_TRUE(fixture.until([&] { return player.read_some(), player.replies.size() == kCount || player.closed; }));
  ASSERT_EQ(player.replies.size(), kCount);
  for (std::size_t i = 0; i < kCount; ++i) EXPECT_EQ(player.replies[i].header("CSeq"), std::to_string(i + 1));
}

/// A whole request, whose answer tells that what was sent with it is there.
const std::string kFirst = "OPTIONS * RTSP/1.0\r\nCSeq: 4\r\n\r\n";

TEST(RtspTimeouts, ARequestThatDoesNotComeToItsEndIsRefused) {
  Fixture quick({.sessions = {.request_ms = 3000}});
  Player player(quick), other(quick);
  player.send(kFirst + "OPTIONS * RTSP/1.0\r\nCSeq: 5\r\nX-Slow: ");
  EXPECT_EQ(player.reply().status, 200);
  for (int i = 0; i < 3; ++i) {
    player.send("a");  // bytes are no sign of life
    quick.pass(std::chrono::milliseconds(1000));
    EXPECT_TRUE(quick.until([&] { return player.all_taken(); }));
    other.barrier();
    player.read_some();
    EXPECT_TRUE(player.replies.empty()) << i;
  }
  quick.pass(std::chrono::milliseconds(1000));
  const Reply reply = player.reply();
  EXPECT_EQ(reply.status, 408);
  EXPECT_EQ(reply.header("CSeq"), "5");
  EXPECT_TRUE(player.wait_closed());
}

TEST(RtspTimeouts, AFrameThatDoesNotComeToItsEndEndsTheConnection) {
  Fixture quick({.sessions = {.request_ms = 3000}});
  quick.start();
  quick.push_gop(3);
  Player player(quick);
  player.play_tcp();
  player.send(kFirst + std::string("$\1\x40\0half", 8));
  EXPECT_EQ(player.reply().status, 200);
  quick.pass(std::chrono::milliseconds(3000));
  EXPECT_EQ(quick.server.session_count(), 1U);
  quick.pass(std::chrono::milliseconds(1000));
  EXPECT_EQ(quick.server.session_count(), 0U);
  EXPECT_TRUE(player.wait_closed());
}

TEST(RtspTimeouts, ConnectionThatAsksNothingIsClosedSoonerThanOneThatDid) {
  Fixture quick({.sessions = {.timeout_ms = 60'000, .request_ms = 3000}});
  Player silent(quick), one(quick);
  EXPECT_EQ(one.ask("OPTIONS", "*").status, 200);
  quick.pass(std::chrono::milliseconds(3000));
  EXPECT_EQ(quick.server.connection_count(), 2U);
  quick.pass(std::chrono::milliseconds(1000));
  EXPECT_EQ(quick.server.connection_count(), 1U);
  EXPECT_TRUE(silent.wait_closed());
  EXPECT_EQ(one.ask("OPTIONS", "*").status, 200);
}

TEST_F(RtspRequestsTest, RawVideoIsRefusedWithTheReason) {
  hub::Stream& raw = fixture.hub.add_stream("raw", "");
  media::StreamFormat format;
  format.video.size = {640, 480};
  raw.set_format(format);
  const Reply reply = player.ask("DESCRIBE", player.url("/raw"));
  EXPECT_EQ(reply.status, 415);
  EXPECT_THAT(reply.line, HasSubstr("camenc -c h264"));
}

}  // namespace
}  // namespace campipe::serve
