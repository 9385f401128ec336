#include "rtp/rtcp.hpp"

#include <gtest/gtest.h>

#include "rtp/bytes.hpp"
#include "rtp/bytes_of.hpp"

namespace campipe::rtp {
namespace {

using test::Bytes;
using test::bytes;

TEST(Rtcp, SenderReportIsByteForByteRfc3550) {
  const SenderReport report{0x01020304, {0xE0000001, 0x80000000}, 0x0A0B0C0D, 7, 1000};
  const Bytes expected =
      bytes({0x80, 200, 0, 6, 1, 2,    3,    4,   0xE0, 0, 0, 1, 0x80, 0, 0, 0, 10,  11,  12,  13,  0,   0,
             0,    7,   0, 0, 3, 0xE8, 0x81, 202, 0,    3, 1, 2, 3,    4, 1, 5, 'a', '@', 'b', '.', 'c', 0});
  EXPECT_EQ(make_sender_report(report, "a@b.c"), expected);
}

TEST(Rtcp, EveryNameIsPaddedToWholeWordsAndEndedByANull) {
  for (std::size_t length : {0U, 1U, 2U, 3U, 4U, 5U, 255U, 300U}) {
    const Bytes packet = make_sender_report({}, std::string(length, 'x'));
    EXPECT_EQ(packet.size() % 4, 0U);
    EXPECT_EQ(packet.back(), std::byte{0});
    const auto info = parse_rtcp(packet);
    ASSERT_TRUE(info.has_value()) << length;
    EXPECT_FALSE(info->goodbye);
  }
}

TEST(Rtcp, GoodbyeEndsTheCompoundPacket) {
  const Bytes packet = make_goodbye({.ssrc = 0x11223344}, "x");
  const auto info = parse_rtcp(packet);
  ASSERT_TRUE(info.has_value());
  EXPECT_TRUE(info->goodbye);
  EXPECT_EQ(get_u32(packet, packet.size() - 4), 0x11223344U);
}

TEST(Rtcp, ReadsReceiverReports) {
  Bytes packet = bytes({0x81, 201, 0,    7,    9, 9, 9, 9,  1, 2, 3, 4, 25, 0xFF, 0xFF, 0xFE,
                        0,    1,   0x12, 0x34, 0, 0, 0, 90, 5, 6, 7, 8, 0,  1,    0x80, 0});
  test::append(packet, bytes({0x81, 203, 0, 1, 9, 9, 9, 9}));
  const auto info = parse_rtcp(packet);
  ASSERT_TRUE(info.has_value());
  ASSERT_EQ(info->reports.size(), 1U);
  EXPECT_EQ(info->reports[0].ssrc, 0x01020304U);
  EXPECT_EQ(info->reports[0].fraction_lost, 25);
  EXPECT_EQ(info->reports[0].cumulative_lost, -2);
  EXPECT_EQ(info->reports[0].highest_sequence, 0x11234U);
  EXPECT_EQ(info->reports[0].jitter, 90U);
  EXPECT_EQ(info->reports[0].last_report, 0x05060708U);
  EXPECT_EQ(info->reports[0].since_report, 0x18000U);
  EXPECT_TRUE(info->goodbye);
}

TEST(Rtcp, SkipsTypesItDoesNotKnow) {
  EXPECT_TRUE(parse_rtcp(bytes({0x81, 205, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0})).has_value());
}

TEST(Rtcp, RefusesWhatIsNoRtcp) {
  const std::vector<Bytes> cases{
      {},
      bytes({0x80}),
      bytes({0x00, 201, 0, 1, 0, 0, 0, 0}),  // version 0
      bytes({0x81, 201, 0, 1, 0, 0, 0, 0}),  // one block promised, none there
      bytes({0x9F, 201, 0, 7, 0, 0, 0, 0}),  // length over the end
      bytes({0x80, 201, 0xFF, 0xFF, 0, 0, 0, 0}),
      bytes({0x80, 201, 0, 1, 0, 0, 0, 0, 1}),  // a byte behind it
      bytes({0x82, 203, 0, 1, 0, 0, 0, 0}),     // two sources promised
      test::text_bytes("OPTIONS rtsp://h/ RTSP/1.0\r\n\r\n"),
  };
  for (const Bytes& packet : cases) EXPECT_FALSE(parse_rtcp(packet).has_value()) << packet.size();
}

TEST(Rtcp, CutPacketsAreRefusedAtEveryLength) {
  const Bytes packet = make_goodbye({}, "name");
  for (std::size_t length = 1; length < packet.size(); ++length) {
    const auto info = parse_rtcp(std::span(packet).first(length));
    if (info) {
      EXPECT_FALSE(info->goodbye) << length;  // cut between two packets: the rest is missing, not wrong
    }
  }
}

}  // namespace
}  // namespace campipe::rtp
