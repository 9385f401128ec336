// docs/rtsp-interop.md, points 1 to 14 and 22: requests, URLs and how long a session lives.
#include <dirent.h>

#include "rtp/bytes.hpp"
#include "serve/rtsp/checklist.hpp"

namespace campipe::serve::test {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

std::size_t open_descriptors() {
  DIR* folder = ::opendir("/proc/self/fd");
  std::size_t count = 0;
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

TEST_F(RtspChecklist, P01_OptionsAnswersForAnyUrlWithoutASession) {
  for (const std::string& url :
       {std::string("*"), player.url(), player.url("/nosuch"), player.url("/"), player.url("")}) {
    const Reply reply = player.ask("OPTIONS", url);
    EXPECT_EQ(reply.status, 200) << url;
    EXPECT_EQ(reply.header("Public"), "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN");
  }
  EXPECT_EQ(player.ask("OPTIONS", "*", "Authorization: Basic bm86bm8=\r\n").status, 200);
}

TEST_F(RtspChecklist, P02_ARequestWithTheSessionKeepsItAndOfAnUnknownSessionIs454) {
  for (const char* method :
       {"OPTIONS", "DESCRIBE", "SETUP", "PLAY", "PAUSE", "GET_PARAMETER", "SET_PARAMETER", "TEARDOWN"}) {
    EXPECT_EQ(player.ask(method, player.url(), "Session: 0123456789abcdef\r\n" + kTcp).status, 454) << method;
  }
  Fixture quick({.sessions = {.timeout_ms = 3000}});
  quick.start();
  Player options(quick), parameter(quick), silent(quick);
  const std::string kept = session_of(options.ask("SETUP", options.url("/cam/trackID=0"), udp(50'000)));
  const std::string kept_too = session_of(parameter.ask("SETUP", parameter.url("/cam/trackID=0"), udp(50'002)));
  silent.ask("SETUP", silent.url("/cam/trackID=0"), udp(50'004));
  EXPECT_EQ(quick.server.session_count(), 3U);
  for (int second = 1; second <= 10; ++second) {
    EXPECT_EQ(options.ask("OPTIONS", options.url(), kept).status, 200);
    EXPECT_EQ(parameter.ask("GET_PARAMETER", parameter.url(), kept_too).status, 200);
    quick.pass(std::chrono::seconds(1));
    EXPECT_EQ(quick.server.session_count(), second <= 3 ? 3U : 2U) << second;
  }
  EXPECT_EQ(options.ask("TEARDOWN", options.url(), kept).status, 200);
  EXPECT_EQ(options.ask("OPTIONS", options.url(), kept).status, 454);
}

TEST_F(RtspChecklist, P03_GetParameterWithNothingInItIsAKeepalive) {
  const std::string session = set_up(player);
  for (const std::string& body : {std::string(), std::string(1, '\0'), std::string("\r\n")}) {
    const Reply reply = player.ask("GET_PARAMETER", player.url(), session, body);
    EXPECT_EQ(reply.status, 200);
    EXPECT_NE(reply.header("CSeq"), "");
    EXPECT_NE(reply.header("Session"), "");
    EXPECT_EQ(reply.body, "");
  }
  EXPECT_EQ(player.ask("GET_PARAMETER", player.url(), session + "Content-Type: text/parameters\r\n").status, 200);
  EXPECT_EQ(player.ask("GET_PARAMETER", player.url(), session, "packets_received\r\n").status, 451);
}

TEST_F(RtspChecklist, P04_SetParameterIsAKeepaliveToo) {
  const std::string session = set_up(player);
  for (const std::string& body : {std::string(), std::string(1, '\0'), std::string("\r\n")}) {
    EXPECT_EQ(player.ask("SET_PARAMETER", player.url(), session, body).status, 200);
  }
}

/// A session over UDP whose receiver reports are counted: behind what others sent to the server's one RTCP port.
struct Teller {
  Fixture& fixture;
  Ports ports;
  Player player{fixture};
  Reply setup = player.ask("SETUP", player.url("/cam/trackID=0"), ports.transport());
  net::Address to = RtspChecklist::server_rtcp(setup);

  explicit Teller(Fixture& in) : fixture(in) {}
  bool all_datagrams_taken() {
    const std::string transport = setup.header("Transport");
    const auto ssrc =
        static_cast<std::uint32_t>(std::stoul(transport.substr(transport.find("ssrc=") + 5), nullptr, 16));
    Bytes report;
    for (const std::uint32_t word : {0x81C9'0007U, 1U, ssrc, 0U, 0U, 0U, 0U, 0U})
      campipe::rtp::append_u32(report, word);
    const auto taken = [&] {
      const auto& counters = fixture.hub.counters();
      const auto found = counters.find("rtsp_receiver_reports_total");
      return found == counters.end() ? 0 : found->second;
    };
    const std::uint64_t before = taken();
    ::sendto(ports.rtcp_fd(), report.data(), report.size(), 0, to.get(), to.length);
    return fixture.until([&] { return taken() > before; });
  }
};

TEST_F(RtspChecklist, P05_AnyRtcpKeepsASessionOverUdpAndInterleaved) {
  Fixture quick({.sessions = {.timeout_ms = 3000}});
  quick.start();
  const std::vector<Bytes> kinds{
      campipe::rtp::test::bytes({0x80, 201, 0, 1, 0, 0, 0, 1}),                              // receiver report
      campipe::rtp::test::bytes({0x81, 202, 0, 3, 0, 0, 0, 1, 1, 2, 'm', 'e', 0, 0, 0, 0}),  // description
      campipe::rtp::test::bytes({0x81, 203, 0, 1, 0, 0, 0, 1}),                              // goodbye
  };
  std::vector<std::unique_ptr<Player>> players;
  std::vector<std::unique_ptr<Ports>> ports;
  std::vector<net::Address> to;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    ports.push_back(std::make_unique<Ports>());
    players.push_back(std::make_unique<Player>(quick));
    to.push_back(
        server_rtcp(players.back()->ask("SETUP", players.back()->url("/cam/trackID=0"), ports.back()->transport())));
    players.push_back(std::make_unique<Player>(quick));
    set_up(*players.back());
  }
  Player silent(quick);
  set_up(silent);
  ASSERT_EQ(quick.server.session_count(), 7U);
  Teller teller(quick);
  for (int second = 1; second <= 10; ++second) {
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      ::sendto(ports[i]->rtcp_fd(), kinds[i].data(), kinds[i].size(), 0, to[i].get(), to[i].length);
      Player& interleaved = *players[2 * i + 1];
      std::string frame("$\x01\x00", 3);
      frame += static_cast<char>(kinds[i].size());
      interleaved.send(frame.append(reinterpret_cast<const char*>(kinds[i].data()), kinds[i].size()));
      ASSERT_TRUE(quick.until([&] { return interleaved.all_taken(); }));
    }
    ASSERT_TRUE(teller.all_datagrams_taken());
    EXPECT_EQ(quick.server.session_count(), second <= 4 ? 8U : 7U) << second;
    quick.pass(std::chrono::seconds(1));
  }
  EXPECT_EQ(quick.server.session_count(), 7U) << "all but the silent one";
}

TEST_F(RtspChecklist, P06_ASessionLivesFiveSecondsLongerThanItIsTold) {
  const rtsp::Sessions::Options options;
  EXPECT_GE(options.timeout_ms, options.advertised_timeout_s * 1000 + 5000);
  Fixture scaled({.sessions = {.advertised_timeout_s = 1, .timeout_ms = 6000}});
  scaled.start();
  Player late(scaled);
  const Reply setup = late.ask("SETUP", late.url("/cam/trackID=0"), udp(50'010));
  EXPECT_THAT(setup.header("Session"), EndsWith(";timeout=1"));
  scaled.pass(std::chrono::seconds(6));
  EXPECT_EQ(late.ask("GET_PARAMETER", late.url(), session_of(setup)).status, 200);
}

TEST_F(RtspChecklist, P07_SessionHeaderHasNoBlankAndNoDashAndIsTheSameInAllReplies) {
  const Reply setup = player.ask("SETUP", player.url("/cam/trackID=0"), kTcp);
  const std::string header = setup.header("Session");
  EXPECT_THAT(header, MatchesRegex("[0-9a-zA-Z]+;timeout=60"));
  for (const char* method : {"OPTIONS", "PLAY", "PLAY", "GET_PARAMETER", "SETUP", "PAUSE", "TEARDOWN"}) {
    EXPECT_EQ(player.ask(method, player.url(), session_of(setup)).header("Session"), header) << method;
  }
  // Named back with what came behind the id.
  const std::string again = player.ask("SETUP", player.url("/cam/trackID=0"), kTcp).header("Session");
  EXPECT_EQ(player.ask("PLAY", player.url(), "Session: " + again + "\r\n").status, 200);
  EXPECT_EQ(player.ask("PAUSE", player.url(), "Session:  " + again.substr(0, 16) + " ; timeout=60\r\n").status, 200);
}

TEST_F(RtspChecklist, P08_ContentBaseIsTheWholeUrlAndASlash) {
  for (const std::string& path : {std::string("/cam"), std::string("/cam/")}) {
    EXPECT_EQ(player.ask("DESCRIBE", player.url(path)).header("Content-Base"), player.url("/cam/")) << path;
  }
  EXPECT_EQ(player.ask("DESCRIBE", player.url("/cam?codec=h264")).header("Content-Base"),
            player.url("/cam/?codec=h264/"));
  EXPECT_EQ(player.ask("DESCRIBE", "/cam").header("Content-Base"), player.url("/cam/"));
}

TEST_F(RtspChecklist, P09_ATrackIsSetUpBeforeAndBehindTheQuery) {
  for (const std::string& path :
       {std::string("/cam/trackID=0"), std::string("/cam/trackID=0?codec=h264"),
        std::string("/cam?codec=h264/trackID=0"), std::string("/cam/?codec=h264/trackID=0"),
        std::string("/cam/trackID=0?codec=h264/"), std::string("/cam?x=1&y/trackID=0"), std::string("/cam")}) {
    Player one(fixture);
    EXPECT_EQ(one.ask("SETUP", one.url(path), kTcp).status, 200) << path;
  }
}

/// RFC 3986, 5.2: what stands behind the last slash of the base's path, and its query, go.
std::string joined(const std::string& base, const std::string& relative) {
  const std::string path = base.substr(0, base.find('?'));
  return path.substr(0, path.rfind('/') + 1) + relative;
}

TEST_F(RtspChecklist, P10_StrictJoinersFindTheirTrackAndAnUrlWithoutStreamIs404) {
  EXPECT_EQ(player.ask("SETUP", player.url("/trackID=0"), kTcp).status, 404);
  hub::Stream& pictures = fixture.hub.add_stream("cam", "");
  media::StreamFormat h265 = Fixture::h264();
  h265.video.codec = media::VideoCodec::h265;
  pictures.set_format(h265);
  for (const std::string& path :
       {std::string("/cam"), std::string("/cam?codec=h264"), std::string("/cam?codec=h265")}) {
    Player one(fixture);
    const Reply described = one.ask("DESCRIBE", one.url(path));
    ASSERT_EQ(described.status, 200) << path;
    const std::string base = described.header("Content-Base");
    EXPECT_THAT(base, EndsWith("/"));
    EXPECT_EQ(one.ask("SETUP", joined(base, "trackID=0"), kTcp).status, 200) << path;
    const bool is_other = path.ends_with("h265");
    one.ask("PLAY", base, "Session: " + one.session + "\r\n");
    EXPECT_EQ(one.ask("SETUP", joined(base, "trackID=1"), kTcp).status, 404) << path;
    // The codec that was described, though the joined URL does not name it.
    Player other(fixture);
    const Reply again = other.ask("DESCRIBE", other.url(path));
    const std::string session = session_of(other.ask("SETUP", joined(base, "trackID=0"), kTcp));
    EXPECT_EQ(other.ask("PLAY", other.url("/cam?codec=h265"), session).status, is_other ? 200 : 404) << path;
    EXPECT_THAT(again.body, HasSubstr(is_other ? "H265/90000" : "H264/90000"));
  }
}

TEST_F(RtspChecklist, P11_RequestsOfASessionTakeTheBaseItsSlashAndTheTrack) {
  for (const std::string& path :
       {std::string("/cam"), std::string("/cam/"), std::string("/cam/trackID=0"), std::string("/cam/?codec=h264/")}) {
    Player one(fixture);
    const std::string session = set_up(one);
    for (const char* method : {"PLAY", "PAUSE", "PLAY", "GET_PARAMETER", "SET_PARAMETER", "TEARDOWN"}) {
      EXPECT_EQ(one.ask(method, one.url(path), session).status, 200) << method << " " << path;
    }
    EXPECT_EQ(one.ask("PLAY", one.url(path), session).status, 454);
  }
}

TEST_F(RtspChecklist, P12_TracksAreNumberedFromNought) {
  fixture.cam.set_format(with_audio());
  const std::string sdp = player.ask("DESCRIBE", player.url()).body;
  EXPECT_THAT(sdp, MatchesRegex("(.|\n)*m=video(.|\n)*a=control:trackID=0\r\nm=audio(.|\n)*a=control:trackID=1\r\n"));
}

TEST_F(RtspChecklist, P13_AnEmptyPathIs404) {
  for (const std::string& path : {std::string(""), std::string("/"), std::string("//"), std::string("/?")}) {
    EXPECT_EQ(player.ask("DESCRIBE", player.url(path)).status, 404) << path;
    EXPECT_EQ(player.ask("SETUP", player.url(path), kTcp).status, 404) << path;
  }
  EXPECT_EQ(player.ask("DESCRIBE", "*").status, 404);
  EXPECT_EQ(player.ask("DESCRIBE", player.url()).status, 200);
}

TEST_F(RtspChecklist, P14_WhatIsNotThereIs404AndStrayHttpIsAnsweredAndNothingStays) {
  for (const std::string& path : {std::string("/nosuch"), std::string("/cam/nosuch"), std::string("/cam?codec=h265")}) {
    EXPECT_EQ(player.ask("DESCRIBE", player.url(path)).status, 404) << path;
    EXPECT_EQ(player.ask("SETUP", player.url(path), kTcp).status, 404) << path;
  }
  EXPECT_THAT(player.ask("DESCRIBE", player.url("/nosuch")).line, HasSubstr("there is cam"));
  EXPECT_EQ(player.ask("DESCRIBE", player.url()).status, 200);
  const std::size_t connections = fixture.server.connection_count();
  const std::size_t descriptors = open_descriptors();
  for (int i = 0; i < 50; ++i) {
    Player stray(fixture);
    stray.send(i % 2 == 0 ? "GET / HTTP/1.1\r\nHost: h\r\n\r\n" : "HEAD /cam HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(stray.wait_closed());
    ASSERT_EQ(stray.replies.size(), 1U);
    EXPECT_THAT(stray.replies[0].line, StartsWith("HTTP/1.1 501"));
  }
  EXPECT_TRUE(fixture.until([&] { return fixture.server.connection_count() == connections; }));
  EXPECT_EQ(open_descriptors(), descriptors);
}

TEST(RtspChecklistReady, P14_AStreamThatIsNotReadyIs404AfterAWait) {
  Fixture fixture({.describe_wait_ms = 100});
  Player player(fixture);
  player.send("DESCRIBE " + player.url() + " RTSP/1.0\r\nCSeq: 1\r\n\r\n");
  ASSERT_TRUE(fixture.until([&] { return fixture.cam.wanted(); }));  // it waits
  fixture.pass(std::chrono::milliseconds(99));
  player.read_some();
  EXPECT_TRUE(player.replies.empty());
  fixture.pass(std::chrono::milliseconds(1));
  EXPECT_EQ(player.reply().status, 404);
  EXPECT_EQ(player.ask("OPTIONS", "*").status, 200);
}

TEST_F(RtspChecklist, P22_PlayTakesEveryRangeAndEvenTwice) {
  const std::string session = set_up(player);
  for (const char* headers : {"Range: npt=0.000-\r\n", "Range: npt=now-\r\n", "Range: 0.000-\r\n", "", "Scale: 1\r\n",
                              "Range: clock=20260101T000000Z-\r\n", "Range: npt=0-10\r\nSpeed: 1.0\r\n"}) {
    const Reply reply = player.ask("PLAY", player.url(), session + headers);
    EXPECT_EQ(reply.status, 200) << headers;
    EXPECT_EQ(reply.header("Range"), "npt=now-");
  }
}

}  // namespace
}  // namespace campipe::serve::test
