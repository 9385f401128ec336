// What a session does with an output that takes or loses what it is given.
#include "serve/rtp/session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/rtsp/harness.hpp"

namespace campipe::serve {
namespace {

using ::testing::ElementsAre;

/// Takes everything at once, and loses what it is told to.
struct Output : rtp::Output {
  std::vector<std::int64_t> given;  // times of units, video as it is, sound negative
  bool loses = false;

  bool idle() const override { return true; }
  std::size_t send(std::size_t track, campipe::rtp::RtpSender&, campipe::rtp::RtpTicks,
                   const campipe::rtp::PayloadList& list, hub::UnitPtr unit) override {
    given.push_back(track == 0 ? unit->packet.pts_us : -unit->packet.pts_us);
    return list.bytes();
  }
  void send_rtcp(std::size_t, std::span<const std::byte>) override {}
  Progress progress() override {
    if (loses) return {.lost = true};
    return {.taken_ns = 1};
  }
  std::int64_t stuck_ms() const override { return 0; }
};

struct RtspSessionTest : ::testing::Test {
  test::Fixture fixture;
  std::unique_ptr<rtp::Session> session;
  Output* output = nullptr;

  RtspSessionTest() {
    media::StreamFormat format = test::Fixture::h264();
    format.audio = media::AudioFormat{media::AudioCodec::pcm_mulaw, 8000, 1, {}};
    fixture.cam.set_format(format);
    session = std::make_unique<rtp::Session>(fixture.loop, fixture.hub, fixture.cam, "id", rtp::LowerTransport::udp,
                                             rtp::Session::Peer{"192.0.2.1:1", "name"}, rtp::Session::Options{},
                                             [](std::string_view) {});
    auto made = std::make_unique<Output>();
    output = made.get();
    session->set_output(std::move(made));
    session->set_up(0, "rtsp://h/cam/trackID=0");
    session->set_up(1, "rtsp://h/cam/trackID=1");
    session->play();
    session->start();
  }
  void picture(std::int64_t at_us, bool key) {
    fixture.pts_us = at_us;
    fixture.push(key, 100);
  }
  void sound(std::int64_t at_us) {
    media::Packet packet;
    packet.track = media::Track::audio;
    packet.pts_us = at_us;
    packet.payload = media::Payload::from(campipe::rtp::test::noise(160));
    fixture.cam.push(packet);
  }
};

TEST_F(RtspSessionTest, NothingThatRefersToALostPictureIsSent) {
  picture(1000, true);
  picture(2000, false);
  output->loses = true;
  picture(3000, false);
  output->loses = false;
  picture(4000, false);
  sound(4500);
  picture(5000, false);
  picture(6000, true);
  picture(7000, false);
  sound(7500);
  EXPECT_THAT(output->given, ElementsAre(1000, 2000, 3000, 6000, 7000, -7500));
  EXPECT_EQ(session->counters().skips, 1U);
  EXPECT_EQ(session->counters().skipped_units, 2U);
}

TEST_F(RtspSessionTest, LostSoundIsOnlyItself) {
  picture(1000, true);
  output->loses = true;
  sound(1500);
  output->loses = false;
  picture(2000, false);
  EXPECT_THAT(output->given, ElementsAre(1000, -1500, 2000));
  EXPECT_EQ(session->counters().skips, 0U);
}

}  // namespace
}  // namespace campipe::serve
