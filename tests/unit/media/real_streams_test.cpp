// The facts about streams that real encoders wrote; tests/data/media/README.md says how.
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "media/counter_strip.hpp"
#include "media/h264.hpp"
#include "media/h265.hpp"
#include "media/jpeg.hpp"

namespace campipe::media {
namespace {

std::vector<std::byte> data(const std::string& name) {
  std::ifstream in(std::string(CAMPIPE_TEST_DATA) + "/media/" + name, std::ios::binary);
  const std::vector<char> chars{std::istreambuf_iterator<char>(in), {}};
  EXPECT_FALSE(chars.empty()) << name;
  const auto* first = reinterpret_cast<const std::byte*>(chars.data());
  return {first, first + chars.size()};
}

template <class Splitter>
int count_access_units(std::span<const std::byte> stream) {
  Splitter splitter;
  int count = 0;
  for (const Nal nal : split_annex_b(stream)) count += splitter.starts_access_unit(nal) ? 1 : 0;
  return count;
}

TEST(RealStreams, H264SpsTellsSizeRateAndColour) {
  const auto stream = data("small.h264");
  const auto sets = h264::parameter_sets_of(stream);
  const auto nals = split_annex_b(sets);
  ASSERT_EQ(nals.size(), 2U);
  const auto sps = h264::parse_sps(nals[0]);
  ASSERT_TRUE(sps);
  EXPECT_EQ(sps->size, (Size{318, 178}));
  EXPECT_EQ(sps->frame_rate, (Rational{30000, 1001}));
  EXPECT_EQ(sps->range, ColourRange::full);
  EXPECT_EQ(sps->matrix, ColourMatrix::bt709);
  EXPECT_TRUE(h264::has_idr(stream));
  EXPECT_EQ(count_access_units<h264::AccessUnitSplitter>(stream), 4);
}

TEST(RealStreams, H264ConfigurationRecordSurvivesARoundTrip) {
  const auto sets = h264::parameter_sets_of(data("small.h264"));
  const auto config = h264::parse_avcc(h264::make_avcc(sets));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->parameter_sets, sets);
  EXPECT_EQ(config->length_bytes, 4);
}

TEST(RealStreams, H265SpsTellsSizeAndRate) {
  const auto stream = data("small.h265");
  const auto sets = h265::parameter_sets_of(stream);
  const auto nals = split_annex_b(sets);
  ASSERT_EQ(nals.size(), 3U);
  const auto sps = h265::parse_sps(nals[1]);
  ASSERT_TRUE(sps);
  EXPECT_EQ(sps->size, (Size{318, 178}));
  EXPECT_EQ(sps->frame_rate, (Rational{25, 1}));
  EXPECT_EQ(sps->bit_depth_luma, 8);
  EXPECT_TRUE(h265::has_irap(stream));
  EXPECT_EQ(count_access_units<h265::AccessUnitSplitter>(stream), 4);
}

TEST(RealStreams, H265ConfigurationRecordSurvivesARoundTrip) {
  const auto sets = h265::parameter_sets_of(data("small.h265"));
  const auto config = h265::parse_hvcc(h265::make_hvcc(sets));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->parameter_sets, sets);
}

TEST(RealStreams, JpegIsWalkedToItsEnd) {
  const auto image = data("small.jpg");
  const auto info = jpeg::parse(image);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->size, (Size{322, 180}));
  EXPECT_EQ(info->subsampling, jpeg::Subsampling::s422);
  EXPECT_TRUE(info->complete);
  EXPECT_TRUE(info->baseline);
  EXPECT_EQ(info->length, image.size());
  EXPECT_FALSE(jpeg::canonical(image, *info, true));
  for (std::size_t length = 0; length < image.size(); ++length) {
    const auto cut = jpeg::parse(std::span(image).first(length));
    EXPECT_TRUE(!cut || !cut->complete) << length;
  }
}

TEST(RealStreams, JpegWithoutTablesGetsTheStandardOnes) {
  auto image = data("small.jpg");
  const auto info = jpeg::parse(image);
  ASSERT_TRUE(info);
  // FFmpeg writes the standard tables in one segment: take it out.
  std::size_t at = 2;
  while (image[at + 1] != std::byte{0xc4})
    at += 2 + (std::to_integer<std::size_t>(image[at + 2]) << 8 | std::to_integer<std::size_t>(image[at + 3]));
  const auto begin = image.begin() + static_cast<std::ptrdiff_t>(at);
  const std::size_t length =
      2 + (std::to_integer<std::size_t>(image[at + 2]) << 8 | std::to_integer<std::size_t>(image[at + 3]));
  image.erase(begin, begin + static_cast<std::ptrdiff_t>(length));
  const auto bare = jpeg::parse(image);
  ASSERT_TRUE(bare);
  EXPECT_FALSE(bare->has_huffman_tables);
  const auto repaired = jpeg::canonical(image, *bare, false);
  ASSERT_TRUE(repaired);
  const auto again = jpeg::parse(*repaired);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->has_huffman_tables);
  EXPECT_TRUE(again->complete);
  EXPECT_EQ(again->length, repaired->size());
}

TEST(RealStreams, NoPrefixOfAParameterSetDoesHarm) {
  for (const char* name : {"small.h264", "small.h265"}) {
    const auto stream = data(name);
    for (const Nal nal : split_annex_b(stream)) {
      for (std::size_t length = 0; length < std::min<std::size_t>(nal.size(), 200); ++length) {
        h264::parse_sps(nal.first(length));
        h265::parse_sps(nal.first(length));
      }
    }
  }
}

TEST(CounterStrip, IsReadBackAtEverySize) {
  for (const Size size : {Size{80, 60}, Size{160, 120}, Size{642, 363}, Size{1280, 720}, Size{1920, 1080}}) {
    const auto stride = static_cast<std::size_t>(size.width_px) + 13;
    std::vector<std::byte> luma(stride * static_cast<std::size_t>(size.height_px), std::byte{90});
    EXPECT_FALSE(read_counter_strip(luma, stride, size));
    for (const std::uint32_t counter : {0U, 1U, 0x12345678U, 0xffffffffU}) {
      draw_counter_strip(luma, stride, size, counter, 16, 235);
      EXPECT_EQ(read_counter_strip(luma, stride, size), counter);
    }
  }
}

TEST(CounterStrip, MixedStripsAreNoticed) {
  const Size size{640, 360};
  std::vector<std::byte> luma(640 * 360);
  draw_counter_strip(luma, 640, size, 1000, 0, 255);
  std::vector<std::byte> other(640 * 360);
  draw_counter_strip(other, 640, size, 1001, 0, 255);
  for (std::size_t row = 0; row < 20; ++row)
    std::copy_n(other.begin() + static_cast<std::ptrdiff_t>(row * 640), 600,
                luma.begin() + static_cast<std::ptrdiff_t>(row * 640));
  EXPECT_NE(read_counter_strip(luma, 640, size), 1000U);
}

}  // namespace
}  // namespace campipe::media
