#include "ffmpeg/convert.hpp"

extern "C" {
#include <libavutil/pixdesc.h>
}

#include <gtest/gtest.h>

namespace campipe::ffmpeg {
namespace {

using media::ColourMatrix;
using media::ColourRange;
using media::PixelFormat;

constexpr int kFormats = static_cast<int>(PixelFormat::rgb565le) + 1;

TEST(FfmpegPixelFormats, EachOfOursHasItsNameThereAndComesBack) {
  for (int i = static_cast<int>(PixelFormat::none) + 1; i < kFormats; ++i) {
    const auto format = static_cast<PixelFormat>(i);
    const AVPixelFormat theirs = to_av(format);
    ASSERT_NE(theirs, AV_PIX_FMT_NONE) << media::name(format);
    EXPECT_EQ(av_get_pix_fmt_name(theirs), media::name(format));
    const auto back = from_av(theirs);
    ASSERT_TRUE(back) << media::name(format);
    EXPECT_EQ(back->format, format);
    EXPECT_FALSE(back->full_range);
  }
  EXPECT_EQ(to_av(PixelFormat::none), AV_PIX_FMT_NONE);
}

TEST(FfmpegPixelFormats, TheOldNamesOfJpegAreFullRange) {
  struct Case {
    AVPixelFormat theirs;
    PixelFormat ours;
  };
  for (const Case& c :
       {Case{AV_PIX_FMT_YUVJ420P, PixelFormat::yuv420p}, Case{AV_PIX_FMT_YUVJ422P, PixelFormat::yuv422p},
        Case{AV_PIX_FMT_YUVJ444P, PixelFormat::yuv444p}}) {
    const auto known = from_av(c.theirs);
    ASSERT_TRUE(known);
    EXPECT_EQ(known->format, c.ours);
    EXPECT_TRUE(known->full_range);
  }
}

TEST(FfmpegPixelFormats, WhatWeHaveNoNameForIsNothing) {
  for (const int theirs : {static_cast<int>(AV_PIX_FMT_NONE), static_cast<int>(AV_PIX_FMT_YUV420P10LE),
                           static_cast<int>(AV_PIX_FMT_PAL8), -100, 100'000}) {
    EXPECT_FALSE(from_av(theirs)) << theirs;
  }
}

TEST(FfmpegColours, RangeAndMatrixComeBack) {
  for (const auto range : {ColourRange::unknown, ColourRange::limited, ColourRange::full}) {
    EXPECT_EQ(range_from_av(to_av(range)), range);
  }
  for (const auto matrix : {ColourMatrix::unknown, ColourMatrix::bt601, ColourMatrix::bt709, ColourMatrix::bt2020}) {
    EXPECT_EQ(matrix_from_av(to_av(matrix)), matrix);
  }
  EXPECT_EQ(matrix_from_av(AVCOL_SPC_BT470BG), ColourMatrix::bt601);
  EXPECT_EQ(matrix_from_av(AVCOL_SPC_RGB), ColourMatrix::unknown);
}

}  // namespace
}  // namespace campipe::ffmpeg
