#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "capture/pattern/picture.hpp"
#include "capture/pattern/source.hpp"
#include "media/counter_strip.hpp"

namespace campipe::capture {
namespace {

using media::PixelFormat;

/// The brightness at a point: luma, or green of an RGB picture.
int brightness(PixelFormat format, Size size, std::span<const std::byte> picture, int x, int y) {
  std::size_t at = static_cast<std::size_t>(y) * media::row_bytes(format, 0, size.width_px);
  if (format == PixelFormat::yuyv422) {
    at += static_cast<std::size_t>(x) * 2;
  } else if (format == PixelFormat::rgb24 || format == PixelFormat::bgr24) {
    at += static_cast<std::size_t>(x) * 3 + 1;
  } else {
    at += static_cast<std::size_t>(x);
  }
  return static_cast<int>(picture[at]);
}

/// What the strip says, or -1 when its marks or its check are wrong.
std::int64_t read_counter(PixelFormat format, Size size, std::span<const std::byte> picture) {
  std::vector<std::byte> luma;
  for (int y = 0; y < media::counter_strip_rows(size.height_px); ++y) {
    for (int x = 0; x < size.width_px; ++x)
      luma.push_back(static_cast<std::byte>(brightness(format, size, picture, x, y)));
  }
  const auto counter = media::read_counter_strip(luma, static_cast<std::size_t>(size.width_px), size);
  return counter ? std::int64_t{*counter} : -1;
}

struct PatternCase {
  PixelFormat format;
  Size size;
};

class PatternPictures : public testing::TestWithParam<PatternCase> {};

TEST_P(PatternPictures, CarryTheirNumberInTheStrip) {
  const auto& [format, size] = GetParam();
  const pattern::Picture pattern(format, size, {30, 1});
  std::vector<std::byte> picture(pattern.bytes());
  ASSERT_EQ(picture.size(), media::picture_bytes(format, size));
  for (const std::uint32_t number : {0U, 1U, 29U, 123'456U, 0xFFFF'FFFFU, 0xA5A5'A5A5U}) {
    pattern.paint(number, 1'700'000'000'000'000, picture);
    EXPECT_EQ(read_counter(format, size, picture), number);
  }
}

INSTANTIATE_TEST_SUITE_P(
    FormatsAndSizes, PatternPictures,
    testing::Values(PatternCase{PixelFormat::yuv420p, {1280, 720}}, PatternCase{PixelFormat::yuv420p, {1920, 1080}},
                    PatternCase{PixelFormat::yuv420p, {80, 48}}, PatternCase{PixelFormat::yuv420p, {321, 243}},
                    PatternCase{PixelFormat::nv12, {641, 361}}, PatternCase{PixelFormat::yuyv422, {322, 240}},
                    PatternCase{PixelFormat::yuyv422, {161, 121}}, PatternCase{PixelFormat::rgb24, {640, 480}},
                    PatternCase{PixelFormat::bgr24, {333, 97}}));

TEST(PatternPicture, StaysInsideTheSmallestAndOddestPictures) {
  for (const Size size : {Size{32, 32}, Size{33, 35}, Size{32, 2000}, Size{2001, 33}}) {
    for (const PixelFormat format :
         {PixelFormat::yuv420p, PixelFormat::nv12, PixelFormat::yuyv422, PixelFormat::rgb24}) {
      const pattern::Picture pattern(format, size, {25, 1});
      std::vector<std::byte> picture(pattern.bytes());  // the sanitizer sees what goes over its end
      for (std::uint64_t number = 0; number < 200; number += 7) pattern.paint(number, 0, picture);
    }
  }
}

TEST(PatternPicture, Moves) {
  const pattern::Picture pattern(PixelFormat::yuv420p, {320, 240}, {30, 1});
  std::set<std::vector<std::byte>> seen;
  for (std::uint64_t number = 0; number < 30; ++number) {
    std::vector<std::byte> picture(pattern.bytes());
    pattern.paint(number, 0, picture);
    // Below the strip and the text, so that only the scene counts.
    seen.insert(std::vector<std::byte>(picture.begin() + 320 * 220, picture.begin() + 320 * 240));
  }
  EXPECT_GT(seen.size(), 20U);
}

TEST(PatternPicture, ShowsUtc) {
  EXPECT_EQ(pattern::clock_text(1'792'555'506'789'012), "2026-10-21 04:05:06.789");
}

TEST(PatternSource, GivesEachPictureItsDeadlineAsCaptureTime) {
  const StreamClock clock = StreamClock::now();
  pattern::Source source({.size = {96, 64}, .rate = {500, 1}}, {}, clock);
  source.open();
  ASSERT_EQ(source.next(), Pull::format);
  std::vector<std::int64_t> captured;
  for (std::uint64_t i = 0; i < 10; ++i) {
    ASSERT_EQ(source.next(), Pull::packet);
    const media::Packet& packet = source.packet();
    EXPECT_EQ(packet.sequence, i);
    EXPECT_EQ(packet.pts_us, clock.pts_us(*packet.captured_ns));
    EXPECT_GE(monotonic_ns(), *packet.captured_ns);
    EXPECT_TRUE(packet.keyframe);
    EXPECT_EQ(read_counter(PixelFormat::yuv420p, {96, 64}, packet.payload.bytes()), static_cast<std::int64_t>(i));
    captured.push_back(*packet.captured_ns);
  }
  for (std::size_t i = 1; i < captured.size(); ++i) EXPECT_EQ(captured[i] - captured[i - 1], 2'000'000);
}

TEST(PatternSource, RefusesWhatItCannotDrawAndSaysWhatItCan) {
  const StreamClock clock = StreamClock::now();
  EXPECT_THROW(pattern::Source({.size = {16, 16}}, {}, clock), Error);
  try {
    pattern::Source({.pixel_format = PixelFormat::gray16le}, {}, clock);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::unavailable);
    EXPECT_THAT(error.what(), testing::HasSubstr("it offers yuv420p"));
  }
}

}  // namespace
}  // namespace campipe::capture
