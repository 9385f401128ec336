#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>

#include <gtest/gtest.h>

#include "jpeg/decoder.hpp"
#include "jpeg/encoder.hpp"

namespace campipe::jpeg {
namespace {

using media::PixelFormat;

media::Picture gradient(media::BufferPool& pool, PixelFormat format, Size size) {
  auto canvas = media::make_canvas(pool, format, size, 16);
  for (int p = 0; p < media::info(format).planes; ++p) {
    const auto plane = static_cast<std::size_t>(p);
    const auto width = static_cast<int>(media::row_bytes(format, p, size.width_px));
    for (int y = 0; y < media::plane_rows(format, p, size.height_px); ++y) {
      for (int x = 0; x < width; ++x) {
        canvas.plane[plane][y * canvas.picture.stride_bytes[plane] + x] =
            static_cast<std::byte>((p * 40 + x / 4 + y / 2) % 200 + 20);
      }
    }
  }
  return std::move(canvas).done();
}

double mean_error(const media::Picture& a, const media::Picture& b) {
  double sum = 0;
  double count = 0;
  for (int p = 0; p < media::info(a.format).planes; ++p) {
    const auto plane = static_cast<std::size_t>(p);
    const auto width = static_cast<int>(media::row_bytes(a.format, p, a.size.width_px));
    for (int y = 0; y < media::plane_rows(a.format, p, a.size.height_px); ++y) {
      for (int x = 0; x < width; ++x, ++count) {
        sum += std::abs(static_cast<int>(a.plane[plane][y * a.stride_bytes[plane] + x]) -
                        static_cast<int>(b.plane[plane][y * b.stride_bytes[plane] + x]));
      }
    }
  }
  return sum / count;
}

TEST(Jpeg, RoundTripsEachSampling) {
  media::BufferPool pool;
  Encoder encoder(95);
  Decoder decoder;
  for (const PixelFormat format :
       {PixelFormat::yuv420p, PixelFormat::yuv422p, PixelFormat::yuv444p, PixelFormat::gray}) {
    for (const Size size : {Size{640, 480}, Size{1920, 1080}, Size{34, 18}}) {
      const auto source = gradient(pool, format, size);
      const auto image = encoder.encode(source);
      const auto decoded = decoder.decode(image.bytes());
      ASSERT_TRUE(decoded) << decoded.error();
      EXPECT_EQ(decoded->format, format);
      EXPECT_EQ(decoded->size, size);
      EXPECT_EQ(decoded->range, media::ColourRange::full);
      EXPECT_EQ(decoded->matrix, media::ColourMatrix::bt601);
      EXPECT_LT(mean_error(source, *decoded), 2.0) << name(format) << size.width_px;
    }
  }
}

TEST(Jpeg, KeepsEarlierPicturesWhileNewOnesAreMade) {
  media::BufferPool pool;
  Encoder encoder(80);
  const auto first = encoder.encode(gradient(pool, PixelFormat::yuv420p, {320, 240}));
  const std::vector<std::byte> copy(first.bytes().begin(), first.bytes().end());
  for (int i = 0; i < 20; ++i) encoder.encode(gradient(pool, PixelFormat::gray, {320, 240}));
  EXPECT_TRUE(std::ranges::equal(copy, first.bytes()));
}

class Hostile : public ::testing::Test {
protected:
  Hostile() {
    Encoder encoder(80);
    const auto image = encoder.encode(gradient(pool_, PixelFormat::yuv420p, {320, 240}));
    bytes_.assign(image.bytes().begin(), image.bytes().end());
  }

  /// Where the frame header's height (then width) stands.
  std::size_t size_offset() const {
    for (std::size_t i = 2; i + 9 < bytes_.size();) {
      const auto length = static_cast<std::size_t>(bytes_[i + 2]) << 8 | static_cast<std::size_t>(bytes_[i + 3]);
      if (bytes_[i + 1] == std::byte{0xC0}) return i + 5;
      i += 2 + length;
    }
    return 0;
  }

  void set_size(int width, int height) {
    const std::size_t at = size_offset();
    bytes_[at] = static_cast<std::byte>(height >> 8), bytes_[at + 1] = static_cast<std::byte>(height & 255);
    bytes_[at + 2] = static_cast<std::byte>(width >> 8), bytes_[at + 3] = static_cast<std::byte>(width & 255);
  }

  media::BufferPool pool_;
  std::vector<std::byte> bytes_;
  Decoder decoder_;
};

TEST_F(Hostile, RefusesWhatIsCutOff) {
  for (const double part : {0.99, 0.9, 0.5, 0.1}) {
    const auto length = static_cast<std::size_t>(static_cast<double>(bytes_.size()) * part);
    EXPECT_FALSE(decoder_.decode({bytes_.data(), length})) << part;
  }
  for (std::size_t length = 0; length < 40; ++length) EXPECT_FALSE(decoder_.decode({bytes_.data(), length})) << length;
  EXPECT_TRUE(decoder_.decode(bytes_));  // and is none the worse for it
}

TEST_F(Hostile, RefusesForgedSizesWithoutTheMemoryForThem) {
  for (const auto& [width, height] :
       {std::pair{65000, 65000}, {16385, 16}, {16384, 16384}, {16000, 4000}, {65500, 1}, {64, 16385}}) {
    set_size(width, height);
    const auto result = decoder_.decode(bytes_);
    ASSERT_FALSE(result) << width;
    EXPECT_NE(result.error().find(std::to_string(width)), std::string::npos) << result.error();
  }
}

TEST_F(Hostile, RefusesAPictureThatIsTooTallForItsData) {
  set_size(320, 480);
  EXPECT_FALSE(decoder_.decode(bytes_));
}

TEST_F(Hostile, SurvivesFlippedBytes) {
  std::mt19937 random(1);
  const auto good = bytes_;
  int refused = 0;
  for (int round = 0; round < 400; ++round) {
    bytes_ = good;
    for (int i = 0; i < 5; ++i) bytes_[random() % bytes_.size()] = static_cast<std::byte>(random());
    if (!decoder_.decode(bytes_)) ++refused;
  }
  EXPECT_GT(refused, 0);
}

TEST_F(Hostile, TakesStrayBytesBeforeTheEndAsCamerasSendThem) {
  bytes_.insert(bytes_.end() - 2, {std::byte{0x12}, std::byte{0x34}});
  EXPECT_TRUE(decoder_.decode(bytes_));
}

}  // namespace
}  // namespace campipe::jpeg
