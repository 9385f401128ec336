// docs/rtsp-interop.md, points 15 to 21, 25 to 27, 35 to 39: how packets and requests travel, and what is refused.
#include "serve/rtsp/checklist.hpp"

namespace campipe::serve::test {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

TEST_F(RtspChecklist, P15_OfSeveralTransportsTheFirstThatIsServedIsTaken) {
  struct Case {
    const char* asked;
    const char* expected;
  };
  for (const Case& one :
       {Case{"RTP/AVP;multicast,RTP/AVP;unicast;client_port=51002-51003", "RTP/AVP;unicast;client_port=51002-51003;.*"},
        Case{"RTP/SAVP;unicast;client_port=51002-51003 ,  RTP/AVP/TCP;unicast;interleaved=0-1",
             "RTP/AVP/TCP;unicast;interleaved=0-1;.*"},
        Case{"RTP/AVP/TCP;unicast;interleaved=4-5, RTP/AVP;unicast;client_port=51002-51003",
             "RTP/AVP/TCP;unicast;interleaved=4-5;.*"},
        Case{" , RTP/AVP ; unicast ; client_port = 51004-51005", "RTP/AVP;unicast;client_port=51004-51005;.*"}}) {
    Player one_player(fixture);
    const Reply reply =
        one_player.ask("SETUP", one_player.url("/cam/trackID=0"), std::string("Transport: ") + one.asked + "\r\n");
    EXPECT_EQ(reply.status, 200) << one.asked;
    EXPECT_THAT(reply.header("Transport"), MatchesRegex(one.expected)) << one.asked;
    EXPECT_EQ(reply.header("Transport").find(','), std::string::npos);
  }
}

TEST_F(RtspChecklist, P16_TransportsThatAreNotServedAre461AndTheConnectionGoesOn) {
  for (const char* transport :
       {"RTP/AVP;multicast", "RTP/AVP;multicast;port=5000-5001;ttl=127", "RTP/AVP;unicast", "RAW/RAW/UDP;unicast"}) {
    EXPECT_EQ(player.ask("SETUP", player.url("/cam/trackID=0"), std::string("Transport: ") + transport + "\r\n").status,
              461)
        << transport;
  }
  EXPECT_EQ(player.ask("SETUP", player.url("/cam/trackID=0")).status, 400);
  player.play_tcp();
  EXPECT_EQ(player.play_reply.status, 200);
  EXPECT_TRUE(player.wait_packets(3));
}

TEST_F(RtspChecklist, P16_ARefusedTrackLeavesTheOthersOfItsSession) {
  fixture.cam.set_format(with_audio());
  const std::string session = set_up(player);
  EXPECT_EQ(player.ask("SETUP", player.url("/cam/trackID=1"), session + "Transport: RTP/AVP;multicast\r\n").status,
            461);
  EXPECT_EQ(player.ask("SETUP", player.url("/cam/trackID=1"), session + udp(51'010)).status, 461);
  EXPECT_EQ(player.ask("PLAY", player.url(), session).status, 200);
  EXPECT_TRUE(player.wait_packets(3));
}

TEST_F(RtspChecklist, P17_TheReplyHasExactlyTheTransportThatWasAskedFor) {
  struct Case {
    const char* asked;
    const char* expected;
  };
  for (const Case& one :
       {Case{"RTP/AVP/TCP;unicast;interleaved=0-1", "RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=[0-9A-F]+"},
        Case{"RTP/AVP;unicast;client_port=51020-51021",
             "RTP/AVP;unicast;client_port=51020-51021;server_port=[0-9]+-[0-9]+;ssrc=[0-9A-F]+"},
        Case{"RTP/AVP/UDP;unicast;client_port=51022-51023",
             "RTP/AVP/UDP;unicast;client_port=51022-51023;server_port=[0-9]+-[0-9]+;ssrc=[0-9A-F]+"}}) {
    Player other(fixture);
    const Reply reply =
        other.ask("SETUP", other.url("/cam/trackID=0"), std::string("Transport: ") + one.asked + "\r\n");
    EXPECT_THAT(reply.header("Transport"), MatchesRegex(one.expected)) << one.asked;
  }
}

TEST_F(RtspChecklist, P18_WithoutChannelsTheServerChooses) {
  fixture.cam.set_format(with_audio());
  const Reply first = player.ask("SETUP", player.url("/cam/trackID=0"), "Transport: RTP/AVP/TCP;unicast\r\n");
  EXPECT_THAT(first.header("Transport"), HasSubstr(";interleaved=0-1;"));
  const Reply second =
      player.ask("SETUP", player.url("/cam/trackID=1"), session_of(first) + "Transport: RTP/AVP/TCP\r\n");
  EXPECT_THAT(second.header("Transport"), HasSubstr(";interleaved=2-3;"));
}

TEST_F(RtspChecklist, P19_AnyPairOfChannelsIsHonouredAndNoneTwice) {
  const Reply odd =
      player.ask("SETUP", player.url("/cam/trackID=0"), "Transport: RTP/AVP/TCP;unicast;interleaved=1-2\r\n");
  EXPECT_THAT(odd.header("Transport"), HasSubstr(";interleaved=1-2;"));
  EXPECT_EQ(player.ask("PLAY", player.url(), session_of(odd)).status, 200);
  EXPECT_TRUE(fixture.until(
      [&] { return player.read_some(), player.on_channel(1).size() >= 3 && !player.on_channel(2).empty(); }));
  EXPECT_TRUE(player.on_channel(0).empty());

  fixture.cam.set_format(with_audio());
  Player other(fixture);
  const std::string session = set_up(other);
  for (const char* pair : {"0-1", "1-2", "3-0"}) {
    EXPECT_EQ(other
                  .ask("SETUP", other.url("/cam/trackID=1"),
                       session + "Transport: RTP/AVP/TCP;unicast;interleaved=" + pair + "\r\n")
                  .status,
              400)
        << pair;
  }
  EXPECT_EQ(
      other.ask("SETUP", other.url("/cam/trackID=1"), session + "Transport: RTP/AVP/TCP;interleaved=7-6\r\n").status,
      200);
}

TEST_F(RtspChecklist, P20_MediaComesFromTheServerPortsThatWereTold) {
  Ports ports;
  const Reply setup = player.ask("SETUP", player.url("/cam/trackID=0"), ports.transport());
  EXPECT_EQ(player.ask("PLAY", player.url(), session_of(setup)).status, 200);
  std::vector<Received> rtp, rtcp;
  ASSERT_TRUE(fixture.until_paced([&] { return ports.read(rtp, rtcp), rtp.size() >= 10 && !rtcp.empty(); }));
  const auto pair = [](int port) { return std::to_string(port) + "-" + std::to_string(port + 1); };
  EXPECT_THAT(setup.header("Transport"), StartsWith("RTP/AVP;unicast;client_port=" + pair(ports.port()) +
                                                    ";server_port=" + pair(ports.from_port) + ";"));
  EXPECT_EQ(ports.from_port % 2, 0);
  EXPECT_EQ(ports.rtcp_from_port, ports.from_port + 1);
}

TEST_F(RtspChecklist, P20_ClientsOfAnIPv4SocketAndOfOneOfBothFamiliesGetTheirMedia) {
  Fd both = net::listen_tcp(net::resolve_listen_address(":0", "--rtsp"), "--rtsp");
  const std::string by_ipv6 = "127.0.0.1:" + std::to_string(net::local_address(both.get()).port());
  fixture.server.add_listener(std::move(both));
  Player mapped(fixture, by_ipv6);
  for (Player* one : {&player, &mapped}) {
    Ports ports;
    const Reply setup = one->ask("SETUP", one->url("/cam/trackID=0"), ports.transport());
    ASSERT_EQ(setup.status, 200);
    EXPECT_EQ(one->ask("PLAY", one->url(), session_of(setup)).status, 200);
    std::vector<Received> rtp, rtcp;
    EXPECT_TRUE(fixture.until_paced([&] { return ports.read(rtp, rtcp), rtp.size() >= 10 && !rtcp.empty(); }));
  }
}

TEST_F(RtspChecklist, P21_AClientsPortIsTheSameBySocketsOfBothFamilies) {
  Fd both = net::listen_tcp(net::resolve_listen_address(":0", "--rtsp"), "--rtsp");
  const std::string by_ipv6 = "127.0.0.1:" + std::to_string(net::local_address(both.get()).port());
  fixture.server.add_listener(std::move(both));
  Player mapped(fixture, by_ipv6);
  EXPECT_EQ(player.ask("SETUP", player.url("/cam/trackID=0"), udp(52'000)).status, 200);
  EXPECT_EQ(mapped.ask("SETUP", mapped.url("/cam/trackID=0"), udp(52'000)).status, 461);
}

TEST_F(RtspChecklist, P15_SeveralTransportHeadersAreOneList) {
  const Reply reply = player.ask("SETUP", player.url("/cam/trackID=0"),
                                 "Transport: RTP/AVP;multicast\r\nX: y\r\ntransport: RTP/AVP/TCP;interleaved=0-1\r\n");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.header("Transport"), StartsWith("RTP/AVP/TCP;unicast;interleaved=0-1;"));
}

TEST_F(RtspChecklist, P37_SeveralRequireHeadersAreAllTold) {
  const Reply reply = player.ask("OPTIONS", "*", "Require: a\r\nRequire: b\r\n");
  EXPECT_EQ(reply.status, 551);
  EXPECT_EQ(reply.header("Unsupported"), "a, b");
}

TEST_F(RtspChecklist, P21_TwoSessionsMayNotShareAClientsPort) {
  Player other(fixture);
  const std::string session = session_of(player.ask("SETUP", player.url("/cam/trackID=0"), udp(52'000)));
  for (const int port : {52'000, 51'999, 52'001}) {
    EXPECT_EQ(other.ask("SETUP", other.url("/cam/trackID=0"), udp(port)).status, 461) << port;
  }
  EXPECT_EQ(player.ask("TEARDOWN", player.url(), session).status, 200);
  EXPECT_EQ(other.ask("SETUP", other.url("/cam/trackID=0"), udp(52'000)).status, 200);
}

TEST_F(RtspChecklist, P21_APlayerThatCameBackTakesItsPortsFromTheSessionItLeft) {
  player.ask("SETUP", player.url("/cam/trackID=0"), udp(52'010));
  player.hang_up();
  EXPECT_TRUE(fixture.until([&] { return fixture.server.connection_count() == 0; }));
  EXPECT_EQ(fixture.server.session_count(), 1U);
  Player again(fixture);
  EXPECT_EQ(again.ask("SETUP", again.url("/cam/trackID=0"), udp(52'010)).status, 200);
  EXPECT_EQ(fixture.server.session_count(), 1U);
}

TEST_F(RtspChecklist, P21_PacketsOfAClientBeforePlayChangeNothing) {
  Ports ports;
  const Reply setup = player.ask("SETUP", player.url("/cam/trackID=0"), ports.transport());
  net::Address to = server_rtcp(setup);
  for (const int port : {to.port(), to.port() - 1}) {
    to.set_port(port);
    for (int i = 0; i < 200; ++i) ::sendto(ports.rtcp_fd(), "hole", 4, 0, to.get(), to.length);
  }
  EXPECT_EQ(player.ask("PLAY", player.url(), session_of(setup)).status, 200);
  std::vector<Received> rtp, rtcp;
  EXPECT_TRUE(fixture.until_paced([&] { return ports.read(rtp, rtcp), rtp.size() >= 7; }));
}

TEST_F(RtspChecklist, P25_InterleavedRtcpIsTakenAtAnyTimeAndJunkIsNeverAMethod) {
  const std::string report("$\x01\x00\x08\x80\xC9\x00\x01\x00\x00\x00\x01", 12);
  player.send(report);
  const std::string session = "Session: " + player.play_tcp() + "\r\n";
  player.send(report + report);
  player.send(std::string("$\x01\x00\x03xyz", 7));                      // no RTCP
  player.send(std::string("$\x09\x00\x12", 4) + "OPTIONS * RTSP/1.0");  // no request
  EXPECT_EQ(player.ask("TEARDOWN", player.url(), session).status, 200);
  player.send(report);
  EXPECT_EQ(player.ask("OPTIONS", "*").status, 200);
  EXPECT_TRUE(player.replies.empty());

  Player junk(fixture);
  junk.send(std::string("\x80\xC8\x00\x06junk\r\n\r\n", 12));
  EXPECT_EQ(junk.reply().status, 400);
  EXPECT_TRUE(junk.wait_closed());
}

TEST_F(RtspChecklist, P26_APlayerThatHearsNothingByUdpGetsANewSessionByTcpOnTheSameConnection) {
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

TEST_F(RtspChecklist, P27_ASessionOverUdpOutlivesItsConnectionAndTimesOutAlone) {
  Fixture quick({.sessions = {.timeout_ms = 3000}});
  quick.start();
  quick.push_gop(2);
  Ports ports;
  std::vector<Received> rtp, rtcp;
  {
    Player left(quick);
    const Reply setup = left.ask("SETUP", left.url("/cam/trackID=0"), ports.transport());
    left.ask("PLAY", left.url(), session_of(setup));
  }
  EXPECT_TRUE(quick.until([&] { return quick.server.connection_count() == 0; }));
  rtp.clear();
  quick.push(false);
  EXPECT_TRUE(quick.until_paced([&] { return ports.read(rtp, rtcp), !rtp.empty(); })) << "it still plays";
  Player other(quick);
  other.play_tcp();
  quick.pass(std::chrono::seconds(3));
  EXPECT_EQ(quick.server.session_count(), 2U);
  quick.pass(std::chrono::seconds(1));
  EXPECT_EQ(quick.server.session_count(), 1U);
  const std::size_t before = other.rtp().size();
  quick.push(true);
  EXPECT_TRUE(other.wait_packets(before + 1));
}

TEST_F(RtspChecklist, P35_NoPacketIsLargerThanAnEthernetFrameTakesOrThanWasAskedFor) {
  for (const std::size_t limit : {campipe::rtp::kDefaultMaxPayload, std::size_t{600}}) {
    Fixture sized({.sessions = {.session = {.max_payload = limit}}});
    sized.start();
    sized.push(true, 50'000);
    Ports ports;
    Player over_tcp(sized), over_udp(sized);
    over_tcp.play_tcp();
    const Reply setup = over_udp.ask("SETUP", over_udp.url("/cam/trackID=0"), ports.transport());
    over_udp.ask("PLAY", over_udp.url(), session_of(setup));
    std::vector<Received> rtp, rtcp;
    const std::size_t packets = 50'000 / limit;
    ASSERT_TRUE(over_tcp.wait_packets(packets));
    ASSERT_TRUE(sized.until_paced([&] { return ports.read(rtp, rtcp), rtp.size() >= packets; }));
    std::size_t largest = 0;
    for (const Received& one : over_tcp.rtp()) largest = std::max(largest, one.bytes.size());
    for (const Received& one : rtp) largest = std::max(largest, one.bytes.size());
    EXPECT_EQ(largest, 12 + limit);
    EXPECT_LE(12 + campipe::rtp::kDefaultMaxPayload, 1452U);
  }
}

TEST_F(RtspChecklist, P36_ATunnelInHttpIsRefusedInHttpAndLeavesNothingBehind) {
  const std::string cookie = "x-sessioncookie: Dkd3fn2\r\n";
  for (const std::string& request :
       {"GET /cam HTTP/1.0\r\n" + cookie + "Accept: application/x-rtsp-tunnelled\r\n\r\n",
        "POST /cam HTTP/1.0\r\n" + cookie +
            "Content-Type: application/x-rtsp-tunnelled\r\nContent-Length: 32767\r\n\r\nT1BUSU9OUyAqIFJUU1A="}) {
    Player tunnel(fixture);
    tunnel.send(request);
    EXPECT_TRUE(tunnel.wait_closed());
    ASSERT_EQ(tunnel.replies.size(), 1U);
    EXPECT_THAT(tunnel.replies[0].line, StartsWith("HTTP/1.1 501"));
  }
  EXPECT_TRUE(fixture.until([&] { return fixture.server.connection_count() == 1; }));
  EXPECT_EQ(player.ask("DESCRIBE", player.url()).status, 200);
}

TEST_F(RtspChecklist, P37_ARequiredOptionIs551AndTheConnectionGoesOn) {
  const Reply reply = player.ask("DESCRIBE", player.url(), "Require: www.onvif.org/ver20/backchannel\r\n");
  EXPECT_EQ(reply.status, 551);
  EXPECT_EQ(reply.header("Unsupported"), "www.onvif.org/ver20/backchannel");
  EXPECT_EQ(player.ask("DESCRIBE", player.url()).status, 200);
}

TEST_F(RtspChecklist, P38_RequestsMayBeCutOrPackedAnyhowAndAreBounded) {
  const std::string one = "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n";
  for (const char c : one) player.send(std::string(1, c));
  EXPECT_EQ(player.reply().status, 200);
  player.send(one + one + one);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(player.reply().status, 200);

  std::string flood;
  for (int i = 0; i < 100; ++i) flood += "X-" + std::to_string(i) + ": y\r\n";
  struct Case {
    std::string headers;
    int status;
  };
  for (const Case& bad : {Case{"Content-Length: -1\r\n", 400}, Case{"Content-Length: x\r\n", 400},
                          Case{"Content-Length: 20001\r\n", 400}, Case{"Content-Length: 99999999999999999999\r\n", 400},
                          Case{flood, 400}, Case{"X: " + std::string(20'000, 'y') + "\r\n", 400}}) {
    Player other(fixture);
    other.send("OPTIONS * RTSP/1.0\r\nCSeq: 5\r\n" + bad.headers + "\r\n");
    const Reply reply = other.reply();
    EXPECT_EQ(reply.status, bad.status) << bad.headers.substr(0, 40);
    EXPECT_EQ(reply.header("CSeq"), "5");
    EXPECT_TRUE(other.wait_closed());
  }
}

TEST_F(RtspChecklist, P39_TlsIsClosedWithoutHarmAndSrtpIs461) {
  Player tls(fixture);
  std::string hello("\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03", 11);
  for (int i = 0; i < 500; ++i) hello += static_cast<char>(i * 37);
  tls.send(hello);
  EXPECT_TRUE(tls.wait_closed());
  fixture.pass(std::chrono::seconds(6));  // it does not close, and has 5 s for it
  EXPECT_EQ(fixture.server.connection_count(), 1U);
  for (const char* transport : {"RTP/SAVP;unicast;client_port=5000-5001", "RTP/SAVP/TCP;unicast;interleaved=0-1",
                                "RTP/SAVPF;unicast;client_port=5000-5001"}) {
    EXPECT_EQ(player.ask("SETUP", player.url("/cam/trackID=0"), std::string("Transport: ") + transport + "\r\n").status,
              461)
        << transport;
  }
  player.play_tcp();
  EXPECT_TRUE(player.wait_packets(3));
}

}  // namespace
}  // namespace campipe::serve::test
