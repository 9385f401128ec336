// What was delivered, and how late: by hand, and over real sockets.
#include "serve/hub/deliveries.hpp"

#include <algorithm>
#include <csignal>
#include <numeric>

#include <gtest/gtest.h>

#include "net/http_server.hpp"
#include "net/net_helpers.hpp"
#include "serve/fake_media.hpp"
#include "serve/http/mjpeg_client.hpp"
#include "serve/rtsp/harness.hpp"
#include "serve/status/metrics.hpp"

namespace campipe::serve {
namespace {

using media::VideoCodec;
using net::TestClient;
using net::turn_until;

constexpr std::int64_t kMs = 1'000'000;

/// How many were within `seconds`.
std::uint64_t within(const hub::Histogram& histogram, double seconds) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < hub::Histogram::kBoundsUs.size(); ++i) {
    if (static_cast<double>(hub::Histogram::kBoundsUs[i]) / 1e6 <= seconds) count += histogram.buckets()[i];
  }
  return count;
}

TEST(Histogram, BoundsBelongToTheirBucketAndNothingIsLost) {
  hub::Histogram histogram;
  for (const std::int64_t us : {0, 50, 51, 1'000, 10'000'000, 10'000'001}) histogram.add_us(us);
  histogram.add_ns(-5);  // a clock that is behind
  EXPECT_EQ(histogram.buckets().front(), 3U);
  EXPECT_EQ(histogram.buckets()[1], 1U);
  EXPECT_EQ(histogram.buckets().back(), 1U);
  EXPECT_EQ(within(histogram, 0.001), 5U);
  EXPECT_EQ(histogram.count(), 7U);
  EXPECT_EQ(std::accumulate(histogram.buckets().begin(), histogram.buckets().end(), std::uint64_t{0}), 7U);
  EXPECT_NEAR(histogram.sum_s(), 20.001102, 1e-9);
  EXPECT_TRUE(std::ranges::is_sorted(hub::Histogram::kBoundsUs));
}

hub::Unit unit_at(std::int64_t arrived_ns, bool video = true) {
  hub::Unit unit;
  unit.arrived_ns = arrived_ns;
  unit.packet = video ? fake::picture(0) : fake::sound(0);
  return unit;
}

TEST(DeliveryMeter, CountsAUnitWhenTheKernelHasAllOfIt) {
  hub::Delivered delivered;
  hub::DeliveryMeter meter(delivered);
  meter.join(100 * kMs);
  meter.begin(unit_at(40 * kMs), 1000, 0, {});
  EXPECT_TRUE(meter.under_way());
  EXPECT_EQ(delivered.frames, 0U);
  meter.finish(130 * kMs, 3);
  EXPECT_FALSE(meter.under_way());
  EXPECT_EQ(delivered.frames, 1U);
  EXPECT_EQ(delivered.bytes, 1000U);
  EXPECT_EQ(delivered.send_calls, 3U);
  EXPECT_NEAR(delivered.join.sum_s(), 0.030, 1e-9);
  EXPECT_EQ(delivered.delay.count(), 0U) << "it was there before the client";
  meter.begin(unit_at(140 * kMs), 1000, 20'000, {.skips = 1, .skipped_units = 7});
  meter.finish(145 * kMs, 5);
  EXPECT_NEAR(delivered.delay.sum_s(), 0.005, 1e-9);
  EXPECT_NEAR(delivered.lag.sum_s(), 0.020, 1e-9);
  EXPECT_EQ(delivered.join.count(), 1U);
  EXPECT_EQ(delivered.skips, 1U);
  EXPECT_EQ(delivered.skipped_frames, 7U);
  EXPECT_EQ(delivered.send_calls, 5U);
}

TEST(DeliveryMeter, SoundIsBytesAndWhatIsGivenUpIsNothing) {
  hub::Delivered delivered;
  hub::DeliveryMeter meter(delivered);
  meter.join(0);
  meter.begin(unit_at(1, false), 20, 0, {});
  meter.finish(2, 1);
  meter.begin(unit_at(3), 1000, 0, {});
  meter.give_up(4);
  meter.finish(9, 4);
  EXPECT_EQ(delivered.bytes, 20U);
  EXPECT_EQ(delivered.frames + delivered.join.count() + delivered.delay.count(), 0U);
  EXPECT_EQ(delivered.send_calls, 4U);
}

TEST(DeliveryMeter, PlayingAgainIsAnotherJoinOfTheSameClient) {
  hub::Delivered delivered;
  hub::DeliveryMeter meter(delivered);
  for (int i = 0; i < 2; ++i) {
    meter.join(i);
    meter.begin(unit_at(i), 1, 0, {});
    meter.finish(i, 1);
  }
  EXPECT_EQ(delivered.clients, 1U);
  EXPECT_EQ(delivered.join.count(), 2U);
}

class MjpegDeliveriesTest : public testing::Test {
protected:
  MjpegDeliveriesTest() {
    std::signal(SIGPIPE, SIG_IGN);  // as cli::run() does
    cam_.set_format(fake::format(VideoCodec::mjpeg));
    server_ = std::make_unique<net::HttpServer>(
        loop_, net::listen_anywhere(), [this](const net::HttpRequest& request, net::HttpReply reply) {
          auto client = std::make_unique<http::MjpegClient>(loop_, hub_, cam_, request.peer,
                                                            http::MjpegClient::Options{.requested_ns = hub_.now_ns()});
          client_ = client.get();
          reply.stream(http::MjpegClient::head(), std::move(client));
        });
  }
  TestClient connect() {
    TestClient client(server_->address());
    client.send("GET / HTTP/1.1\r\n\r\n");
    turn_until(loop_, [&] { return cam_.client_count() == 1; });
    return client;
  }
  const hub::Delivered& delivered() const { return cam_.deliveries().of(hub::Protocol::http_mjpeg); }

  fake::Clock clock_;
  net::Loop loop_;
  hub::Hub hub_{hub::History::Limits{}, clock_.function()};
  hub::Stream& cam_ = hub_.add_stream("cam", "");
  std::unique_ptr<net::HttpServer> server_;
  http::MjpegClient* client_ = nullptr;
};

TEST_F(MjpegDeliveriesTest, StayWhenTheClientHasGone) {
  auto client = connect();
  for (int i = 0; i < 10; ++i) cam_.push(fake::picture(i), clock_.now_ns - 2 * kMs);
  turn_until(loop_, [&] { return client.has("X-Sequence: 9"); });
  client.close();
  turn_until(loop_, [&] { return cam_.client_count() == 0; });
  EXPECT_EQ(delivered().clients, 1U);
  EXPECT_EQ(delivered().frames, 10U);
  EXPECT_GE(delivered().send_calls, 10U);  // a picture is one, and the head
  EXPECT_LE(delivered().send_calls, 12U);
  EXPECT_EQ(delivered().join.count(), 1U);
}

TEST_F(MjpegDeliveriesTest, DelayEndsWithTheLastByteAlsoWhenThatGoesLater) {
  auto client = connect();
  cam_.push(fake::picture(0, true, 16 << 20));  // more than the kernel takes at once
  ASSERT_EQ(delivered().frames, 0U);
  clock_.now_ns += 3000 * kMs;
  turn_until(loop_, [&] { return client.received().size() > (16U << 20) && delivered().frames == 1; });
  EXPECT_EQ(delivered().delay.count(), 1U);
  EXPECT_NEAR(delivered().delay.sum_s(), 3.0, 1e-9);
  EXPECT_NEAR(delivered().join.sum_s(), 3.0, 1e-9);
  EXPECT_GT(delivered().send_calls, 1U);
}

TEST_F(MjpegDeliveriesTest, FanoutIsFromArrivalUntilAllHaveIt) {
  cam_.push(fake::picture(0));
  EXPECT_EQ(cam_.deliveries().fanout.count(), 0U) << "nobody there";
  auto client = connect();
  cam_.push(fake::picture(1), clock_.now_ns - 7 * kMs);
  EXPECT_EQ(cam_.deliveries().fanout.count(), 0U) << "it was there before anybody wanted it";
  clock_.now_ns += 100 * kMs;
  cam_.push(fake::picture(2), clock_.now_ns - 7 * kMs);
  EXPECT_EQ(cam_.deliveries().fanout.count(), 1U);
  EXPECT_NEAR(cam_.deliveries().fanout.sum_s(), 0.007, 1e-9);
}

TEST_F(MjpegDeliveriesTest, KickedClientHasAnEndAlsoInTheMiddleOfAPicture) {
  auto client = connect();
  cam_.push(fake::picture(0, true, 16 << 20));
  client_->end("kicked");
  EXPECT_EQ(cam_.client_count(), 0U);
  EXPECT_EQ(hub_.counters().at("clients_closed_total{protocol=\"http-mjpeg\",reason=\"kicked\"}"), 1U);
  turn_until(loop_, [&] { return client.ended(); });
  EXPECT_GT(client.received().size(), 16U << 20) << "what was under way comes to its end";
}

TEST_F(MjpegDeliveriesTest, MetricsAreCumulativeHistograms) {
  auto client = connect();
  cam_.push(fake::picture(0), clock_.now_ns);
  turn_until(loop_, [&] { return client.has("X-Sequence: 0"); });
  const std::string text = status::metrics_text(hub_, {});
  const std::string labels = R"({stream="cam",rendition="",codec="mjpeg",protocol="http-mjpeg")";
  EXPECT_NE(text.find("# TYPE campipe_client_delay_seconds histogram\n"), std::string::npos);
  EXPECT_NE(text.find("campipe_client_delay_seconds_bucket" + labels + ",le=\"5e-05\"} 1\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("campipe_client_delay_seconds_bucket" + labels + ",le=\"+Inf\"} 1\n"), std::string::npos);
  EXPECT_NE(text.find("campipe_client_delay_seconds_count" + labels + "} 1\n"), std::string::npos);
  EXPECT_NE(text.find("campipe_client_delay_seconds_sum" + labels + "} 0\n"), std::string::npos);
  EXPECT_NE(text.find("campipe_delivered_frames_total" + labels + "} 1\n"), std::string::npos);
  EXPECT_EQ(text.find("rtsp-udp"), std::string::npos) << "nobody came by it";
  EXPECT_NE(text.find(R"(campipe_stream_fanout_seconds_count{stream="cam",rendition="",codec="mjpeg"} 1)"),
            std::string::npos);
}

TEST(RtspDeliveries, InterleavedFrameIsOneSendCall) {
  test::Fixture fixture;
  fixture.start();
  fixture.push_gop(3);
  fixture.pass(std::chrono::milliseconds(1));
  test::Player player(fixture);
  player.play_tcp();
  ASSERT_TRUE(player.wait_packets(1 + 3 * 3));
  const hub::Delivered& delivered = fixture.cam.deliveries().of(hub::Protocol::rtsp_tcp);
  EXPECT_EQ(delivered.frames, 3U);
  EXPECT_EQ(delivered.join.count(), 1U);
  EXPECT_EQ(delivered.delay.count(), 0U) << "all were there before the client";
  const std::uint64_t calls = delivered.send_calls;
  for (int i = 0; i < 5; ++i) fixture.push(false);
  EXPECT_EQ(delivered.delay.count(), 5U);
  EXPECT_EQ(delivered.send_calls - calls, 5U);
}

TEST(RtspDeliveries, InterleavedFrameThatTakesLongerIsCountedAtItsEnd) {
  test::Fixture fixture;
  fixture.start();
  fixture.push(true);
  fixture.pass(std::chrono::milliseconds(1));
  test::Player player(fixture);
  player.play_tcp();
  ASSERT_TRUE(player.wait_packets(1));
  const hub::Delivered& delivered = fixture.cam.deliveries().of(hub::Protocol::rtsp_tcp);
  ASSERT_EQ(delivered.frames, 1U);
  fixture.push(true, 16 << 20);
  EXPECT_EQ(delivered.frames, 1U);
  EXPECT_TRUE(fixture.until([&] { return player.read_some(), delivered.frames == 2; }));
  EXPECT_EQ(delivered.delay.count(), 1U);
}

TEST(RtspDeliveries, DatagramsAreCountedWithTheLastOfAFrame) {
  test::Fixture fixture;
  fixture.start();
  test::Player player(fixture);
  // Datagrams for a port that nobody has are taken by the kernel all the same.
  const auto setup =
      player.ask("SETUP", player.url("/cam/trackID=0"), "Transport: RTP/AVP;unicast;client_port=49996-49997\r\n");
  player.ask("PLAY", player.url(), "Session: " + setup.header("Session").substr(0, 16) + "\r\n");
  fixture.push(true, 200'000);  // several bursts
  const hub::Delivered& delivered = fixture.cam.deliveries().of(hub::Protocol::rtsp_udp);
  fixture.pass(std::chrono::milliseconds(3));
  EXPECT_EQ(delivered.frames, 0U);
  fixture.pass(std::chrono::milliseconds(1));
  EXPECT_EQ(delivered.frames, 1U);
  EXPECT_EQ(delivered.delay.count(), 1U);
  EXPECT_NEAR(delivered.delay.sum_s(), 0.004, 1e-9);
  EXPECT_GE(delivered.send_calls, 5U);  // 140 packets in bursts of 32
}

TEST(RtspDeliveries, KickedSessionSaysGoodbyeAndClosesItsConnection) {
  test::Fixture fixture;
  fixture.start();
  fixture.push_gop(3);
  test::Player player(fixture);
  player.play_tcp();
  ASSERT_TRUE(player.wait_packets(9));
  ASSERT_EQ(fixture.cam.client_count(), 1U);
  fixture.cam.clients().front()->end("kicked");
  ASSERT_TRUE(player.wait_closed());
  EXPECT_EQ(player.rtcp().back().rtcp_type(), 200);  // a report with BYE behind it
  EXPECT_EQ(fixture.cam.client_count(), 0U);
  EXPECT_EQ(fixture.hub.counters().at(R"(clients_closed_total{protocol="rtsp-tcp",reason="kicked"})"), 1U);
}

}  // namespace
}  // namespace campipe::serve
