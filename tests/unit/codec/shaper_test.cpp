#include "codec/shaper.hpp"

#include <gtest/gtest.h>

#include "codec/convert.hpp"
#include "scene.hpp"

namespace campipe::codec {
namespace {

using media::ColourMatrix;
using media::ColourRange;
using media::PixelFormat;

constexpr PixelFormat kAll[] = {
    PixelFormat::yuv420p, PixelFormat::yuv422p, PixelFormat::yuv444p, PixelFormat::nv12,
    PixelFormat::nv21,    PixelFormat::nv16,    PixelFormat::yuyv422, PixelFormat::uyvy422,
    PixelFormat::yvyu422, PixelFormat::rgb24,   PixelFormat::bgr24,   PixelFormat::rgba,
    PixelFormat::bgra,    PixelFormat::rgb0,    PixelFormat::bgr0,    PixelFormat::rgb565le};

media::Picture as_rgb(const media::Picture& picture) {
  media::BufferPool pool;
  ffmpeg::Scaler scaler;
  return scaler.scale(picture.format == PixelFormat::nv16 ? yuv422p_from_nv16(picture, pool) : picture, picture.size,
                      PixelFormat::rgb24);
}

/// A picture of `format` as swscale makes it.
media::Picture made_by_swscale(const media::Picture& original, PixelFormat format, media::BufferPool& pool) {
  ffmpeg::Scaler scaler;
  if (format != PixelFormat::nv16) return scaler.scale(original, original.size, format);
  return nv16_from_yuv422p(scaler.scale(original, original.size, PixelFormat::yuv422p), pool);
}

/// swscale made the source and reads the result: both must show the scene they began with.
TEST(Shaper, ShowsTheSameSceneWhateverThePixelFormat) {
  media::BufferPool pool;
  for (const Size size : {Size{320, 240}, Size{322, 242}}) {
    const auto original = test::rgb_scene(pool, size);
    for (const PixelFormat format : kAll) {
      const auto source = made_by_swscale(original, format, pool);
      for (const ColourRange range : {ColourRange::full, ColourRange::limited}) {
        Shaper shaper;
        const auto shaped = shaper.shape(source, {.size = size, .range = range, .matrix = ColourMatrix::bt601});
        ASSERT_EQ(shaped.format, PixelFormat::yuv420p);
        ASSERT_EQ(shaped.range, range);
        const double least = format == PixelFormat::rgb565le ? 27 : 31;
        EXPECT_GT(test::psnr(as_rgb(shaped), original), least)
            << name(format) << " " << name(range) << " " << size.width_px;
      }
    }
  }
}

TEST(Shaper, MakesEveryRawFormatOutOfPlanes) {
  media::BufferPool pool;
  const Size size{320, 240};
  const auto original = test::rgb_scene(pool, size);
  for (const ColourRange range : {ColourRange::limited, ColourRange::full}) {
    for (const ColourMatrix matrix : {ColourMatrix::bt601, ColourMatrix::bt709}) {
      Shaper first;
      const auto planes = first.shape(made_by_swscale(original, PixelFormat::yuv420p, pool),
                                      {.size = size, .range = range, .matrix = matrix});
      for (const PixelFormat format : kAll) {
        Shaper shaper;
        const auto shaped = shaper.shape(planes, {.format = format, .size = size});
        ASSERT_EQ(shaped.format, format);
        const double least = format == PixelFormat::rgb565le ? 27 : 31;
        EXPECT_GT(test::psnr(format == PixelFormat::rgb24 ? shaped : as_rgb(shaped), original), least)
            << name(format) << " " << name(range) << " " << name(matrix);
      }
    }
  }
}

TEST(Shaper, TurnsGreyIntoNeutralColour) {
  media::BufferPool pool;
  for (const PixelFormat format : {PixelFormat::gray, PixelFormat::gray16le}) {
    auto canvas = media::make_canvas(pool, format, {64, 48});
    std::fill_n(canvas.plane[0], media::picture_bytes(format, {64, 48}), std::byte{200});
    canvas.picture.range = ColourRange::full;
    Shaper shaper;
    const auto shaped = shaper.shape(std::move(canvas).done(), {.size = {64, 48}, .range = ColourRange::full});
    EXPECT_EQ(test::byte_at(shaped, 0, 10, 10), 200);
    EXPECT_EQ(test::byte_at(shaped, 1, 10, 10), 128);
    EXPECT_EQ(test::byte_at(shaped, 2, 10, 10), 128);
  }
}

TEST(Shaper, ScalesAndKeepsRangeAndScene) {
  media::BufferPool pool;
  const auto small = test::rgb_scene(pool, {320, 180});
  const auto big = test::rgb_scene(pool, {1280, 720});
  for (const auto* source : {&big, &small}) {
    Shaper shaper;
    const Size to = source == &big ? Size{320, 180} : Size{1280, 720};
    const auto shaped = shaper.shape(*source, {.size = to, .range = ColourRange::full, .matrix = ColourMatrix::bt601});
    EXPECT_EQ(shaped.size, to);
    EXPECT_GT(test::psnr(as_rgb(shaped), source == &big ? small : big), 28) << to.width_px;
  }
}

TEST(Shaper, CropsAnOddEdgeInsteadOfScaling) {
  media::BufferPool pool;
  auto canvas = media::make_canvas(pool, PixelFormat::yuv420p, {33, 17});
  for (int y = 0; y < 17; ++y) {
    for (int x = 0; x < 33; ++x) canvas.plane[0][y * 33 + x] = static_cast<std::byte>(x + 5 * y);
  }
  const auto source = std::move(canvas).done();
  Shaper shaper;
  const auto shaped = shaper.shape(source, {.size = {32, 16}});
  EXPECT_EQ(shaped.size, (Size{32, 16}));
  EXPECT_EQ(shaped.plane[0], source.plane[0]);
}

}  // namespace
}  // namespace campipe::codec
