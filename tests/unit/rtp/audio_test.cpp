#include "rtp/audio.hpp"

#include <gtest/gtest.h>

#include "rtp/bytes.hpp"
#include "rtp/bytes_of.hpp"

namespace campipe::rtp {
namespace {

using test::Bytes;

TEST(AacPacketizer, PutsTheUnitsSizeBeforeIt) {
  const Bytes unit = test::noise(300);
  const auto list = AacPacketizer(1000).split(media::Payload::from(unit));
  ASSERT_TRUE(list.has_value());
  ASSERT_EQ(list->payloads().size(), 1U);
  EXPECT_TRUE(list->payloads()[0].marker);
  Bytes expected = test::bytes({0, 16, 300 >> 5, (300 << 3) & 255});
  test::append(expected, unit);
  EXPECT_EQ(test::flat(*list).at(0), expected);
}

TEST(AacPacketizer, FragmentsCarryTheSizeOfTheWholeUnit) {
  const Bytes unit = test::noise(250);
  const auto list = AacPacketizer(104).split(media::Payload::from(unit));
  ASSERT_TRUE(list.has_value());
  EXPECT_TRUE(test::marker_only_on_last(*list));
  Bytes joined;
  for (const Bytes& payload : test::flat(*list)) {
    EXPECT_LE(payload.size(), 104U);
    EXPECT_EQ(get_u16(payload, 2) >> 3, 250U);
    test::append(joined, std::span(payload).subspan(4));
  }
  EXPECT_EQ(joined, unit);
}

TEST(AacPacketizer, RefusesWhatThirteenBitsCannotSay) {
  EXPECT_TRUE(AacPacketizer(1000).split(media::Payload::from(test::noise(8191))).has_value());
  EXPECT_EQ(AacPacketizer(1000).split(media::Payload::from(test::noise(8192))).error(), RtpError::too_large);
  EXPECT_EQ(AacPacketizer(1000).split({}).error(), RtpError::empty);
}

TEST(G711Packetizer, CutsAtWholeSamplesAndAdvancesTheTime) {
  const Bytes unit = test::noise(402);
  const auto list = G711Packetizer(101, 2).split(media::Payload::from(unit));
  ASSERT_TRUE(list.has_value());
  Bytes joined;
  for (const RtpPayload& payload : list->payloads()) {
    EXPECT_EQ(payload.extra_ticks, joined.size() / 2);
    EXPECT_FALSE(payload.marker);
    EXPECT_EQ(payload.bytes % 2, 0U);
    test::append(joined, test::flat(*list, payload));
  }
  EXPECT_EQ(joined, unit);
  EXPECT_EQ(list->payloads().size(), 5U);
}

TEST(OpusPacketizer, SendsEachPacketAsItIs) {
  const Bytes unit = test::noise(160);
  const auto list = OpusPacketizer(200).split(media::Payload::from(unit));
  ASSERT_TRUE(list.has_value());
  EXPECT_EQ(test::flat(*list), std::vector<Bytes>{unit});
  EXPECT_EQ(OpusPacketizer(100).split(media::Payload::from(unit)).error(), RtpError::too_large);
}

}  // namespace
}  // namespace campipe::rtp
