#include "ffmpeg/decoder.hpp"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/own_folder.hpp"
#include "ffmpeg/clip.hpp"
#include "media/media_support.hpp"

namespace campipe::ffmpeg {
namespace {

using media::ColourMatrix;
using media::ColourRange;
using media::PixelFormat;
using media::VideoCodec;
using media::test::BitWriter;
using media::test::bytes;
using Bytes = std::vector<std::byte>;

/// The access units of a bare stream.
std::vector<media::Payload> units_of(const std::string& file) {
  std::vector<media::Payload> units;
  auto input = open_file(data_path(file));
  if (input == nullptr) return units;
  for (const InputPacket& packet : packets_of(*input)) units.push_back(packet.payload);
  return units;
}

std::vector<DecodedPicture> decode_all(VideoDecoder& decoder, const std::vector<media::Payload>& units) {
  std::vector<DecodedPicture> out;
  std::int64_t id = 0;
  for (const auto& unit : units) EXPECT_TRUE(decoder.push(unit.bytes(), id++, out)) << id;
  decoder.flush(out);
  return out;
}

TEST(VideoDecoder, DecodesStreamsOfManyKindsWholeAndInOrder) {
  struct Case {
    const char* file;
    VideoCodec codec;
    std::size_t pictures;
    Size size;
    PixelFormat format;
    ColourRange range;
    ColourMatrix matrix;
  };
  using enum VideoCodec;
  using enum PixelFormat;
  constexpr auto kNoRange = ColourRange::unknown;
  constexpr auto kNoMatrix = ColourMatrix::unknown;
  for (const Case& c : {
           Case{"small.h264", h264, 4, {318, 178}, yuv420p, ColourRange::full, ColourMatrix::bt709},
           Case{"h264_baseline_160x96.h264", h264, 3, {160, 96}, yuv420p, kNoRange, kNoMatrix},
           Case{"h264_slices_aud.h264", h264, 3, {160, 96}, yuv420p, ColourRange::limited, ColourMatrix::bt601},
           Case{"h264_high444_97x51.h264", h264, 1, {97, 51}, yuv444p, kNoRange, kNoMatrix},
           Case{"h264_high422_10bit.h264", h264, 1, {98, 50}, yuv420p, kNoRange, kNoMatrix},
           Case{"h264_high_odd_1080_bframes.h264",
                h264,
                6,
                {1920, 1080},
                yuv420p,
                ColourRange::full,
                ColourMatrix::bt709},
           Case{"h264_high_scaling_interlaced.h264", h264, 2, {320, 180}, yuv420p, kNoRange, kNoMatrix},
           Case{"h264_intra_only.h264", h264, 1, {96, 64}, yuv420p, kNoRange, kNoMatrix},
           Case{"small.h265", h265, 4, {318, 178}, yuv420p, ColourRange::limited, kNoMatrix},
           Case{"h265_main_176x144.h265", h265, 4, {176, 144}, yuv420p, ColourRange::full, ColourMatrix::bt709},
           Case{"h265_main10_odd.h265", h265, 1, {98, 50}, yuv420p, ColourRange::limited, kNoMatrix},
           Case{"h265_444_slices.h265", h265, 3, {320, 320}, yuv444p, ColourRange::limited, kNoMatrix},
           Case{"h265_1080_bframes.h265", h265, 5, {1920, 1080}, yuv420p, ColourRange::limited, kNoMatrix},
       }) {
    for (const int threads : {1, 2}) {
      VideoDecoder decoder(c.codec, {}, threads);
      const auto pictures = decode_all(decoder, units_of(c.file));
      ASSERT_EQ(pictures.size(), c.pictures) << c.file;
      std::vector<std::int64_t> ids;
      for (const DecodedPicture& decoded : pictures) {
        ids.push_back(decoded.id);
        EXPECT_FALSE(decoded.damaged) << c.file;
        EXPECT_EQ(decoded.picture.size, c.size) << c.file;
        EXPECT_EQ(decoded.picture.format, c.format) << c.file;
        EXPECT_EQ(decoded.picture.range, c.range) << c.file;
        EXPECT_EQ(decoded.picture.matrix, c.matrix) << c.file;
      }
      std::ranges::sort(ids);
      for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(ids[i], static_cast<std::int64_t>(i)) << c.file;
    }
  }
}

TEST(VideoDecoder, PicturesWithBFramesComeInTheOrderTheyAreShown) {
  auto input = open_file(data_path("h265_1080_bframes.h265"));
  ASSERT_NE(input, nullptr);
  VideoDecoder decoder(VideoCodec::h265, {}, 1);
  const auto pictures = decode_all(decoder, units_of("h265_1080_bframes.h265"));
  ASSERT_EQ(pictures.size(), 5U);
  std::vector<std::int64_t> ids;
  for (const auto& decoded : pictures) ids.push_back(decoded.id);
  EXPECT_EQ(ids.front(), 0);
  EXPECT_FALSE(std::ranges::is_sorted(ids)) << "the file has B-frames";
}

TEST(VideoDecoder, TakesTheParameterSetsFromOutsideTheStream) {
  const Clip clip = h264_clip(3, 10);
  const Bytes& sets = clip.format.video.parameter_sets;
  VideoDecoder with(VideoCodec::h264, sets, 1), without(VideoCodec::h264, {}, 1);
  const auto slices = clip.packets[0].payload.bytes().subspan(sets.size());  // the canonical form begins with the sets
  std::vector<DecodedPicture> out;
  EXPECT_FALSE(without.push(slices, 1, out));
  EXPECT_TRUE(out.empty());
  EXPECT_TRUE(with.push(slices, 1, out));
  EXPECT_EQ(out.size(), 1U);
}

TEST(VideoDecoder, APictureOutlivesItsDecoder) {
  const Clip clip = h264_clip(1);
  std::vector<DecodedPicture> out;
  {
    VideoDecoder decoder(VideoCodec::h264, {}, 2);
    decoder.push(clip.packets[0].payload.bytes(), 7, out);
  }
  ASSERT_EQ(out.size(), 1U);
  media::BufferPool pool;
  EXPECT_LT(distance(ramp(pool, {160, 96}, 0), out[0].picture, 0), 8.0);
}

class DamagedH264 : public testing::Test {
protected:
  /// Whether packet 10, the next keyframe, comes out well after `unit`.
  void expect_recovery(std::span<const std::byte> unit, const char* what) {
    VideoDecoder decoder(VideoCodec::h264, {}, 1);
    std::vector<DecodedPicture> out;
    decoder.push(clip_.packets[0].payload.bytes(), 0, out);
    decoder.push(unit, 1, out);
    for (int i = 2; i <= 10; ++i) decoder.push(clip_.packets[static_cast<std::size_t>(i)].payload.bytes(), i, out);
    ASSERT_FALSE(out.empty()) << what;
    EXPECT_EQ(out.back().id, 10) << what;
    EXPECT_FALSE(out.back().damaged) << what;
  }

  Clip clip_ = h264_clip(11, 10);
};

TEST_F(DamagedH264, CostsPicturesUntilTheNextKeyframeAndNoMore) {
  const Bytes unit(clip_.packets[1].payload.bytes().begin(), clip_.packets[1].payload.bytes().end());
  for (const std::size_t length : {std::size_t{1}, std::size_t{4}, std::size_t{5}, std::size_t{9}, unit.size() / 2}) {
    expect_recovery(std::span(unit).first(length), "cut off");
  }
  for (std::size_t at = 4; at < unit.size(); at += 3) {
    Bytes flipped = unit;
    flipped[at] ^= std::byte{0x55};
    expect_recovery(flipped, "flipped");
  }
  expect_recovery(Bytes(5000, std::byte{0x5A}), "no NAL at all");
  expect_recovery(Bytes(5000, std::byte{0}), "zeros");
  expect_recovery(bytes({0, 0, 0, 1}), "a start code alone");
  expect_recovery(bytes({0, 0, 0, 1, 0x67}), "an SPS of one byte");
}

TEST_F(DamagedH264, WhatIsNotThereOrTooLargeIsNotTaken) {
  VideoDecoder decoder(VideoCodec::h264, {}, 1);
  std::vector<DecodedPicture> out;
  EXPECT_FALSE(decoder.push({}, 1, out));
  const Bytes one(1);
  EXPECT_FALSE(decoder.push({one.data(), std::size_t{1} << 31}, 1, out)) << "refused before it is looked at";
  EXPECT_FALSE(decoder.push(Bytes(100, std::byte{0x5A}), 2, out));
  EXPECT_TRUE(out.empty());
}

TEST_F(DamagedH264, APictureWithPartsMissingSaysSo) {
  const auto whole = clip_.packets[0].payload.bytes();
  VideoDecoder decoder(VideoCodec::h264, {}, 1);
  std::vector<DecodedPicture> out;
  decoder.push(whole.first(whole.size() * 2 / 3), 0, out);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_TRUE(out[0].damaged);
}

TEST_F(DamagedH264, GoesOnAfterAFlush) {
  VideoDecoder decoder(VideoCodec::h264, {}, 1);
  std::vector<DecodedPicture> out;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 3; ++i) decoder.push(clip_.packets[static_cast<std::size_t>(i)].payload.bytes(), i, out);
    decoder.flush(out);
  }
  EXPECT_EQ(out.size(), 9U);
}

TEST(VideoDecoder, HostileParameterSetsAreNoReasonToFail) {
  const Clip clip = h264_clip(1);
  Bytes cut = clip.format.video.parameter_sets;
  cut.resize(8);
  for (const Bytes& sets : {bytes({1}), bytes({0, 0, 0, 1}), bytes({0, 0, 0, 1, 0x67, 0xff, 0xff}),
                            Bytes(1000, std::byte{0xA5}), Bytes(1000), cut}) {
    VideoDecoder decoder(VideoCodec::h264, sets, 1);
    std::vector<DecodedPicture> out;
    EXPECT_TRUE(decoder.push(clip.packets[0].payload.bytes(), 1, out)) << "the stream has its own";
    EXPECT_EQ(out.size(), 1U);
  }
  const auto units = units_of("small.h265");
  for (const Bytes& sets : {bytes({1}), bytes({0, 0, 0, 1}), bytes({0, 0, 0, 1, 0x42, 0x01, 0xff, 0xff}),
                            bytes({0, 0, 0, 1, 0x40, 0x01}), Bytes(1000, std::byte{0xA5}), Bytes(1000)}) {
    VideoDecoder decoder(VideoCodec::h265, sets, 1);
    EXPECT_EQ(decode_all(decoder, units).size(), 4U);
  }
}

TEST(VideoDecoder, IsMeantForH264AndH265Only) {
  for (const auto codec : {VideoCodec::raw, VideoCodec::mjpeg}) {
    try {
      const VideoDecoder decoder(codec, {}, 1);
      ADD_FAILURE() << media::name(codec);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::internal);
    }
  }
}

/// A grey picture of macroblocks without residual: baseline, one IDR slice, 8 bits a macroblock.
Bytes grey_picture(int width_mbs, int height_mbs, int written_mbs) {
  const Bytes start = bytes({0, 0, 0, 1});
  BitWriter sps, pps, slice;
  sps.bits(66, 8).bits(0, 8).bits(62, 8).ue(0).ue(0).ue(2).ue(1).bits(0, 1).ue(static_cast<unsigned>(width_mbs - 1));
  sps.ue(static_cast<unsigned>(height_mbs - 1)).bits(3, 2).bits(0, 2);
  pps.ue(0).ue(0).bits(0, 2).ue(0).ue(0).ue(0).bits(0, 3).se(0).se(0).se(0).bits(0, 3);
  slice.ue(0).ue(7).ue(0).bits(0, 4).ue(0).bits(0, 2).se(0);
  for (int i = 0; i < written_mbs; ++i) slice.ue(3).ue(0).se(0).bits(1, 1);
  using media::test::operator+;
  return start + sps.nal({0x67}) + start + pps.nal({0x68}) + start + slice.nal({0x65});
}

TEST(VideoDecoder, RefusesPicturesOver16384ASideOr64Mpx) {
  struct Case {
    int width_mbs, height_mbs;
    bool taken;
  };
  for (const Case& c : {Case{20, 1, true}, Case{1024, 1, true}, Case{1, 1024, true}, Case{1025, 1, false},
                        Case{1, 1025, false}, Case{1024, 257, false}, Case{60'000, 60'000, false}}) {
    VideoDecoder decoder(VideoCodec::h264, {}, 1);
    std::vector<DecodedPicture> out;
    decoder.push(grey_picture(c.width_mbs, c.height_mbs,
                              static_cast<int>(std::min<std::int64_t>(std::int64_t{c.width_mbs} * c.height_mbs, 1025))),
                 1, out);
    decoder.flush(out);
    ASSERT_EQ(out.size(), c.taken ? 1U : 0U) << c.width_mbs << " x " << c.height_mbs;
    if (!c.taken) continue;
    EXPECT_EQ(out[0].picture.size, (Size{c.width_mbs * 16, c.height_mbs * 16}));
    EXPECT_FALSE(out[0].damaged);
    EXPECT_EQ(byte_of(out[0].picture, 0, c.width_mbs * 16 - 1, c.height_mbs * 16 - 1), 128);
  }
}

}  // namespace
}  // namespace campipe::ffmpeg
