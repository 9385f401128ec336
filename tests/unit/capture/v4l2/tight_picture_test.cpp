#include "capture/v4l2/tight_picture.hpp"

#include <gtest/gtest.h>
#include <linux/videodev2.h>

namespace campipe::capture {
namespace {

/// `rows` rows of `row` bytes counting on from `value`, each padded to `stride` with 0xEE.
std::vector<std::byte> padded(std::size_t row, std::size_t rows, std::size_t stride, int value) {
  std::vector<std::byte> bytes(stride * rows, std::byte{0xEE});
  for (std::size_t y = 0; y < rows; ++y) {
    for (std::size_t x = 0; x < row; ++x)
      bytes[y * stride + x] = static_cast<std::byte>(value + static_cast<int>(y * row + x));
  }
  return bytes;
}

std::vector<std::byte> joined(std::initializer_list<std::vector<std::byte>> parts) {
  std::vector<std::byte> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::vector<std::byte> bytes_of(const std::optional<media::Payload>& payload) {
  if (!payload) return {};
  return {payload->bytes().begin(), payload->bytes().end()};
}

TEST(TightPicture, TakesPaddingOffEveryPlane) {
  media::BufferPool pool;
  // NV12 6x4 in lines of 16: luma 4 rows, chroma 2 rows with the same bytesperline.
  const auto driver = joined({padded(6, 4, 16, 1), padded(6, 2, 16, 101)});
  const v4l2::PaddedPicture picture{*v4l2::find_device_format(V4L2_PIX_FMT_NV12), {6, 4}, {16}, {driver}};
  EXPECT_EQ(bytes_of(v4l2::tight_copy(picture, pool)), joined({padded(6, 4, 6, 1), padded(6, 2, 6, 101)}));
}

TEST(TightPicture, HalvesThePaddingOfPlanarChromaAndPutsUFirst) {
  media::BufferPool pool;
  const auto driver = joined({padded(6, 4, 16, 1), padded(3, 2, 8, 50), padded(3, 2, 8, 90)});
  const v4l2::PaddedPicture u_first{*v4l2::find_device_format(V4L2_PIX_FMT_YUV420), {6, 4}, {16}, {driver}};
  EXPECT_EQ(bytes_of(v4l2::tight_copy(u_first, pool)),
            joined({padded(6, 4, 6, 1), padded(3, 2, 3, 50), padded(3, 2, 3, 90)}));
  const v4l2::PaddedPicture v_first{*v4l2::find_device_format(V4L2_PIX_FMT_YVU420), {6, 4}, {16}, {driver}};
  EXPECT_EQ(bytes_of(v4l2::tight_copy(v_first, pool)),
            joined({padded(6, 4, 6, 1), padded(3, 2, 3, 90), padded(3, 2, 3, 50)}));
}

TEST(TightPicture, JoinsPlanesThatLieApart) {
  media::BufferPool pool;
  const auto luma = padded(6, 4, 8, 1), chroma = padded(6, 2, 32, 77);
  const v4l2::PaddedPicture picture{*v4l2::find_device_format(V4L2_PIX_FMT_NV12M), {6, 4}, {8, 32, 0}, {luma, chroma}};
  EXPECT_EQ(bytes_of(v4l2::tight_copy(picture, pool)), joined({padded(6, 4, 6, 1), padded(6, 2, 6, 77)}));
}

TEST(TightPicture, RefusesAPictureCutOff) {
  media::BufferPool pool;
  const auto whole = padded(12, 4, 12, 1);
  v4l2::PaddedPicture picture{*v4l2::find_device_format(V4L2_PIX_FMT_YUYV), {6, 4}, {}, {whole}};
  EXPECT_TRUE(v4l2::tight_copy(picture, pool));
  picture.planes[0] = picture.planes[0].first(47);
  EXPECT_FALSE(v4l2::tight_copy(picture, pool));
  picture.planes[0] = {};
  EXPECT_FALSE(v4l2::tight_copy(picture, pool));
  picture.format = *v4l2::find_device_format(V4L2_PIX_FMT_NV12M);
  EXPECT_FALSE(v4l2::tight_copy(picture, pool));
}

TEST(TightPicture, NeedsNoPaddingBehindTheLastRow) {
  media::BufferPool pool;
  const auto driver = padded(12, 4, 20, 1);
  const v4l2::PaddedPicture picture{
      *v4l2::find_device_format(V4L2_PIX_FMT_YUYV), {6, 4}, {20}, {std::span(driver).first(3 * 20 + 12)}};
  EXPECT_EQ(bytes_of(v4l2::tight_copy(picture, pool)), padded(12, 4, 12, 1));
}

}  // namespace
}  // namespace campipe::capture
