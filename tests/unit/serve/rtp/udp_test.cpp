#include <gtest/gtest.h>

#include "serve/rtsp/harness.hpp"

namespace campipe::serve {
namespace {

using test::Bytes;
using test::Fixture;
using test::Player;
using test::Ports;
using test::Received;
using test::Reply;

struct RtspUdpTest : ::testing::Test {
  Fixture fixture;
  Ports ports;
  std::vector<Received> rtp, rtcp;
  std::string session;

  Reply set_up(Player& player) {
    const Reply reply = player.ask("SETUP", player.url("/cam/trackID=0"), ports.transport());
    session = "Session: " + reply.header("Session").substr(0, 16) + "\r\n";
    return reply;
  }
  bool wait_packets(std::size_t count) {
    return fixture.until_paced([&] { return ports.read(rtp, rtcp), rtp.size() >= count; });
  }
};

TEST_F(RtspUdpTest, LargeKeyframesArriveWholeAndInOrder) {
  fixture.start();
  Player player(fixture);
  set_up(player);
  player.ask("PLAY", player.url(), session);
  for (int i = 0; i < 5; ++i) {
    rtp.clear();
    fixture.push(true, 400'000 + static_cast<std::size_t>(i) * 777);
    ASSERT_TRUE(wait_packets(1 + (400'000 + static_cast<std::size_t>(i) * 777 + 1440) / 1438)) << rtp.size();
    for (std::size_t k = 1; k < rtp.size(); ++k) ASSERT_EQ(rtp[k].u16(2), (rtp[k - 1].u16(2) + 1) & 0xFFFF);
    EXPECT_TRUE(rtp.back().marker());
  }
}

TEST_F(RtspUdpTest, PlayersOfOneKeyframeAreSentItInTurnsEachWithItsOwnHeaders) {
  fixture.start();
  Ports others;
  std::vector<Received> theirs;
  Player one(fixture), two(fixture);
  set_up(one);
  one.ask("PLAY", one.url(), session);
  std::swap(ports, others);
  set_up(two);
  two.ask("PLAY", two.url(), session);
  fixture.push(true, 200'000);  // several bursts, and those of the two in between each other
  const std::size_t count = 1 + (200'000 + 1440) / 1438;
  ASSERT_TRUE(fixture.until_paced([&] {
    ports.read(rtp, rtcp);
    others.read(theirs, rtcp);
    return rtp.size() >= count && theirs.size() >= count;
  })) << rtp.size()
      << " " << theirs.size();
  ASSERT_NE(rtp.front().u32(8), theirs.front().u32(8));
  for (const auto* packets : {&rtp, &theirs}) {
    for (std::size_t i = 1; i < count; ++i) {
      ASSERT_EQ((*packets)[i].u16(2), ((*packets)[i - 1].u16(2) + 1) & 0xFFFF);
      ASSERT_EQ((*packets)[i].u32(8), packets->front().u32(8));
    }
  }
  for (std::size_t i = 0; i < count; ++i)
    ASSERT_TRUE(std::ranges::equal(std::span(rtp[i].bytes).subspan(12), std::span(theirs[i].bytes).subspan(12)));
}

TEST(RtspUdp, WorksOverIpv6AndOverIpv4OnASocketOfBothFamilies) {
  struct Case {
    const char* listen;
    const char* client;
  };
  for (const Case& one : {Case{"[::1]:0", "[::1]:0"}, Case{":0", "127.0.0.1:0"}}) {
    SCOPED_TRACE(one.listen);
    Fixture fixture({}, one.listen);
    fixture.start();
    fixture.push_gop(3);
    Ports ports(one.client);
    Player player(fixture, one.client);
    const Reply describe = player.ask("DESCRIBE", player.url());
    EXPECT_NE(describe.body.find(one.client[0] == '[' ? "IN IP6 ::1" : "IN IP4 127.0.0.1"), std::string::npos);
    const Reply setup = player.ask("SETUP", player.url("/cam/trackID=0"), ports.transport());
    ASSERT_EQ(setup.status, 200);
    player.ask("PLAY", player.url(), "Session: " + setup.header("Session").substr(0, 16) + "\r\n");
    std::vector<Received> rtp, rtcp;
    EXPECT_TRUE(fixture.until_paced([&] { return ports.read(rtp, rtcp), rtp.size() >= 10; }));
  }
}

}  // namespace
}  // namespace campipe::serve
