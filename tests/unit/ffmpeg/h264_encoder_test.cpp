#include "ffmpeg/h264_encoder.hpp"

#include <set>

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "ffmpeg/clip.hpp"
#include "ffmpeg/decoder.hpp"
#include "media/h264.hpp"

namespace campipe::ffmpeg {
namespace {

constexpr Size kSize{160, 96};

TEST(H264Encoder, GivesAnAccessUnitForEachPictureWithIdrsOnlyWhereAsked) {
  media::BufferPool pool;
  H264Encoder encoder(small_settings());
  const std::set<int> asked{0, 3, 4, 50};
  for (int i = 0; i < 60; ++i) {
    const auto unit = encoder.encode(ramp(pool, kSize, i), asked.contains(i));
    EXPECT_TRUE(media::h264::has_slice(unit.bytes)) << i;
    EXPECT_EQ(unit.idr, asked.contains(i)) << i;
    EXPECT_EQ(media::h264::has_idr(unit.bytes), asked.contains(i)) << i;
    EXPECT_TRUE(media::h264::parameter_sets_of(unit.bytes).empty()) << i;
  }
}

TEST(H264Encoder, TheFirstPictureIsAnIdrEvenUnasked) {
  media::BufferPool pool;
  H264Encoder encoder(small_settings());
  EXPECT_TRUE(encoder.encode(ramp(pool, kSize, 0), false).idr);
}

TEST(H264Encoder, ASceneThatChangesMakesNoKeyframeOfItsOwn) {
  media::BufferPool pool;
  H264Encoder encoder(small_settings());
  for (int i = 0; i < 10; ++i) EXPECT_EQ(encoder.encode(ramp(pool, kSize, i * 1000), i == 0).idr, i == 0) << i;
}

TEST(H264Encoder, TakesEveryRateThatAStreamMayTell) {
  media::BufferPool pool;
  for (const Rational rate :
       {Rational{4'294'967'295, 143'165'576}, Rational{1LL << 33, 1LL << 28}, Rational{3'000'000'000, 100'000'000},
        Rational{1, 100}, Rational{0, 1}, Rational{1'000'000'007, 33'333'333}}) {
    auto settings = small_settings();
    settings.frame_rate = rate;
    H264Encoder encoder(settings);
    EXPECT_TRUE(encoder.encode(ramp(pool, kSize, 0), false).idr) << rate.num << '/' << rate.den;
  }
}

TEST(H264Encoder, ParameterSetsSaySizeRateColourAndThatThereAreNoBFrames) {
  struct Case {
    Size size;
    Rational rate;
    media::ColourRange range;
    media::ColourMatrix matrix;
  };
  for (const Case& c : {Case{{160, 96}, {25, 1}, media::ColourRange::limited, media::ColourMatrix::bt709},
                        Case{{318, 178}, {30000, 1001}, media::ColourRange::full, media::ColourMatrix::bt601},
                        Case{{2, 2}, {1, 1}, media::ColourRange::limited, media::ColourMatrix::bt2020}}) {
    auto settings = small_settings(c.size);
    settings.frame_rate = c.rate;
    settings.range = c.range;
    settings.matrix = c.matrix;
    const H264Encoder encoder(settings);
    const auto nals = media::split_annex_b(encoder.parameter_sets());
    std::optional<media::h264::Sps> sps;
    for (const auto nal : nals) {
      if (media::h264::nal_type(nal) == media::h264::kSps) sps = media::h264::parse_sps(nal);
    }
    ASSERT_TRUE(sps);
    EXPECT_EQ(sps->size, c.size);
    EXPECT_EQ(sps->frame_rate, c.rate);
    EXPECT_EQ(sps->range, c.range);
    EXPECT_EQ(sps->matrix, c.matrix);
    EXPECT_EQ(sps->max_reorder_frames, 0);
  }
}

TEST(H264Encoder, TheDecoderGetsThePicturesBack) {
  for (const int threads : {1, 2}) {
    media::BufferPool pool;
    auto settings = small_settings();
    settings.threads = threads;
    settings.bitrate = 2'000'000;
    H264Encoder encoder(settings);
    VideoDecoder decoder(media::VideoCodec::h264, encoder.parameter_sets(), threads);
    for (int i = 0; i < 20; ++i) {
      const auto original = ramp(pool, kSize, i);
      std::vector<DecodedPicture> out;
      ASSERT_TRUE(decoder.push(encoder.encode(original, i == 0).bytes, i, out));
      ASSERT_EQ(out.size(), 1U) << "no delay";
      EXPECT_EQ(out[0].id, i);
      EXPECT_FALSE(out[0].damaged);
      ASSERT_EQ(out[0].picture.size, kSize);
      for (int p = 0; p < 3; ++p) EXPECT_LT(distance(original, out[0].picture, p), 4.0) << i << " plane " << p;
    }
  }
}

TEST(H264Encoder, KeepsTheBitRate) {
  for (const std::int64_t bitrate : {300'000, 1'200'000}) {
    auto settings = small_settings({320, 192});
    settings.bitrate = bitrate;
    H264Encoder encoder(settings);
    std::uint32_t noise = 1;
    std::int64_t bytes = 0;
    for (int i = 0; i < 100; ++i) {
      media::BufferPool pool;
      auto canvas = media::make_canvas(pool, media::PixelFormat::yuv420p, {320, 192});
      for (int at = 0; at < 320 * 192 * 3 / 2; ++at) {
        noise = noise * 1'664'525 + 1'013'904'223;
        canvas.plane[0][at] = static_cast<std::byte>(96 + (noise >> 26));
      }
      bytes += static_cast<std::int64_t>(encoder.encode(std::move(canvas).done(), i == 0).bytes.size());
    }
    const auto rate = static_cast<double>(bytes) * 8 * 25 / 100;
    EXPECT_GT(rate, 0.5 * static_cast<double>(bitrate));
    EXPECT_LT(rate, 1.5 * static_cast<double>(bitrate));
  }
}

TEST(H264Encoder, LetsGoOfThePictureAfterwards) {
  media::BufferPool pool;
  H264Encoder encoder(small_settings());
  std::weak_ptr<const void> owner;
  {
    const auto picture = ramp(pool, kSize, 0);
    owner = picture.owner;
    encoder.encode(picture, true);
  }
  EXPECT_TRUE(owner.expired());
}

void expect_refused(const H264Encoder::Settings& settings, ExitCode code, const std::string& words) {
  try {
    const H264Encoder encoder(settings);
    ADD_FAILURE() << "took it: " << words;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
  }
}

TEST(H264Encoder, AnUnknownPresetIsAUsageError) {
  for (const char* preset : {"fastest", "", "ultrafast ", "SUPERFAST;crf=0"}) {
    auto settings = small_settings();
    settings.preset = preset;
    expect_refused(settings, ExitCode::usage, preset);
  }
}

TEST(H264Encoder, RefusesSizesThatX264CannotTake) {
  for (const Size size : {Size{0, 0}, Size{-2, 96}, Size{161, 96}, Size{160, 97}, Size{100'000, 100'000}}) {
    expect_refused(small_settings(size), ExitCode::unavailable,
                   std::to_string(size.width_px) + "x" + std::to_string(size.height_px));
  }
}

}  // namespace
}  // namespace campipe::ffmpeg
