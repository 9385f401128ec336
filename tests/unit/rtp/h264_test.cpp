#include "rtp/h264.hpp"

#include <stdexcept>

#include <gtest/gtest.h>

#include "rtp/bytes.hpp"
#include "rtp/bytes_of.hpp"

namespace campipe::rtp::h264_test {
namespace {

using test::annex_b;
using test::Bytes;
using test::nal;

/// What a receiver of packetization-mode 1 makes of the payloads (RFC 6184, 5.4 to 5.8).
Bytes depacketize(const std::vector<Bytes>& payloads) {
  Bytes out;
  Bytes fragment;
  for (const Bytes& payload : payloads) {
    const int type = std::to_integer<int>(payload.at(0)) & 0x1F;
    const std::span<const std::byte> rest = std::span(payload).subspan(1);
    if (type < 24) {
      test::append(out, annex_b({payload}));
    } else if (type == 24) {
      for (std::size_t at = 0; at < rest.size();) {
        const std::size_t length = get_u16(rest, at);
        const auto unit = rest.subspan(at + 2, length);
        test::append(out, annex_b({Bytes(unit.begin(), unit.end())}));
        at += 2 + length;
      }
    } else if (type == 28) {
      const int fu = std::to_integer<int>(rest[0]);
      if ((fu & 0x80) != 0)
        fragment = {static_cast<std::byte>((std::to_integer<int>(payload[0]) & 0xE0) | (fu & 0x1F))};
      test::append(fragment, rest.subspan(1));
      if ((fu & 0x40) != 0) test::append(out, annex_b({fragment}));
    } else {
      ADD_FAILURE() << "payload type " << type;
    }
  }
  return out;
}

const Bytes kSps = nal({0x67}, 20);
const Bytes kPps = nal({0x68}, 5);
const Bytes kSei = nal({0x06}, 30);

struct Case {
  const char* name;
  Bytes unit;
  std::vector<int> types;  // of the payloads: 1-23 single, 24 STAP-A, 28 FU-A
};

TEST(H264Packetizer, GivesBackEveryByteAndMarksOnlyTheLastPacket) {
  constexpr std::size_t kMax = 100;
  const std::vector<Case> cases{
      {"one small slice", annex_b({nal({0x41}, 50)}), {1}},
      {"exactly full", annex_b({nal({0x41}, kMax - 1)}), {1}},
      {"one byte over", annex_b({nal({0x41}, kMax)}), {28, 28}},
      {"keyframe", annex_b({kSps, kPps, nal({0x65}, 400)}), {24, 28, 28, 28, 28, 28}},
      {"keyframe with SEI", annex_b({kSps, kPps, kSei, nal({0x65}, 60)}), {24, 5}},
      {"lone SEI stays single", annex_b({kSei, nal({0x41}, 10)}), {6, 1}},
      {"units too long for one STAP-A", annex_b({nal({0x67}, 60), nal({0x68}, 60), nal({0x65}, 9)}), {7, 8, 5}},
      {"slices are never aggregated", annex_b({nal({0x41}, 5), nal({0x41}, 6), nal({0x41}, 7)}), {1, 1, 1}},
      {"a unit of its header only", annex_b({nal({0x41}, 0), nal({0x41}, 200)}), {1, 28, 28, 28}},
      {"parameter sets last", annex_b({nal({0x41}, 5), kSps, kPps}), {1, 24}},
  };
  const H264Packetizer packetizer(kMax, {});
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    const auto list = packetizer.split(media::Payload::from(one.unit));
    ASSERT_TRUE(list.has_value());
    const std::vector<Bytes> payloads = test::flat(*list);
    std::vector<int> types;
    std::size_t sum = 0;
    for (const Bytes& payload : payloads) {
      EXPECT_LE(payload.size(), kMax);
      types.push_back(std::to_integer<int>(payload.at(0)) & 0x1F);
      sum += payload.size();
    }
    EXPECT_EQ(types, one.types);
    EXPECT_EQ(list->bytes(), sum);
    EXPECT_TRUE(test::marker_only_on_last(*list));
    EXPECT_EQ(depacketize(payloads), one.unit);
  }
}

TEST(H264Packetizer, KeepsTheImportanceOfAllUnitsInAnAggregate) {
  const auto list =
      H264Packetizer(200, {}).split(media::Payload::from(annex_b({nal({0x06}, 3), nal({0x28}, 3), nal({0x67}, 3)})));
  ASSERT_TRUE(list.has_value());
  EXPECT_EQ(test::flat(*list).at(0).at(0), std::byte{0x78});  // NRI 3, type 24
}

TEST(H264Packetizer, SetsStartAndEndOnlyOnTheOutermostFragments) {
  const auto list = H264Packetizer(64, {}).split(media::Payload::from(annex_b({nal({0x65}, 150)})));
  ASSERT_TRUE(list.has_value());
  std::vector<int> bits;
  for (const Bytes& payload : test::flat(*list)) bits.push_back(std::to_integer<int>(payload.at(1)) & 0xE0);
  EXPECT_EQ(bits, (std::vector<int>{0x80, 0, 0x40}));
}

TEST(H264Packetizer, SendsParameterSetsBeforeAnIdrThatHasNone) {
  const H264Packetizer packetizer(1000, annex_b({kSps, kPps}));
  const Bytes idr = nal({0x65}, 50);
  const auto bare = packetizer.split(media::Payload::from(annex_b({idr})));
  const auto whole = packetizer.split(media::Payload::from(annex_b({kSps, kPps, idr})));
  const auto inter = packetizer.split(media::Payload::from(annex_b({nal({0x41}, 50)})));
  ASSERT_TRUE(bare && whole && inter);
  EXPECT_EQ(depacketize(test::flat(*bare)), annex_b({kSps, kPps, idr}));
  EXPECT_EQ(depacketize(test::flat(*whole)), annex_b({kSps, kPps, idr}));
  EXPECT_EQ(inter->payloads().size(), 1U);
}

TEST(H264Packetizer, LeavesOutWhatReceiversHaveNoUseFor) {
  const Bytes slice = nal({0x41}, 10);
  const auto list = H264Packetizer(100, {}).split(
      media::Payload::from(annex_b({nal({0x09}, 1), nal({0x0C}, 9), nal({0x7C}, 9), slice, nal({0x0A}, 0)})));
  ASSERT_TRUE(list.has_value());
  EXPECT_EQ(depacketize(test::flat(*list)), annex_b({slice}));
}

TEST(H264Packetizer, RefusesUnitsWithoutData) {
  for (const Bytes& unit : {Bytes{}, test::bytes({0, 0, 0, 1}), test::bytes({1, 2, 3}), annex_b({nal({0x09}, 1)})}) {
    const auto list = H264Packetizer(100, {}).split(media::Payload::from(unit));
    ASSERT_FALSE(list.has_value());
    EXPECT_EQ(list.error(), RtpError::empty);
  }
}

TEST(H264Packetizer, RefusesPayloadSizesThatLeaveNoRoom) {
  EXPECT_THROW(H264Packetizer(63, {}), std::invalid_argument);
  EXPECT_NO_THROW(H264Packetizer(64, {}));
}

}  // namespace
}  // namespace campipe::rtp::h264_test
