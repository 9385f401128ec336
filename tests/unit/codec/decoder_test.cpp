#include "codec/decoder.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "codec/encoder.hpp"
#include "codec/flat.hpp"
#include "codec/scene.hpp"
#include "ffmpeg/error.hpp"
#include "media/media_support.hpp"

namespace campipe::codec {
namespace {

using media::Packet;
using media::PixelFormat;
using media::VideoCodec;

[[maybe_unused]] const bool kQuietDecoders = (ffmpeg::route_log(), true);

constexpr Size kSize{64, 48};

Packet packet_of(media::Payload payload, int number = 1) {
  Packet packet;
  packet.pts_us = 1'795'000'000'000'000 + number * 40'000;
  packet.dts_us = packet.pts_us - 1;
  packet.captured_ns = 77'000'000'123 + number * 40'000'000LL;
  packet.sequence = 1000 + static_cast<std::uint64_t>(number);
  packet.discontinuity = number == 3;
  packet.payload = std::move(payload);
  return packet;
}

/// H.264 of flat pictures, packet i with luma 40 + 10 i; a keyframe each `gop`.
struct Stream {
  media::VideoFormat format;
  std::vector<Packet> packets;
};
Stream h264_stream(int frames, int gop) {
  const auto like = test::flat(PixelFormat::yuv420p, kSize, {40, 128, 128});
  media::VideoFormat raw{.codec = VideoCodec::raw, .pixel_format = PixelFormat::yuv420p, .size = kSize};
  auto encoder =
      make_encoder({.target = Target::h264, .bitrate = 1'000'000, .gop_frames = gop, .threads = 1}, like, raw, {25, 1});
  Stream stream{encoder->format(), {}};
  for (int i = 0; i < frames; ++i) {
    auto about = packet_of({}, i);
    stream.packets.push_back(
        encoder->encode({about, test::flat(PixelFormat::yuv420p, kSize, {40 + 10 * (i % 20), 128, 128})}));
  }
  return stream;
}

void expect_same_facts(const Packet& out, const Packet& in) {
  EXPECT_EQ(out.pts_us, in.pts_us);
  EXPECT_EQ(out.captured_ns, in.captured_ns);
  EXPECT_EQ(out.sequence, in.sequence);
  EXPECT_EQ(out.discontinuity, in.discontinuity);
  EXPECT_TRUE(out.payload.empty());
}

TEST(RawDecoder, TakesAPictureAsItLiesAndRefusesOtherLengths) {
  const media::VideoFormat format{.codec = VideoCodec::raw, .pixel_format = PixelFormat::yuyv422, .size = kSize};
  auto decoder = make_decoder(format, 1);
  const std::size_t right = media::picture_bytes(PixelFormat::yuyv422, kSize);
  std::vector<Frame> out;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, right - 1, right + 1, right * 2}) {
    const auto why = decoder->decode(packet_of(media::Payload::from(std::vector<std::byte>(size))), out);
    ASSERT_TRUE(why);
    EXPECT_EQ(*why, std::to_string(size) + " bytes are no yuyv422 picture of 64x48");
  }
  EXPECT_TRUE(out.empty());
  const auto packet = packet_of(media::Payload::from(std::vector<std::byte>(right, std::byte{7})), 3);
  EXPECT_EQ(decoder->decode(packet, out), std::nullopt);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].picture.plane[0], packet.payload.data()) << "without a copy";
  expect_same_facts(out[0].about, packet);
  decoder->flush(out);
  EXPECT_EQ(out.size(), 1U);
}

TEST(RawDecoder, APictureOfNoFormatIsRefused) {
  auto decoder = make_decoder({.codec = VideoCodec::raw, .pixel_format = PixelFormat::none, .size = kSize}, 1);
  std::vector<Frame> out;
  EXPECT_TRUE(decoder->decode(packet_of({}), out));
  EXPECT_TRUE(decoder->decode(packet_of(media::Payload::from(std::vector<std::byte>(100))), out));
  EXPECT_TRUE(out.empty());
}

TEST(JpegDecoder, DecodesEachSamplingAndSaysWhyItCannot) {
  struct Case {
    const char* file;
    PixelFormat format;
  };
  auto decoder = make_decoder({.codec = VideoCodec::mjpeg}, 1);
  for (const Case& c : {Case{"jpeg_420.jpg", PixelFormat::yuv420p}, Case{"jpeg_422.jpg", PixelFormat::yuv422p},
                        Case{"jpeg_444.jpg", PixelFormat::yuv444p}, Case{"jpeg_gray.jpg", PixelFormat::gray},
                        Case{"jpeg_progressive.jpg", PixelFormat::yuv420p}}) {
    const auto whole = media::Payload::from(media::test::data_file(c.file));
    std::vector<Frame> out;
    EXPECT_EQ(decoder->decode(packet_of(whole, 3), out), std::nullopt) << c.file;
    ASSERT_EQ(out.size(), 1U) << c.file;
    EXPECT_EQ(out[0].picture.format, c.format) << c.file;
    expect_same_facts(out[0].about, packet_of(whole, 3));
    for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{20}, whole.size() / 2}) {
      const auto why = decoder->decode(packet_of(whole.part(0, length)), out);
      ASSERT_TRUE(why) << c.file << " " << length;
      EXPECT_FALSE(why->empty());
    }
    EXPECT_EQ(out.size(), 1U) << c.file;
  }
}

TEST(StreamDecoder, GivesEachPictureWithTheFactsOfItsPacket) {
  const Stream stream = h264_stream(12, 5);
  auto decoder = make_decoder(stream.format, 1);
  std::vector<Frame> out;
  for (const Packet& packet : stream.packets) EXPECT_EQ(decoder->decode(packet, out), std::nullopt);
  decoder->flush(out);
  ASSERT_EQ(out.size(), 12U);
  for (std::size_t i = 0; i < out.size(); ++i) {
    expect_same_facts(out[i].about, stream.packets[i]);
    EXPECT_FALSE(out[i].about.dts_us) << "in the order they are shown";
    EXPECT_FALSE(out[i].about.corrupt);
    EXPECT_EQ(out[i].about.keyframe, i % 5 == 0);
    EXPECT_NEAR(test::byte_at(out[i].picture, 0, 20, 20), 40 + 10 * static_cast<int>(i), 3) << i;
  }
}

TEST(StreamDecoder, WaitsForAKeyframeInSilence) {
  const Stream stream = h264_stream(12, 5);
  auto decoder = make_decoder(stream.format, 1);
  std::vector<Frame> out;
  for (std::size_t i = 1; i < 12; ++i) EXPECT_EQ(decoder->decode(stream.packets[i], out), std::nullopt) << i;
  ASSERT_EQ(out.size(), 7U);
  EXPECT_EQ(out[0].about.sequence, stream.packets[5].sequence);
}

TEST(StreamDecoder, KeepsTheCorruptFlagOfThePacketAndSetsItForMissingParts) {
  const Stream stream = h264_stream(3, 10);
  auto decoder = make_decoder(stream.format, 1);
  std::vector<Frame> out;
  Packet first = stream.packets[0];
  first.corrupt = true;
  decoder->decode(first, out);
  decoder->decode(stream.packets[1], out);
  ASSERT_EQ(out.size(), 2U);
  EXPECT_TRUE(out[0].about.corrupt);
  EXPECT_FALSE(out[1].about.corrupt);
}

TEST(StreamDecoder, SaysThatAUnitIsDamagedAndGoesOn) {
  const Stream stream = h264_stream(11, 5);
  auto decoder = make_decoder(stream.format, 1);
  std::vector<Frame> out;
  decoder->decode(stream.packets[0], out);
  EXPECT_EQ(decoder->decode(packet_of({}), out), "damaged access unit");
  EXPECT_EQ(decoder->decode(packet_of(media::Payload::from(std::vector<std::byte>(500, std::byte{0x5A}))), out),
            "damaged access unit");
  out.clear();
  for (std::size_t i = 5; i < 11; ++i) EXPECT_EQ(decoder->decode(stream.packets[i], out), std::nullopt);
  EXPECT_EQ(out.size(), 6U);
}

TEST(StreamDecoder, SaysSoWhenUnitsGiveNoPictures) {
  const Stream stream = h264_stream(600, 10'000);
  auto decoder = make_decoder(stream.format, 1);
  std::vector<Frame> out;
  std::vector<std::string> said;
  for (std::size_t i = 1; i < stream.packets.size(); ++i) {  // the keyframe that all of them need never comes
    Packet packet = stream.packets[i];
    packet.keyframe = true;
    if (const auto why = decoder->decode(packet, out)) said.push_back(*why);
  }
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(said, (std::vector<std::string>{"no picture out of the last 250 access units",
                                            "no picture out of the last 500 access units"}));
  EXPECT_EQ(decoder->decode(stream.packets[0], out), std::nullopt);
  EXPECT_EQ(out.size(), 1U) << "the decoder is as good as new";
}

TEST(StreamDecoder, GivesThePicturesOfAStreamWithoutKeyframesAChanceAfterSomeTime) {
  const Stream stream = h264_stream(1, 10);
  auto decoder = make_decoder(stream.format, 1);
  auto packet = stream.packets[0];
  packet.keyframe = false;  // as a stream that refreshes in strips has them
  std::vector<Frame> out;
  for (int i = 0; i < 250; ++i) EXPECT_EQ(decoder->decode(packet, out), std::nullopt);
  EXPECT_TRUE(out.empty());
  decoder->decode(packet, out);
  EXPECT_EQ(out.size(), 1U);
}

TEST(MakeDecoder, HostileParameterSetsAreNoReasonToFail) {
  for (const auto codec : {VideoCodec::h264, VideoCodec::h265}) {
    auto decoder = make_decoder({.codec = codec, .parameter_sets = std::vector<std::byte>(1000, std::byte{0xA5})}, 1);
    std::vector<Frame> out;
    EXPECT_TRUE(decoder->decode(
        [] {
          auto packet = packet_of(media::Payload::from(std::vector<std::byte>(100, std::byte{0x5A})));
          packet.keyframe = true;
          return packet;
        }(),
        out));
    EXPECT_TRUE(out.empty());
  }
}

}  // namespace
}  // namespace campipe::codec
