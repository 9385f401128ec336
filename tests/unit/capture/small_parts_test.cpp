#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "capture/network/audio_track.hpp"
#include "capture/network/decode_order.hpp"
#include "capture/source_name.hpp"

namespace campipe::capture {
namespace {

std::vector<std::byte> bytes(std::initializer_list<int> values) {
  std::vector<std::byte> out;
  for (const int value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

struct NameCase {
  const char* text;
  SourceKind kind;
  const char* meaning;
};

TEST(SourceName, TellsWhatIsMeant) {
  for (const NameCase& c :
       {NameCase{"auto", SourceKind::device, ""}, NameCase{"pattern", SourceKind::pattern, ""},
        NameCase{"0", SourceKind::device, "/dev/video0"}, NameCase{"12", SourceKind::device, "/dev/video12"},
        NameCase{"/dev/video3", SourceKind::device, "/dev/video3"},
        NameCase{"/dev/v4l/by-id/usb-x", SourceKind::device, "/dev/v4l/by-id/usb-x"},
        NameCase{"/dev/null", SourceKind::device, "/dev/null"},
        NameCase{"RTSP://h/p", SourceKind::network, "rtsp://h/p"},
        NameCase{"http://u:p@h:81/x?y", SourceKind::network, "http://u:p@h:81/x?y"},
        NameCase{"file:///tmp/a.mp4", SourceKind::file, "/tmp/a.mp4"}, NameCase{"a.mp4", SourceKind::file, "a.mp4"},
        NameCase{"./a://b", SourceKind::file, "./a://b"}}) {
    const SourceName name = parse_source(c.text);
    EXPECT_EQ(name.kind, c.kind) << c.text;
    EXPECT_EQ(name.text, c.meaning);
  }
}

TEST(SourceName, WhatIsNotThereLeadsToTheWordThatWasMeantOrToAList) {
  EXPECT_EQ(no_such_source("patern"), "patern: no such file or device: did you mean pattern?");
  EXPECT_EQ(no_such_source("help"), "help: no such file or device: see camgrab --help");
  EXPECT_EQ(no_such_source("film.mp4"), "film.mp4: no such file or device: see camgrab --list");
}

TEST(SourceName, RefusesUrlsWithoutShowingPasswords) {
  for (const char* text : {"gopher://u:secret@h/", "rtsp://", "rtsp:///p:secret", "http://u:secret@h/a b"}) {
    try {
      parse_source(text);
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr("u:secret")));
    }
  }
}

TEST(UrlFile, GivesItsFirstLine) {
  const std::string path = testing::TempDir() + "url-file-test";
  std::ofstream(path) << "rtsp://u:p@h/x \r\nsecond line\n";
  EXPECT_EQ(read_url_file(path), "rtsp://u:p@h/x");
  std::ofstream(path, std::ios::trunc) << "\n";
  EXPECT_THROW(read_url_file(path), Error);
  EXPECT_THROW(read_url_file(path + "-missing"), Error);
}

TEST(DecodeOrder, IsThePresentationOrderWithoutBFrames) {
  network::DecodeOrder order;
  for (std::int64_t t = 0; t < 10; ++t) EXPECT_EQ(order.next(t * 40, std::nullopt), t * 40);
}

TEST(DecodeOrder, AlwaysGrowsAndNeverPassesThePictureItIsFor) {
  network::DecodeOrder order;
  std::int64_t last = -1'000'000;
  int over = 0;
  for (int group = 0; group < 20; ++group) {
    for (const int step : {3, 1, 2}) {  // P B B, in decoding order
      const std::int64_t pts = (group * 3 + step) * 40'000;
      const std::int64_t dts = order.next(pts, std::nullopt);
      EXPECT_GT(dts, last);
      over += dts > pts ? 1 : 0;
      last = dts;
    }
  }
  EXPECT_LE(over, 2) << "only until the depth is known";
}

TEST(DecodeOrder, TakesWhatTheSourceSaysAndKeepsItGrowing) {
  network::DecodeOrder order;
  EXPECT_EQ(order.next(80, 0), 0);
  EXPECT_EQ(order.next(40, 40), 40);
  EXPECT_EQ(order.next(60, 40), 41);
  EXPECT_EQ(order.next(120, 30), 42);
}

// ADTS: AAC-LC, 44.1 kHz, stereo, no CRC, 9 bytes in all.
const auto kAdts = bytes({0xff, 0xf1, 0x50, 0x80, 0x01, 0x3f, 0xfc, 0xaa, 0xbb});

TEST(AudioTrack, TakesAdtsHeadersOffAndMakesTheConfig) {
  network::AudioTrack track({.codec = media::AudioCodec::aac}, {});
  EXPECT_FALSE(track.format());
  const auto payload = track.take(media::Payload::from(kAdts));
  ASSERT_TRUE(payload);
  EXPECT_EQ(std::vector(payload->bytes().begin(), payload->bytes().end()), bytes({0xaa, 0xbb}));
  ASSERT_TRUE(track.format());
  EXPECT_EQ(track.format()->sample_rate_hz, 44100);
  EXPECT_EQ(track.format()->channels, 2);
  EXPECT_EQ(track.format()->extradata, bytes({0x12, 0x10}));
}

TEST(AudioTrack, KnowsTheConfigAheadWhereTheRateIsTold) {
  network::AudioTrack track({.codec = media::AudioCodec::aac, .sample_rate_hz = 44100, .channels = 2}, {});
  ASSERT_TRUE(track.format());
  EXPECT_EQ(track.format()->extradata, bytes({0x12, 0x10}));
  const auto before = *track.format();
  EXPECT_EQ(track.take(media::Payload::from(kAdts))->size(), 2U);
  EXPECT_EQ(*track.format(), before);
}

TEST(AudioTrack, PassesRawAccessUnitsOn) {
  network::AudioTrack track({.codec = media::AudioCodec::aac, .sample_rate_hz = 44100, .channels = 2},
                            bytes({0x12, 0x10}));
  ASSERT_TRUE(track.format());
  EXPECT_EQ(track.take(media::Payload::from(bytes({1, 2, 3})))->size(), 3U);
}

TEST(Adts, RefusesWhatIsCutOrNone) {
  EXPECT_TRUE(network::parse_adts(kAdts));
  for (std::size_t length = 0; length < kAdts.size(); ++length)
    EXPECT_FALSE(network::parse_adts(std::span(kAdts).first(length)));
  EXPECT_FALSE(network::parse_adts(bytes({0xff, 0xf1, 0x7c, 0x80, 0x01, 0x3f, 0xfc, 0, 0}))) << "rate index 15";
  EXPECT_FALSE(network::parse_adts(bytes({1, 2, 3, 4, 5, 6, 7, 8, 9})));
}

}  // namespace
}  // namespace campipe::capture
