#include "rtp/sender.hpp"

#include <cstdlib>

#include <gtest/gtest.h>

#include "rtp/bytes.hpp"
#include "rtp/bytes_of.hpp"

namespace campipe::rtp {
namespace {

constexpr std::int64_t kNowUs = 1'795'226'522'100'179;

TEST(Ticks, AreTheNearestForEveryMicrosecond) {
  EXPECT_EQ(ticks_from_us(0, 90'000).value, 0);
  EXPECT_EQ(ticks_from_us(11, 90'000).value, 1);  // 0.99
  EXPECT_EQ(ticks_from_us(5, 90'000).value, 0);   // 0.45
  EXPECT_EQ(ticks_from_us(6, 90'000).value, 1);   // 0.54
  EXPECT_EQ(ticks_from_us(-11, 90'000).value, -1);
  EXPECT_EQ(ticks_from_us(-1'000'000, 90'000).value, -90'000);
  for (std::int64_t us = kNowUs; us < kNowUs + 2'000'000; us += 997) {
    const std::int64_t ticks = ticks_from_us(us, 90'000).value;
    // Both products overflow, their difference does not: modulo 2^64 it is exact.
    const auto error = static_cast<std::int64_t>(static_cast<std::uint64_t>(ticks) * 1'000'000U -
                                                 static_cast<std::uint64_t>(us) * 90'000U);
    EXPECT_LE(std::abs(error), 500'000) << us;
  }
}

TEST(Ticks, SurviveTheLastMicrosecond) {
  for (const std::int64_t us : {INT64_MAX, INT64_MIN}) {
    EXPECT_NE(ticks_from_us(us, 90'000).value, 0);
    (void)ntp_from_ticks(ticks_from_us(us, 90'000), 90'000);
  }
}

TEST(Ntp, CountsFrom1900WithBinaryFractions) {
  EXPECT_EQ(ntp_from_ticks({0}, 90'000), (NtpTime{2'208'988'800U, 0}));
  EXPECT_EQ(ntp_from_ticks({45'000}, 90'000), (NtpTime{2'208'988'800U, 0x80000000U}));
  EXPECT_EQ(ntp_from_ticks({-45'000}, 90'000), (NtpTime{2'208'988'799U, 0x80000000U}));
  EXPECT_EQ(ntp_from_ticks({std::int64_t{90'000} * 2'085'978'496}, 90'000), (NtpTime{0, 0}));  // 2036
}

PayloadList three_packets() {
  PayloadList list(media::Payload::from(test::noise(30)));
  for (int i = 0; i < 3; ++i) {
    list.begin(test::bytes({0xAA, i}));
    list.end(i == 2, static_cast<std::uint32_t>(10 * i));
  }
  return list;
}

TEST(RtpSender, WritesTheHeaderOfRfc3550) {
  RtpSender sender(96, 90'000, {0xCAFEBABE, 0xFFFF, 0xFFFFFFFF});
  const PayloadList list = three_packets();
  std::array<std::byte, 24> out{};
  EXPECT_EQ(sender.write_header(list.payloads()[0], {1}, out.data()), 14U);
  const test::Bytes got(out.begin(), out.begin() + 14);
  EXPECT_EQ(got, test::bytes({0x80, 96, 0xFF, 0xFF, 0, 0, 0, 0, 0xCA, 0xFE, 0xBA, 0xBE, 0xAA, 0}));
  sender.write_header(list.payloads()[2], {1}, out.data());
  EXPECT_EQ(get_u16(out, 0), 0x80E0U);  // marker
  EXPECT_EQ(get_u16(out, 2), 0U);       // wrapped
  EXPECT_EQ(get_u32(out, 4), 20U);      // the packet's own share of the unit's time
  EXPECT_EQ(sender.next_sequence(), 1);
}

TEST(RtpSender, SequenceIsContiguousOverWhatIsSent) {
  RtpSender sender(96, 90'000, {1, 65'000, 2});
  const PayloadList list = three_packets();
  std::array<std::byte, 24> out{};
  for (std::uint32_t i = 0; i < 70'000; ++i) {
    sender.write_header(list.payloads()[i % 3], {i}, out.data());
    ASSERT_EQ(get_u16(out, 2), (65'000 + i) & 0xFFFF);
  }
}

TEST(RtpSender, ReportMapsTheSameInstantToBothClocks) {
  RtpSender sender(96, 90'000, {5, 1, 12'345});
  const SenderReport report = sender.report(kNowUs);
  const RtpTicks ticks = ticks_from_us(kNowUs, 90'000);
  EXPECT_EQ(report.ssrc, 5U);
  EXPECT_EQ(report.rtp_timestamp, sender.timestamp(ticks));
  EXPECT_EQ(report.ntp, ntp_from_ticks(ticks, 90'000));
  EXPECT_EQ(report.ntp.seconds, 2'208'988'800U + 1'795'226'522U);
}

TEST(RtpSender, CountsPacketsAndPayloadOctets) {
  RtpSender sender(96, 90'000, RtpSender::Identity::random());
  const PayloadList list = three_packets();
  std::array<std::byte, 24> out{};
  for (const RtpPayload& payload : list.payloads()) sender.write_header(payload, {}, out.data());
  EXPECT_EQ(sender.report(0).packets, 3U);
  EXPECT_EQ(sender.report(0).octets, 6U);
}

}  // namespace
}  // namespace campipe::rtp
