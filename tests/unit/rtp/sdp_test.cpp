#include "rtp/sdp.hpp"

#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rtp/bytes_of.hpp"
#include "rtp/packetizer.hpp"

namespace campipe::rtp {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

media::VideoFormat h264() {
  return {
      .codec = media::VideoCodec::h264,
      .size = {640, 360},
      .frame_rate = {30'000, 1001},
      .parameter_sets = test::annex_b({test::bytes({0x67, 0x42, 0xC0, 0x1E, 0xD9}), test::bytes({0x68, 0xCB, 0x83})})};
}

TEST(Sdp, DescribesH264WithItsParameterSets) {
  SessionDescription session{
      .id = 17, .version = 3, .name = "cam", .origin_host = "192.0.2.7", .tracks = {describe_track(h264())}};
  EXPECT_EQ(
      make_sdp(session),
      "v=0\r\no=- 17 3 IN IP4 192.0.2.7\r\ns=cam\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=tool:campipe\r\na=type:broadcast\r\n"
      "a=control:*\r\na=range:npt=now-\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
      "a=fmtp:96 packetization-mode=1;profile-level-id=42C01E;sprop-parameter-sets=Z0LAHtk=,aMuD\r\n"
      "a=framerate:29.97\r\na=control:trackID=0\r\n");
}

TEST(Sdp, NumbersTracksFromZeroInOrder) {
  SessionDescription session{.name = "cam"};
  session.tracks = {describe_track(h264()),
                    describe_track(media::AudioFormat{media::AudioCodec::pcm_mulaw, 8000, 1, {}})};
  const std::string sdp = make_sdp(session);
  EXPECT_THAT(
      sdp, HasSubstr("a=control:trackID=0\r\nm=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=control:trackID=1\r\n"));
}

TEST(Sdp, NamesIpv6AsSuch) {
  const std::string sdp = make_sdp({.origin_host = "2001:db8::1"});
  EXPECT_THAT(sdp, HasSubstr("IN IP6 2001:db8::1\r\n"));
  EXPECT_THAT(sdp, HasSubstr("c=IN IP6 ::\r\n"));
  EXPECT_THAT(sdp, HasSubstr("s=-\r\n"));
}

TEST(Sdp, H264WithoutParameterSetsHasNoEmptyAttributes) {
  media::VideoFormat format = h264();
  format.parameter_sets.clear();
  EXPECT_EQ(describe_track(format).fmtp, "packetization-mode=1");
}

TEST(Sdp, WhatASourceClaimsDoesNotMakeLinesTooLongForPlayers) {
  const auto large = [](int type) { return test::nal({type, 0x42, 0xC0, 0x1E}, 20'000); };
  media::VideoFormat format = h264();
  format.parameter_sets = test::annex_b({large(0x67), large(0x68)});
  EXPECT_EQ(describe_track(format).fmtp, "packetization-mode=1;profile-level-id=42C01E");
  format.codec = media::VideoCodec::h265;
  format.parameter_sets = test::annex_b({large(0x40), large(0x42), test::bytes({0x44, 0x01, 0xC1})});
  EXPECT_EQ(describe_track(format).fmtp, "sprop-pps=RAHB");
  const media::AudioFormat aac{media::AudioCodec::aac, 48'000, 2, std::vector<std::byte>(5'000, std::byte{0x11})};
  EXPECT_FALSE(is_supported(aac));
}

TEST(Sdp, FrameRatesThatCannotBeAreLeftOut) {
  media::VideoFormat format = h264();
  for (const Rational rate : {Rational{1, 0}, Rational{0, 1}, Rational{2'147'483'647, 1}, Rational{1, 1'000'000}}) {
    format.frame_rate = rate;
    EXPECT_EQ(describe_track(format).frame_rate, "") << rate.num;
  }
  format.frame_rate = {1, 10};
  EXPECT_EQ(describe_track(format).frame_rate, "0.1");
}

TEST(Sdp, DescribesH265AndJpeg) {
  media::VideoFormat format{.codec = media::VideoCodec::h265};
  format.parameter_sets =
      test::annex_b({test::bytes({0x40, 1, 9}), test::bytes({0x42, 1, 9}), test::bytes({0x44, 1, 9})});
  EXPECT_EQ(describe_track(format).fmtp, "sprop-vps=QAEJ;sprop-sps=QgEJ;sprop-pps=RAEJ");
  EXPECT_EQ(describe_track(format).rtpmap, "H265/90000");
  const TrackDescription jpeg = describe_track(media::VideoFormat{.codec = media::VideoCodec::mjpeg});
  EXPECT_EQ(jpeg.payload_type, 26);
  EXPECT_EQ(jpeg.rtpmap, "JPEG/90000");
}

TEST(Sdp, DescribesAudio) {
  struct Case {
    media::AudioFormat format;
    int payload_type;
    std::string rtpmap;
  };
  const std::vector<Case> cases{
      {{media::AudioCodec::pcm_alaw, 8000, 1, {}}, 8, "PCMA/8000"},
      {{media::AudioCodec::pcm_mulaw, 16000, 1, {}}, 97, "PCMU/16000"},
      {{media::AudioCodec::pcm_mulaw, 8000, 2, {}}, 97, "PCMU/8000/2"},
      {{media::AudioCodec::opus, 16000, 1, {}}, 97, "opus/48000/2"},
      {{media::AudioCodec::aac, 44100, 2, test::bytes({0x12, 0x10})}, 97, "mpeg4-generic/44100/2"},
  };
  for (const Case& one : cases) {
    const TrackDescription track = describe_track(one.format);
    EXPECT_EQ(track.rtpmap, one.rtpmap);
    EXPECT_EQ(track.payload_type, one.payload_type);
  }
  EXPECT_THAT(describe_track(cases.back().format).fmtp,
              HasSubstr("mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1210"));
}

TEST(Sdp, SupportedFormatsAreThoseWithAPacketizer) {
  const std::vector<media::AudioFormat> audio{{media::AudioCodec::aac, 48000, 2, test::bytes({1})},
                                              {media::AudioCodec::pcm_alaw, 8000, 1, {}},
                                              {media::AudioCodec::opus, 48000, 2, {}},
                                              {media::AudioCodec::mp3, 48000, 2, {}},
                                              {media::AudioCodec::pcm_s16le, 48000, 2, {}}};
  for (const auto& format : audio)
    EXPECT_EQ(is_supported(format), make_packetizer(format, 1000) != nullptr) << media::name(format.codec);
  for (const auto codec :
       {media::VideoCodec::raw, media::VideoCodec::mjpeg, media::VideoCodec::h264, media::VideoCodec::h265}) {
    media::VideoFormat format;
    format.codec = codec;
    EXPECT_EQ(is_supported(format), make_packetizer(format, 1000) != nullptr) << media::name(codec);
  }
  EXPECT_FALSE(is_supported(media::AudioFormat{media::AudioCodec::aac, 48000, 2, {}}));  // nobody could decode it
  EXPECT_THROW(describe_track(media::VideoFormat{}), std::invalid_argument);
}

}  // namespace
}  // namespace campipe::rtp
