#include "ffmpeg/scaler.hpp"

#include <array>
#include <cstdlib>
#include <initializer_list>

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "ffmpeg/clip.hpp"

namespace campipe::ffmpeg {
namespace {

using media::ColourMatrix;
using media::ColourRange;
using media::PixelFormat;

/// A picture whose first plane has `pixel` again and again; the other planes get a value each.
media::Picture flat(PixelFormat format, Size size, std::initializer_list<int> pixel, int u = 128, int v = 128) {
  media::BufferPool pool;
  auto canvas = media::make_canvas(pool, format, size);
  for (int p = 0; p < media::info(format).planes; ++p) {
    const auto plane = static_cast<std::size_t>(p);
    const auto row = media::row_bytes(format, p, size.width_px);
    for (int y = 0; y < media::plane_rows(format, p, size.height_px); ++y) {
      std::byte* to = canvas.plane[plane] + std::ptrdiff_t{y} * canvas.picture.stride_bytes[plane];
      for (std::size_t i = 0; i < row; ++i) {
        const int value = p == 0 ? pixel.begin()[i % pixel.size()] : (p == 1 ? u : v);
        to[i] = static_cast<std::byte>(value);
      }
    }
  }
  return std::move(canvas).done();
}

void expect_near(const media::Picture& picture, int plane, int x, int y, int value, const char* why) {
  EXPECT_NEAR(byte_of(picture, plane, x, y), value, 2) << why << " plane " << plane << " byte " << x << "," << y;
}

TEST(Scaler, TurnsPrimariesIntoTheCodesOfBt601) {
  struct Case {
    const char* name;
    std::array<int, 3> rgb, yuv;
  };
  Scaler scaler;
  for (const Case& c : {Case{"red", {255, 0, 0}, {81, 90, 240}}, Case{"green", {0, 255, 0}, {145, 54, 34}},
                        Case{"blue", {0, 0, 255}, {41, 240, 110}}, Case{"white", {255, 255, 255}, {235, 128, 128}},
                        Case{"black", {0, 0, 0}, {16, 128, 128}}}) {
    const auto rgb = flat(PixelFormat::rgb24, {32, 16}, {c.rgb[0], c.rgb[1], c.rgb[2]});
    const auto yuv = scaler.scale(rgb, {32, 16}, PixelFormat::yuv444p);
    EXPECT_EQ(yuv.range, ColourRange::limited);
    EXPECT_EQ(yuv.matrix, ColourMatrix::bt601);
    for (int p = 0; p < 3; ++p) expect_near(yuv, p, 7, 7, c.yuv[static_cast<std::size_t>(p)], c.name);
    const auto back = scaler.scale(yuv, {32, 16}, PixelFormat::bgr24);
    EXPECT_EQ(back.range, ColourRange::full);
    for (int i = 0; i < 3; ++i) expect_near(back, 0, 21 + i, 7, c.rgb[static_cast<std::size_t>(2 - i)], c.name);
  }
}

TEST(Scaler, UsesTheRangeAndTheMatrixOfThePicture) {
  struct Case {
    const char* name;
    ColourRange range;
    ColourMatrix matrix;
    std::array<int, 3> rgb;  ///< of Y 81, U 90, V 240
  };
  Scaler scaler;
  for (const Case& c : {Case{"limited 601", ColourRange::limited, ColourMatrix::bt601, {254, 0, 0}},
                        Case{"unknown", ColourRange::unknown, ColourMatrix::unknown, {254, 0, 0}},
                        Case{"full 601", ColourRange::full, ColourMatrix::bt601, {238, 14, 14}},
                        Case{"limited 709", ColourRange::limited, ColourMatrix::bt709, {255, 24, 0}}}) {
    auto yuv = flat(PixelFormat::yuv444p, {32, 16}, {81}, 90, 240);
    yuv.range = c.range;
    yuv.matrix = c.matrix;
    const auto rgb = scaler.scale(yuv, {32, 16}, PixelFormat::rgb24);
    for (int i = 0; i < 3; ++i) expect_near(rgb, 0, 21 + i, 7, c.rgb[static_cast<std::size_t>(i)], c.name);
  }
}

TEST(Scaler, KeepsRangeMatrixAndLevelsBetweenYuvFormatsAndSizes) {
  Scaler scaler;
  for (const auto range : {ColourRange::unknown, ColourRange::limited, ColourRange::full}) {
    for (const auto to : {PixelFormat::yuv420p, PixelFormat::yuv422p, PixelFormat::yuv444p, PixelFormat::nv12}) {
      for (const Size size : {Size{64, 32}, Size{20, 10}, Size{130, 98}}) {
        auto yuv = flat(PixelFormat::yuv420p, {64, 32}, {250}, 3, 251);
        yuv.range = range;
        yuv.matrix = ColourMatrix::bt709;
        const auto out = scaler.scale(yuv, size, to);
        EXPECT_EQ(out.size, size);
        EXPECT_EQ(out.format, to);
        EXPECT_EQ(out.range, range);
        EXPECT_EQ(out.matrix, ColourMatrix::bt709);
        expect_near(out, 0, size.width_px - 1, size.height_px - 1, 250, "luma");
        expect_near(out, 1, 0, 0, 3, "u");
        if (media::info(to).planes == 3) expect_near(out, 2, 0, 0, 251, "v");
        if (media::info(to).planes == 2) expect_near(out, 1, 1, 0, 251, "v");
      }
    }
  }
}

TEST(Scaler, AveragesWhatItMakesSmaller) {
  Scaler scaler;
  const auto stripes = flat(PixelFormat::gray, {64, 64}, {0, 200});
  const auto half = scaler.scale(stripes, {32, 32}, PixelFormat::gray);
  for (int x = 0; x < 32; ++x) expect_near(half, 0, x, 16, 100, "mean");
}

TEST(Scaler, TakesStridesLongerThanTheRow) {
  media::BufferPool pool;
  auto canvas = media::make_canvas(pool, PixelFormat::gray, {30, 20}, 64);
  for (int y = 0; y < 20; ++y) {
    for (int x = 0; x < 64; ++x) canvas.plane[0][y * 64 + x] = static_cast<std::byte>(x < 30 ? 120 : 255);
  }
  const auto out = Scaler().scale(std::move(canvas).done(), {60, 40}, PixelFormat::gray);
  expect_near(out, 0, 59, 20, 120, "the edge has nothing of the padding");
}

TEST(Scaler, FollowsChangesOfSizeAndFormat) {
  Scaler scaler;
  for (const int side : {16, 200, 16, 64}) {
    for (const auto format : {PixelFormat::rgb24, PixelFormat::bgra}) {
      const auto picture = flat(format, {side, side}, {77});
      const auto out = scaler.scale(picture, {side * 2, side}, PixelFormat::gray);
      EXPECT_EQ(out.size, (Size{side * 2, side}));
      expect_near(out, 0, side, side / 2, 16 + 77 * 219 / 255, "limited grey");
    }
  }
}

TEST(Scaler, RefusesWhatSwscaleCannot) {
  Scaler scaler;
  const auto picture = flat(PixelFormat::gray, {32, 32}, {77});
  struct Case {
    Size size;
    PixelFormat format;
  };
  for (const Case& c : {Case{{32, 32}, PixelFormat::none}, Case{{32, 32}, PixelFormat::nv16},
                        Case{{0, 32}, PixelFormat::gray}, Case{{32, -2}, PixelFormat::gray}}) {
    try {
      scaler.scale(picture, c.size, c.format);
      ADD_FAILURE() << "took " << c.size.width_px << "x" << c.size.height_px;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::internal);
    }
  }
  EXPECT_EQ(scaler.scale(picture, {16, 16}, PixelFormat::gray).size, (Size{16, 16})) << "goes on afterwards";
}

}  // namespace
}  // namespace campipe::ffmpeg
