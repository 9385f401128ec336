#include <campipe/ring.h>
#include <gtest/gtest.h>

#include "media/pixel_format.hpp"

namespace {

using namespace campipe;

TEST(RingPictureLayout, IsThatOfTheToolsForEveryPixelFormat) {
  constexpr Size kSizes[] = {{1920, 1080}, {641, 481}, {1, 1}, {16384, 16384}};
  int formats = 0;
  for (int i = 1; i <= static_cast<int>(media::PixelFormat::rgb565le); ++i) {
    const auto format = static_cast<media::PixelFormat>(i);
    const std::string name(media::name(format));
    ++formats;
    for (const Size size : kSizes) {
      campipe_ring_plane plane[CAMPIPE_RING_MAX_PLANES];
      uint64_t bytes = 0;
      const int planes = campipe_ring_picture_layout(name.c_str(), static_cast<uint32_t>(size.width_px),
                                                     static_cast<uint32_t>(size.height_px), plane, &bytes);
      ASSERT_EQ(planes, media::info(format).planes) << name;
      EXPECT_EQ(bytes, media::picture_bytes(format, size)) << name;
      std::uint64_t offset = 0;
      for (int p = 0; p < planes; ++p) {
        EXPECT_EQ(plane[p].offset, offset) << name << ' ' << p;
        EXPECT_EQ(plane[p].row_bytes, media::row_bytes(format, p, size.width_px)) << name << ' ' << p;
        EXPECT_EQ(plane[p].stride_bytes, plane[p].row_bytes);
        EXPECT_EQ(plane[p].rows, static_cast<uint32_t>(media::plane_rows(format, p, size.height_px))) << name;
        offset += std::uint64_t{plane[p].row_bytes} * plane[p].rows;
      }
    }
  }
  EXPECT_EQ(formats, 18);
}

TEST(RingPictureLayout, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(campipe_ring_picture_layout("yuv410p", 8, 8, nullptr, nullptr), CAMPIPE_RING_ERROR_ARGUMENT);
  EXPECT_EQ(campipe_ring_picture_layout("none", 8, 8, nullptr, nullptr), CAMPIPE_RING_ERROR_ARGUMENT);
  EXPECT_EQ(campipe_ring_picture_layout("gray", 0, 8, nullptr, nullptr), CAMPIPE_RING_ERROR_ARGUMENT);
  EXPECT_EQ(campipe_ring_picture_layout("gray", 16385, 8, nullptr, nullptr), CAMPIPE_RING_ERROR_ARGUMENT);
  EXPECT_EQ(campipe_ring_picture_layout(nullptr, 8, 8, nullptr, nullptr), CAMPIPE_RING_ERROR_ARGUMENT);
}

}  // namespace
