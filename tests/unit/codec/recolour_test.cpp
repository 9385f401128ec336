#include "codec/recolour.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include <gtest/gtest.h>

#include "scene.hpp"

namespace campipe::codec {
namespace {

using media::ColourMatrix;
using media::ColourRange;
using Yuv = std::array<double, 3>;
using Rgb = std::array<double, 3>;

/// By the book, in floating point: ITU-R BT.601 and BT.709, 8 bits.
struct Book {
  ColourRange range;
  ColourMatrix matrix;

  double red() const {
    return matrix == ColourMatrix::bt709 ? 0.2126 : (matrix == ColourMatrix::bt2020 ? 0.2627 : 0.299);
  }
  double blue() const {
    return matrix == ColourMatrix::bt709 ? 0.0722 : (matrix == ColourMatrix::bt2020 ? 0.0593 : 0.114);
  }
  double black() const { return range == ColourRange::full ? 0 : 16; }
  double luma() const { return range == ColourRange::full ? 255 : 219; }
  double chroma() const { return range == ColourRange::full ? 255 : 224; }

  Rgb rgb(Yuv yuv) const {
    const double y = (yuv[0] - black()) / luma(), cb = (yuv[1] - 128) / chroma(), cr = (yuv[2] - 128) / chroma();
    const double r = y + 2 * (1 - red()) * cr, b = y + 2 * (1 - blue()) * cb;
    return {r, (y - red() * r - blue() * b) / (1 - red() - blue()), b};
  }
  Yuv yuv(Rgb c) const {
    const double y = red() * c[0] + (1 - red() - blue()) * c[1] + blue() * c[2];
    return {black() + luma() * y, 128 + chroma() * (c[2] - y) / (2 * (1 - blue())),
            128 + chroma() * (c[0] - y) / (2 * (1 - red()))};
  }
};

/// A picture of 2x2 squares, each with one colour of a cube of RGB, in the samples `book` says.
media::Picture cube(media::BufferPool& pool, const Book& book) {
  constexpr int kSteps = 9;
  auto canvas = media::make_canvas(pool, media::PixelFormat::yuv420p, {2 * kSteps * kSteps, 2 * kSteps}, 64);
  for (int r = 0; r < kSteps; ++r) {
    for (int i = 0; i < kSteps * kSteps; ++i) {
      const Yuv yuv = book.yuv({r / 8.0, i / kSteps / 8.0, i % kSteps / 8.0});
      const auto set = [&](std::size_t p, int x, int y) {
        canvas.plane[p][std::ptrdiff_t{y} * canvas.picture.stride_bytes[p] + x] =
            static_cast<std::byte>(std::clamp(std::lround(yuv[p]), 0L, 255L));
      };
      for (const int k : {0, 1, 2, 3}) set(0, 2 * i + k % 2, 2 * r + k / 2);
      set(1, i, r);
      set(2, i, r);
    }
  }
  canvas.picture.range = book.range;
  canvas.picture.matrix = book.matrix;
  return std::move(canvas).done();
}

TEST(Recoloured, AgreesWithTheBookToTwoSteps) {
  const Book books[] = {{ColourRange::limited, ColourMatrix::bt601},
                        {ColourRange::full, ColourMatrix::bt601},
                        {ColourRange::limited, ColourMatrix::bt709},
                        {ColourRange::full, ColourMatrix::bt709},
                        {ColourRange::limited, ColourMatrix::bt2020}};
  media::BufferPool pool;
  for (const Book& from : books) {
    const media::Picture source = cube(pool, from);
    for (const Book& to : books) {
      const media::Picture result = recoloured(source, to.range, to.matrix, pool);
      ASSERT_EQ(result.range, to.range);
      ASSERT_EQ(result.matrix, to.matrix);
      double worst = 0;
      for (int y = 0; y < source.size.height_px; ++y) {
        for (int x = 0; x < source.size.width_px; ++x) {
          const Yuv in{static_cast<double>(test::byte_at(source, 0, x, y)),
                       static_cast<double>(test::byte_at(source, 1, x / 2, y / 2)),
                       static_cast<double>(test::byte_at(source, 2, x / 2, y / 2))};
          const Yuv expected = to.yuv(from.rgb(in));
          for (std::size_t p = 0; p < 3; ++p) {
            const int got = p == 0 ? test::byte_at(result, 0, x, y) : test::byte_at(result, p, x / 2, y / 2);
            worst = std::max(worst, std::abs(got - std::clamp(expected[p], 0.0, 255.0)));
          }
        }
      }
      EXPECT_LE(worst, 1.6) << name(from.range) << name(from.matrix) << " to " << name(to.range) << name(to.matrix);
    }
  }
}

media::Picture flat(media::BufferPool& pool, int y, int u, int v, ColourRange range, Size size = {64, 4}) {
  auto canvas = media::make_canvas(pool, media::PixelFormat::yuv420p, size, 64);
  const std::array<int, 3> values{y, u, v};
  for (std::size_t p = 0; p < 3; ++p) {
    const int rows = media::plane_rows(media::PixelFormat::yuv420p, static_cast<int>(p), size.height_px);
    std::fill_n(canvas.plane[p], std::ptrdiff_t{canvas.picture.stride_bytes[p]} * rows,
                static_cast<std::byte>(values[p]));
  }
  canvas.picture.range = range;
  return std::move(canvas).done();
}

TEST(Recoloured, KeepsWhiteWhiteBlackBlackAndGreyGrey) {
  media::BufferPool pool;
  const auto check = [&](int y, ColourRange from, ColourRange to, int expected) {
    for (const ColourMatrix matrix : {ColourMatrix::unknown, ColourMatrix::bt601}) {
      const auto result = recoloured(flat(pool, y, 128, 128, from), to, matrix, pool);
      EXPECT_EQ(test::byte_at(result, 0, 5, 1), expected) << y;
      EXPECT_EQ(test::byte_at(result, 1, 3, 1), 128) << y;
      EXPECT_EQ(test::byte_at(result, 2, 3, 1), 128) << y;
    }
  };
  check(235, ColourRange::limited, ColourRange::full, 255);
  check(16, ColourRange::limited, ColourRange::full, 0);
  check(255, ColourRange::limited, ColourRange::full, 255);  // whiter than white
  check(0, ColourRange::limited, ColourRange::full, 0);      // blacker than black
  check(255, ColourRange::full, ColourRange::limited, 235);
  check(0, ColourRange::full, ColourRange::limited, 16);
  check(235, ColourRange::unknown, ColourRange::full, 255);
}

TEST(Recoloured, LeavesThePictureAloneWhenNothingIsToBeDone) {
  media::BufferPool pool;
  const auto source = flat(pool, 90, 100, 110, ColourRange::limited);
  EXPECT_EQ(recoloured(source, ColourRange::limited, ColourMatrix::bt601, pool).plane[0], source.plane[0]);
  EXPECT_EQ(recoloured(source, ColourRange::unknown, ColourMatrix::unknown, pool).plane[0], source.plane[0]);
}

TEST(Recoloured, TakesOddSizes) {
  media::BufferPool pool;
  auto source = flat(pool, 235, 128, 128, ColourRange::limited, {33, 7});
  source.matrix = ColourMatrix::bt709;
  const auto result = recoloured(source, ColourRange::full, ColourMatrix::bt601, pool);
  EXPECT_EQ(test::byte_at(result, 0, 32, 6), 255);
  EXPECT_EQ(test::byte_at(result, 1, 16, 3), 128);
}

}  // namespace
}  // namespace campipe::codec
