// The input changes its format while players are at one step or another.
#include "rtp/rtcp.hpp"
#include "serve/rtsp/checklist.hpp"

namespace campipe::serve::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Steps that a player has taken when the input changes.
enum class After { describe, setup, play };

struct RtspChanges : RtspChecklist {
  media::StreamFormat of(media::VideoCodec codec, Size size = {640, 360}) {
    media::StreamFormat format = Fixture::h264(size);
    format.video.codec = codec;
    return format;
  }
  static media::StreamFormat with_sound(media::AudioCodec codec, int rate_hz) {
    media::StreamFormat format = Fixture::h264();
    format.audio = media::AudioFormat{codec, rate_hz, 1, {std::byte{0x11}, std::byte{0x90}}};
    return format;
  }
  void sound(int value) {
    media::Packet packet;
    packet.track = media::Track::audio;
    packet.pts_us = fixture.pts_us;
    packet.payload = media::Payload::from(Bytes(160, static_cast<std::byte>(value)));
    fixture.cam.push(packet);
  }

  /// DESCRIBE, SETUP of the video and PLAY, as far as `after`, then the change, then the rest. The last status.
  int around(const media::StreamFormat& change, After after, Player& who) {
    const auto due = [&](After step) {
      if (step == after) fixture.cam.set_format(change);
    };
    EXPECT_EQ(who.ask("DESCRIBE", who.url()).status, 200);
    due(After::describe);
    const Reply setup = who.ask("SETUP", who.url("/cam/trackID=0"), kTcp);
    if (setup.status != 200) return setup.status;
    due(After::setup);
    const Reply played = who.ask("PLAY", who.url(), session_of(setup));
    due(After::play);
    return played.status;
  }
  int around(const media::StreamFormat& change, After after) { return around(change, after, player); }
  static bool said_goodbye(Player& who) {
    return who.wait_closed() && !who.rtcp().empty() &&
           campipe::rtp::parse_rtcp(who.rtcp().back().bytes).value_or(campipe::rtp::ReceiverInfo{}).goodbye;
  }
  /// New clients get the new format, whatever became of the old ones.
  void expect_new_clients_play() {
    fixture.push_gop(2);
    Player late(fixture);
    late.play_tcp();
    EXPECT_EQ(late.play_reply.status, 200);
    EXPECT_TRUE(late.wait_packets(3));
  }
};

TEST_F(RtspChanges, AnotherCodecIs404AfterDescribe) {
  EXPECT_EQ(around(of(media::VideoCodec::h265), After::describe), 404);
  EXPECT_EQ(player.ask("DESCRIBE", player.url()).status, 200) << "asked anew it goes on";
  EXPECT_EQ(player.ask("SETUP", player.url("/cam/trackID=0"), kTcp).status, 200);
}

TEST_F(RtspChanges, AnotherCodecEndsTheSessionThatIsSetUp) {
  EXPECT_EQ(around(of(media::VideoCodec::h265), After::setup), 454);
  EXPECT_EQ(fixture.server.session_count(), 0U);
  expect_new_clients_play();
}

TEST_F(RtspChanges, AnotherCodecEndsTheSessionThatPlaysWithGoodbye) {
  EXPECT_EQ(around(of(media::VideoCodec::h265), After::play), 200);
  EXPECT_TRUE(said_goodbye(player));
  EXPECT_EQ(fixture.server.session_count(), 0U);
  expect_new_clients_play();
}

TEST_F(RtspChanges, AnotherSizeGoesOnAfterDescribe) {
  EXPECT_EQ(around(of(media::VideoCodec::h264, {1280, 720}), After::describe), 200);
  fixture.push_gop(2);
  EXPECT_TRUE(player.wait_packets(3));
  EXPECT_EQ(frames_of(player.rtp()).front(), 3) << "nothing of the old size";
}

TEST_F(RtspChanges, AnotherSizeEndsTheSessionThatIsSetUp) {
  EXPECT_EQ(around(of(media::VideoCodec::h264, {1280, 720}), After::setup), 454);
  expect_new_clients_play();
}

TEST_F(RtspChanges, AnotherSizeEndsTheSessionThatPlaysWithGoodbye) {
  EXPECT_EQ(around(of(media::VideoCodec::h264, {1280, 720}), After::play), 200);
  EXPECT_TRUE(said_goodbye(player));
  expect_new_clients_play();
}

TEST_F(RtspChanges, SoundThatComesDisturbsNobodyAtAnyStep) {
  for (const After after : {After::describe, After::setup, After::play}) {
    fixture.cam.set_format(Fixture::h264());
    Player fresh(fixture);
    EXPECT_EQ(around(with_sound(media::AudioCodec::pcm_mulaw, 8000), after, fresh), 200);
    fixture.push_gop(2);
    sound(1);
    EXPECT_TRUE(fresh.wait_packets(3));
    EXPECT_FALSE(fresh.closed);
  }
}

TEST_F(RtspChanges, SoundThatGoesIsATrackLessAndThenSilence) {
  fixture.cam.set_format(with_sound(media::AudioCodec::pcm_mulaw, 8000));
  EXPECT_EQ(around(Fixture::h264(), After::play), 200);
  fixture.push_gop(2);
  EXPECT_TRUE(player.wait_packets(10));
  EXPECT_FALSE(player.closed);
  fixture.cam.set_format(with_sound(media::AudioCodec::pcm_mulaw, 8000));
  Player late(fixture);
  EXPECT_EQ(late.ask("DESCRIBE", late.url()).status, 200);
  const std::string session = set_up(late);
  fixture.cam.set_format(Fixture::h264());
  EXPECT_EQ(late.ask("SETUP", late.url("/cam/trackID=1"), session + "Transport: RTP/AVP/TCP;unicast\r\n").status, 404);
  EXPECT_EQ(late.ask("PLAY", late.url(), session).status, 200);
  fixture.push_gop(2);
  EXPECT_TRUE(late.wait_packets(5));
}

TEST_F(RtspChanges, SoundInAnotherCodingEndsOrIsRefused) {
  for (const auto& other :
       {with_sound(media::AudioCodec::pcm_alaw, 8000), with_sound(media::AudioCodec::aac, 48'000)}) {
    fixture.cam.set_format(with_sound(media::AudioCodec::pcm_mulaw, 8000));
    Player first(fixture);
    EXPECT_EQ(around(other, After::describe, first), 404);
    fixture.cam.set_format(with_sound(media::AudioCodec::pcm_mulaw, 8000));
    Player second(fixture);
    EXPECT_EQ(around(other, After::play, second), 200);
    EXPECT_TRUE(said_goodbye(second));
  }
  media::StreamFormat stereo = with_sound(media::AudioCodec::aac, 48'000);
  stereo.audio->extradata.back() = std::byte{0x88};  // the same line but for the configuration
  Player third(fixture);
  EXPECT_EQ(around(stereo, After::play, third), 200);
  EXPECT_TRUE(said_goodbye(third));
}

TEST_F(RtspChanges, NobodyHearsSoundOfTheFormatBefore) {
  fixture.cam.set_format(with_sound(media::AudioCodec::pcm_mulaw, 8000));
  fixture.push(true);
  sound(1);
  fixture.cam.set_format(with_sound(media::AudioCodec::pcm_alaw, 8000));
  sound(2);
  Player late(fixture);
  const std::string session = set_up(late);
  late.ask("SETUP", late.url("/cam/trackID=1"), session + "Transport: RTP/AVP/TCP;unicast;interleaved=2-3\r\n");
  EXPECT_EQ(late.ask("PLAY", late.url(), session).status, 200);
  ASSERT_TRUE(fixture.until([&] { return late.read_some(), !late.on_channel(2).empty(); }));
  EXPECT_EQ(late.on_channel(2)[0].u16(0) & 0x7F, 8U);  // PCMA
  EXPECT_EQ(late.on_channel(2)[0].bytes.back(), std::byte{2});
}

TEST_F(RtspChanges, EachChangeIsANewVersionOfTheDescription) {
  const auto version = [&] {
    const std::string sdp = player.ask("DESCRIBE", player.url()).body;
    const std::string origin = sdp.substr(sdp.find("o=- ") + 4);
    return std::stoul(origin.substr(origin.find(' ')));
  };
  unsigned long last = version();
  media::StreamFormat sets = Fixture::h264();
  sets.video.parameter_sets.back() = std::byte{0x77};
  for (const auto& format : {sets, of(media::VideoCodec::h264, {1280, 720}),
                             with_sound(media::AudioCodec::pcm_mulaw, 8000), of(media::VideoCodec::h264)}) {
    fixture.cam.set_format(format);
    fixture.push(true);
    const unsigned long now = version();
    EXPECT_GT(now, last);
    last = now;
  }
  fixture.cam.set_format(of(media::VideoCodec::h264));
  EXPECT_EQ(version(), last) << "a writer that was started again is no change";
}

}  // namespace
}  // namespace campipe::serve::test
