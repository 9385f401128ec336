// docs/rtsp-interop.md, points 23, 24, 28 to 34 and 40: what is described, what is sent, and when.
#include "rtp/jpeg_image.hpp"
#include "serve/rtsp/checklist.hpp"

namespace campipe::serve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::uint32_t kSenderReport = 200;

int payload_nal(const Received& packet) {
  return std::to_integer<int>(packet.bytes.at(12)) & 31;
}

TEST_F(RtspChecklist, P23_RtpInfoNamesTheControlAndTheFirstPacketThatIsReallySent) {
  for (const std::string& control : {std::string("/cam/trackID=0"), std::string("/cam?codec=h264/trackID=0")}) {
    Player one(fixture);
    const std::string session = session_of(one.ask("SETUP", one.url(control), kTcp));
    const Reply played = one.ask("PLAY", one.url("/cam/"), session);
    ASSERT_TRUE(one.wait_packets(1));
    const Received first = one.rtp().front();
    EXPECT_EQ(played.header("RTP-Info"), "url=" + one.url(control) + ";seq=" + std::to_string(first.u16(2)) +
                                             ";rtptime=" + std::to_string(first.u32(4)));
  }
  Fixture empty;
  empty.start();
  Player early(empty);
  early.play_tcp();
  EXPECT_THAT(early.play_reply.header("RTP-Info"), MatchesRegex("url=[^;]*;seq=[0-9]+"));
  empty.push(true);
  ASSERT_TRUE(early.wait_packets(1));
  EXPECT_THAT(early.play_reply.header("RTP-Info"),
              ::testing::EndsWith(";seq=" + std::to_string(early.rtp()[0].u16(2))));
}

TEST_F(RtspChecklist, P24_TheAnswerToPlayPrecedesTheFirstPacketAndAnswersSplitNone) {
  player.play_tcp();
  ASSERT_TRUE(player.wait_packets(3));
  EXPECT_EQ(player.order[0], "200");
  EXPECT_EQ(player.order[1], "200");
  EXPECT_EQ(player.order[2], "$0");
  for (int i = 0; i < 50; ++i) {
    fixture.push(i % 10 == 0, 40'000);
    player.send("OPTIONS * RTSP/1.0\r\nCSeq: 7\r\n\r\n");
  }
  ASSERT_TRUE(fixture.until([&] { return player.read_some(), player.replies.size() >= 50; }));
  for (const Reply& reply : player.replies) EXPECT_EQ(reply.status, 200);
  expect_contiguous(player.rtp());
}

TEST_F(RtspChecklist, P24_TheFirstReportComesWithTheFirstFrameAndMapsItsTimeExactly) {
  player.play_tcp();
  ASSERT_TRUE(fixture.until([&] { return player.read_some(), !player.rtcp().empty() && !player.rtp().empty(); }));
  const Received report = player.rtcp().front();
  EXPECT_EQ(report.u16(0) & 0xFF, kSenderReport);
  EXPECT_EQ(report.u32(4), player.rtp().front().u32(8));  // SSRC
  // RTP time of the frame, computed by the receiver from the report alone.
  const double ntp =
      static_cast<double>(report.u32(8) - 2'208'988'800U) + static_cast<double>(report.u32(12)) / 4294967296.0;
  const auto ticks = static_cast<std::int32_t>(player.rtp().front().u32(4) - report.u32(16));
  const double first_us = static_cast<double>(fixture.pts_us - std::int64_t{3} * 33'333);
  EXPECT_NEAR(ntp + ticks / 90'000.0, first_us / 1e6, 1.0 / 90'000);
}

TEST_F(RtspChecklist, P24_TheFirstReportIsOfTheFirstFramesOwnTimeAndNoneComesBeforeIt) {
  Fixture empty({.sessions = {.session = {.join = rtp::Join::wait}}});
  empty.start();
  empty.age_ns = 500'000'000;
  empty.push(true);
  Player waits(empty);
  waits.play_tcp();
  empty.pass(std::chrono::minutes(1));  // many rounds of reports
  waits.barrier();
  EXPECT_TRUE(waits.rtcp().empty()) << "its time would be taken for the first frame's";
  empty.push(true);
  ASSERT_TRUE(empty.until([&] { return waits.read_some(), !waits.rtcp().empty() && !waits.rtp().empty(); }));
  EXPECT_EQ(waits.rtcp().front().u32(16), waits.rtp().front().u32(4));
}

TEST_F(RtspChecklist, P28_CredentialsThatNobodyAskedForAreIgnored) {
  for (const char* header :
       {"Authorization: Basic dXNlcjpwYXNz\r\n", "Authorization: Basic\r\n", "Authorization: Bearer x\r\n"}) {
    EXPECT_EQ(player.ask("DESCRIBE", player.url(), header).status, 200) << header;
    EXPECT_EQ(player.ask("DESCRIBE", player.url("/nosuch"), header).status, 404) << header;
  }
  EXPECT_EQ(player.ask("SETUP", player.url("/cam/trackID=0"), kTcp + "Authorization: Basic dXNlcjpwYXNz\r\n").status,
            200);
}

TEST_F(RtspChecklist, P29_DigestOfAnyUriIsIgnored) {
  for (const std::string& uri : {std::string("/cam"), player.url("/cam/"), std::string(), player.url("/nosuch")}) {
    const std::string header =
        "Authorization: Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"" + uri + "\", response=\"0\"\r\n";
    EXPECT_EQ(player.ask("DESCRIBE", player.url(), header).status, 200) << uri;
  }
}

TEST_F(RtspChecklist, P30_CSeqIsEchoedHoweverItWasWrittenAndEvenInErrors) {
  player.send("OPTIONS * RTSP/1.0\r\ncseq:    17  \r\n\r\n");
  EXPECT_EQ(player.reply().header("CSeq"), "17");
  player.send("OPTIONS * RTSP/1.0\r\nCSEQ:18\r\nuser-agent: x\r\n\r\n");
  EXPECT_EQ(player.reply().header("CSeq"), "18");
  for (const char* line : {"DESCRIBE rtsp://h/nosuch", "PLAY rtsp://h/cam", "FROBNICATE *", "SETUP rtsp://h/cam"}) {
    player.send(std::string(line) + " RTSP/1.0\r\nCSeq: 19\r\n\r\n");
    const Reply reply = player.reply();
    EXPECT_GE(reply.status, 400) << line;
    EXPECT_EQ(reply.header("CSeq"), "19") << line;
  }
  player.send("setup " + player.url("/cam/trackID=0") +
              " RTSP/1.0\r\ncSEQ: 20\r\ntransport: RTP/AVP/TCP;unicast\r\n\r\n");
  EXPECT_EQ(player.reply().header("CSeq"), "20");
  player.send("OPTIONS * RTSP/1.0\r\n\r\n");
  EXPECT_EQ(player.reply().status, 400);
  player.send("OPTIONS * RTSP/1.0\r\nCSeq: 21\r\nContent-Length: 999999\r\n\r\n");
  const Reply reply = player.reply();
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.header("CSeq"), "21");
  EXPECT_TRUE(player.wait_closed());
}

TEST_F(RtspChecklist, P31_TheDescriptionHasAllThatPlayersLookFor) {
  const Reply reply = player.ask("DESCRIBE", player.url(), "Accept: application/sdp\r\n");
  EXPECT_EQ(reply.header("Content-Type"), "application/sdp");
  EXPECT_THAT(reply.body, StartsWith("v=0\r\no="));
  EXPECT_THAT(reply.body, HasSubstr("\r\ns=cam\r\n"));
  EXPECT_THAT(reply.body, HasSubstr("\r\nc=IN IP4 0.0.0.0\r\n"));
  EXPECT_THAT(reply.body, HasSubstr("\r\nt=0 0\r\n"));
  EXPECT_THAT(reply.body, HasSubstr("\r\na=control:*\r\n"));
  EXPECT_THAT(reply.body, HasSubstr("\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"));
  EXPECT_THAT(reply.body, HasSubstr("packetization-mode=1;profile-level-id=42C01E;sprop-parameter-sets=Z0LAHtkB,"
                                    "aMuDyw==\r\n"));
  EXPECT_THAT(reply.body, HasSubstr("\r\na=control:trackID=0\r\n"));
  EXPECT_THAT(reply.body, Not(HasSubstr("SAVP")));
  EXPECT_EQ(reply.header("Content-Length"), std::to_string(reply.body.size()));
}

TEST_F(RtspChecklist, P31_ParameterSetsThatStandOnlyInTheStreamAreDescribedToo) {
  fixture.cam.set_format(Fixture::h264({640, 360}, false));
  EXPECT_THAT(player.ask("DESCRIBE", player.url()).body, HasSubstr("sprop-parameter-sets=Z0LAHtkB,aMuDyw=="));
}

TEST_F(RtspChecklist, P32_ParameterSetsComeBeforeEveryIdr) {
  player.play_tcp();
  for (int i = 0; i < 5; ++i) {
    fixture.push_gop(3);
    media::Packet bare;  // of a camera that sends them out of band
    bare.keyframe = true;
    bare.pts_us = fixture.pts_us += 33'333;
    bare.payload = media::Payload::from(annex_b({nal({0x65, 0, 0}, 3000)}));
    fixture.cam.push(std::move(bare));
  }
  ASSERT_TRUE(player.wait_packets(10 + 5 * (10 + 4)));
  const auto packets = player.rtp();
  int keyframes = 0;
  for (std::size_t i = 1; i < packets.size(); ++i) {
    const bool begins = payload_nal(packets[i]) == 28 && (std::to_integer<int>(packets[i].bytes[13]) & 0x80) != 0;
    if (!begins || packets[i].nal_type() != 5) continue;
    ++keyframes;
    EXPECT_EQ(payload_nal(packets[i - 1]), 24) << "SPS and PPS in one packet";
    EXPECT_EQ(std::to_integer<int>(packets[i - 1].bytes[15]) & 31, 7);
    EXPECT_EQ(packets[i - 1].u32(4), packets[i].u32(4));
  }
  EXPECT_EQ(keyframes, 11);
}

TEST_F(RtspChecklist, P33_TheFirstPacketOfEveryClientBelongsToAnIdr) {
  std::vector<std::unique_ptr<Player>> players;
  for (int i = 0; i < 25; ++i) {
    players.push_back(std::make_unique<Player>(fixture));
    players.back()->play_tcp();
    fixture.push(i % 7 == 6);
  }
  for (const auto& one : players) {
    ASSERT_TRUE(one->wait_packets(2));
    EXPECT_EQ(payload_nal(one->rtp()[0]), 24);
    EXPECT_EQ(one->rtp()[1].nal_type(), 5);
  }
}

TEST_F(RtspChecklist, P34_AFrameHasOneTimestampAndTheMarkerOnItsLastPacketOnly) {
  const std::int64_t first_us = fixture.pts_us - std::int64_t{3} * 33'333;
  fixture.push_gop(1);
  for (int i = 0; i < 29; ++i) fixture.push(false);
  player.play_tcp();
  ASSERT_TRUE(player.wait_packets(1 + 30 * 3));
  const auto packets = player.rtp();
  expect_contiguous(packets);
  std::int64_t frame = 3;
  const auto ticks = [&](std::int64_t number) {
    return campipe::rtp::ticks_from_us(first_us + number * 33'333, 90'000).value;
  };
  for (const Received& packet : packets) {
    EXPECT_EQ(packet.u32(4) - packets[0].u32(4), static_cast<std::uint32_t>(ticks(frame) - ticks(3))) << frame;
    EXPECT_EQ(packet.u32(8), packets[0].u32(8));
    if (packet.marker()) ++frame;
  }
  EXPECT_EQ(frame, 33);
}

struct RtspChecklistJpeg : RtspChecklist {
  hub::Stream& pictures = fixture.hub.add_stream("pictures", "");

  void push(const campipe::rtp::test::JpegImage& image) {
    media::StreamFormat format;
    format.video.codec = media::VideoCodec::mjpeg;
    format.video.size = {image.width, image.height};
    pictures.set_format(format);
    media::Packet packet;
    packet.pts_us = fixture.pts_us += 33'333;
    packet.keyframe = true;
    packet.payload = media::Payload::from(image.make());
    pictures.push(std::move(packet));
  }
};

TEST_F(RtspChecklistJpeg, P40_TablesAreInBandAndRestartMarkersAreTold) {
  for (const int interval : {0, 4}) {
    campipe::rtp::test::JpegImage image;
    image.restart_interval = interval;
    push(image);
    Player one(fixture);
    EXPECT_THAT(one.ask("DESCRIBE", one.url("/pictures")).body, HasSubstr("m=video 0 RTP/AVP 26\r\n"));
    one.play_tcp("/pictures");
    ASSERT_TRUE(one.wait_packets(2));
    const Received first = one.rtp().front();
    EXPECT_EQ(first.u16(0) & 0x7F, 26U);
    EXPECT_EQ(std::to_integer<int>(first.bytes[16]), interval == 0 ? 1 : 65);  // type
    EXPECT_EQ(std::to_integer<int>(first.bytes[17]), 255);                     // Q: the tables follow
    EXPECT_EQ(std::to_integer<int>(first.bytes[18]), 640 / 8);
    EXPECT_EQ(std::to_integer<int>(first.bytes[19]), 360 / 8);
    const std::size_t tables = interval == 0 ? 20 : 24;
    if (interval != 0) {
      EXPECT_EQ(first.u16(20), 4U);
    }
    EXPECT_EQ(first.u16(tables + 2), 128U);
  }
}

TEST_F(RtspChecklistJpeg, P40_MoreThan2040PixelsAreRefusedWithTheReason) {
  struct Case {
    int width, height;
    int status;
  };
  for (const Case& one : {Case{2040, 2040, 200}, Case{2048, 1080, 415}, Case{1080, 2048, 415}, Case{3840, 2160, 415}}) {
    campipe::rtp::test::JpegImage image;
    image.width = one.width;
    image.height = one.height;
    push(image);
    const Reply reply = player.ask("DESCRIBE", player.url("/pictures"));
    EXPECT_EQ(reply.status, one.status) << one.width;
    EXPECT_EQ(player.ask("SETUP", player.url("/pictures/trackID=0"), udp(51'900 + one.width % 100)).status, one.status);
    if (one.status == 200) continue;
    EXPECT_THAT(reply.line,
                HasSubstr("JPEG pictures over 2040 pixels do not fit RTP (RFC 2435): for RTSP put camenc -c "
                          "h264 before camserve"));
  }
}

}  // namespace
}  // namespace campipe::serve::test
