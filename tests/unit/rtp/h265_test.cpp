#include "rtp/h265.hpp"

#include <gtest/gtest.h>

#include "rtp/bytes.hpp"
#include "rtp/bytes_of.hpp"

namespace campipe::rtp::h265_test {
namespace {

using test::annex_b;
using test::Bytes;
using test::nal;

/// RFC 7798, 4.4, without DONL.
Bytes depacketize(const std::vector<Bytes>& payloads) {
  Bytes out;
  Bytes fragment;
  for (const Bytes& payload : payloads) {
    const int first = std::to_integer<int>(payload.at(0));
    const int type = first >> 1 & 0x3F;
    const std::span<const std::byte> rest = std::span(payload).subspan(2);
    if (type < 48) {
      test::append(out, annex_b({payload}));
    } else if (type == 48) {
      for (std::size_t at = 0; at < rest.size();) {
        const std::size_t length = get_u16(rest, at);
        const auto unit = rest.subspan(at + 2, length);
        test::append(out, annex_b({Bytes(unit.begin(), unit.end())}));
        at += 2 + length;
      }
    } else {
      EXPECT_EQ(type, 49);
      const int fu = std::to_integer<int>(rest[0]);
      if ((fu & 0x80) != 0) fragment = {static_cast<std::byte>((first & 0x81) | (fu & 0x3F) << 1), payload.at(1)};
      test::append(fragment, rest.subspan(1));
      if ((fu & 0x40) != 0) test::append(out, annex_b({fragment}));
    }
  }
  return out;
}

const Bytes kVps = nal({0x40, 0x01}, 20);
const Bytes kSps = nal({0x42, 0x01}, 30);
const Bytes kPps = nal({0x44, 0x01}, 5);

struct Case {
  const char* name;
  Bytes unit;
  std::vector<int> types;
};

TEST(H265Packetizer, GivesBackEveryByteAndMarksOnlyTheLastPacket) {
  constexpr std::size_t kMax = 100;
  const std::vector<Case> cases{
      {"one small slice", annex_b({nal({0x02, 0x01}, 50)}), {1}},
      {"exactly full", annex_b({nal({0x02, 0x01}, kMax - 2)}), {1}},
      {"one byte over", annex_b({nal({0x02, 0x01}, kMax - 1)}), {49, 49}},
      {"keyframe", annex_b({kVps, kSps, kPps, nal({0x26, 0x01}, 250)}), {48, 49, 49, 49}},
      {"sub-layer kept", annex_b({nal({0x02, 0x0B}, 250)}), {49, 49, 49}},
  };
  const H265Packetizer packetizer(kMax, {});
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    const auto list = packetizer.split(media::Payload::from(one.unit));
    ASSERT_TRUE(list.has_value());
    std::vector<int> types;
    for (const Bytes& payload : test::flat(*list)) {
      EXPECT_LE(payload.size(), kMax);
      types.push_back(std::to_integer<int>(payload.at(0)) >> 1 & 0x3F);
    }
    EXPECT_EQ(types, one.types);
    EXPECT_TRUE(test::marker_only_on_last(*list));
    EXPECT_EQ(depacketize(test::flat(*list)), one.unit);
  }
}

TEST(H265Packetizer, AggregateHasTheLowestLayerAndTemporalId) {
  const auto list =
      H265Packetizer(200, {}).split(media::Payload::from(annex_b({nal({0x4E, 0x0B}, 3), nal({0x4E, 0x12}, 3)})));
  ASSERT_TRUE(list.has_value());
  const Bytes payload = test::flat(*list).at(0);
  EXPECT_EQ(payload.at(0), std::byte{0x60});
  EXPECT_EQ(payload.at(1), std::byte{0x0A});  // layer 1, temporal-id-plus-1 2
}

TEST(H265Packetizer, SendsParameterSetsBeforeARandomAccessPictureThatHasNone) {
  const H265Packetizer packetizer(1000, annex_b({kVps, kSps, kPps}));
  for (const int type : {16, 19, 20, 21}) {
    const Bytes picture = nal({type << 1, 0x01}, 50);
    const auto list = packetizer.split(media::Payload::from(annex_b({picture})));
    ASSERT_TRUE(list.has_value());
    EXPECT_EQ(depacketize(test::flat(*list)), annex_b({kVps, kSps, kPps, picture}));
  }
}

TEST(H265Packetizer, RefusesUnitsWithoutData) {
  for (const Bytes& unit : {Bytes{}, annex_b({nal({0x46, 0x01}, 1)}), annex_b({nal({0x02}, 0)})}) {
    EXPECT_EQ(H265Packetizer(100, {}).split(media::Payload::from(unit)).error(), RtpError::empty);
  }
}

}  // namespace
}  // namespace campipe::rtp::h265_test
