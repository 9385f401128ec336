#include "serve/rtp/receiver_quality.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rtp/bytes.hpp"
#include "serve/rtsp/harness.hpp"
#include "serve/status/status.hpp"

namespace campipe::serve {
namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr std::uint32_t kSecondsOfDelay = 65536;

TEST(RtspTrackQuality, IsUnknownBeforeTheFirstReport) {
  rtp::ReceiverQuality quality;
  quality.on_sent({.ntp = {1, 2}}, 0);
  EXPECT_FALSE(quality.value());
}

TEST(RtspTrackQuality, TellsLossAndJitterInPlainUnits) {
  rtp::ReceiverQuality quality;
  quality.on_received({.fraction_lost = 64, .cumulative_lost = -3, .jitter = 900}, 90'000, 0);
  ASSERT_TRUE(quality.value());
  EXPECT_EQ(quality.value()->loss_fraction, 0.25);
  EXPECT_EQ(quality.value()->packets_lost, -3);
  EXPECT_EQ(quality.value()->jitter_ms, 10);
  EXPECT_FALSE(quality.value()->round_trip_ms) << "it names no report of ours";
}

TEST(RtspTrackQuality, RoundTripIsWhatPassedWithoutWhatTheReceiverHeldIt) {
  rtp::ReceiverQuality quality;
  quality.on_sent({.ntp = {0x1234'5678, 0x9ABC'DEF0}}, 100 * kMs);
  const campipe::rtp::ReportBlock answer{.last_report = 0x5678'9ABC, .since_report = kSecondsOfDelay / 4};
  quality.on_received(answer, 90'000, 390 * kMs);
  EXPECT_DOUBLE_EQ(quality.value()->round_trip_ms.value(), 40);
}

TEST(RtspTrackQuality, AnswersToOtherReportsAndImpossibleDelaysChangeNoRoundTrip) {
  rtp::ReceiverQuality quality;
  quality.on_sent({.ntp = {1, 0}}, 100 * kMs);
  quality.on_received({.last_report = 0x0002'0000}, 90'000, 200 * kMs);
  EXPECT_FALSE(quality.value()->round_trip_ms);
  quality.on_received({.last_report = 0x0001'0000, .since_report = kSecondsOfDelay}, 90'000, 200 * kMs);
  EXPECT_FALSE(quality.value()->round_trip_ms);
  quality.on_received({.last_report = 0x0001'0000}, 90'000, 130 * kMs);
  EXPECT_DOUBLE_EQ(quality.value()->round_trip_ms.value(), 30);
}

/// A receiver report about `ssrc` that answers the sender report `sent`, interleaved on channel 1.
std::string report_about(std::uint32_t ssrc, const test::Received& sent) {
  std::vector<std::byte> block;
  for (const std::uint32_t word :
       {0x81C9'0007U, 0x0909'0909U, ssrc, 0x8000'0005U, 0U, 180U, sent.u32(8) << 16 | sent.u32(12) >> 16, 0U})
    campipe::rtp::append_u32(block, word);
  std::string text("$\x01\x00\x20", 4);
  return text.append(reinterpret_cast<const char*>(block.data()), block.size());
}

TEST(RtspQuality, AClientsReportsAreShownInItsEntry) {
  test::Fixture fixture;
  fixture.start();
  fixture.push(true);
  test::Player player(fixture);
  player.play_tcp();
  ASSERT_TRUE(fixture.until([&] { return player.read_some(), !player.rtcp().empty() && !player.rtp().empty(); }));
  const auto client = [&] { return nlohmann::json::parse(status::clients_json(fixture.hub))["clients"][0]; };
  EXPECT_TRUE(client()["loss_fraction"].is_null());
  EXPECT_TRUE(client()["round_trip_ms"].is_null());
  const std::uint32_t ssrc = player.rtp()[0].u32(8);
  player.send(report_about(ssrc + 1, player.rtcp()[0]));  // of somebody else
  player.send(report_about(ssrc, player.rtcp()[0]));
  ASSERT_TRUE(fixture.until([&] { return !client()["loss_fraction"].is_null(); }));
  EXPECT_EQ(client()["loss_fraction"], 0.5);
  EXPECT_EQ(client()["packets_lost"], 5);
  EXPECT_EQ(client()["jitter_ms"], 2);
  EXPECT_GE(client()["round_trip_ms"], 0);
  EXPECT_EQ(fixture.hub.counters().at("rtsp_receiver_reports_total"), 1U);
}

}  // namespace
}  // namespace campipe::serve
