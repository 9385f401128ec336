#include "media/counter_strip.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <unistd.h>

#include "media/media_support.hpp"

namespace campipe::media {
namespace {

using test::Bytes;

TEST(CounterStrip, HasAnEighteenthOfTheHeight) {
  EXPECT_EQ(counter_strip_rows(1080), 60);
  EXPECT_EQ(counter_strip_rows(720), 40);
  EXPECT_EQ(counter_strip_rows(500), 26);
  EXPECT_EQ(counter_strip_rows(120), 8);
  EXPECT_EQ(counter_strip_rows(16), 8);
}

TEST(CounterStrip, TouchesItsRowsOnly) {
  const Size size{160, 120};
  Bytes luma(200 * 120, std::byte{90});
  draw_counter_strip(luma, 200, size, 7, 16, 235);
  for (std::size_t y = 0; y < 120; ++y) {
    for (std::size_t x = 0; x < 200; ++x) {
      const bool drawn = luma[y * 200 + x] != std::byte{90};
      EXPECT_EQ(drawn, y < 8 && x < 160) << x << " " << y;
    }
  }
}

TEST(CounterStrip, CountsEveryBit) {
  const Size size{642, 482};
  Bytes luma(642 * 482);
  for (int bit = 0; bit < 32; ++bit) {
    for (const std::uint32_t counter : {1U << bit, ~(1U << bit)}) {
      draw_counter_strip(luma, 642, size, counter, 16, 235);
      EXPECT_EQ(read_counter_strip(luma, 642, size), counter);
    }
  }
}

/// Nearest-neighbour scaling, with noise as a coarse quantiser leaves it.
Bytes scaled(const Bytes& luma, Size from, Size to) {
  Bytes out;
  for (int y = 0; y < to.height_px; ++y) {
    for (int x = 0; x < to.width_px; ++x) {
      const int source = y * from.height_px / to.height_px * from.width_px + x * from.width_px / to.width_px;
      const int value = std::to_integer<int>(luma[static_cast<std::size_t>(source)]);
      out.push_back(static_cast<std::byte>(value + (value < 128 ? 1 : -1) * ((x * 7 + y * 13) % 60)));
    }
  }
  return out;
}

TEST(CounterStrip, SurvivesScalingAndNoise) {
  const Size from{1280, 720};
  Bytes luma(1280 * 720, std::byte{128});
  draw_counter_strip(luma, 1280, from, 0xcafe'1234, 16, 235);
  for (const Size to : {Size{1920, 1080}, Size{640, 360}, Size{320, 240}, Size{426, 240}, Size{160, 90}}) {
    const auto stride = static_cast<std::size_t>(to.width_px);
    EXPECT_EQ(read_counter_strip(scaled(luma, from, to), stride, to), 0xcafe'1234) << to.width_px;
  }
}

TEST(CounterStrip, NoWrongBitGoesUnnoticed) {
  const Size size{400, 200};
  Bytes luma(400 * 200);
  for (std::size_t cell = 0; cell < 40; ++cell) {
    draw_counter_strip(luma, 400, size, 0x1234'abcd, 0, 255);
    for (std::size_t row = 0; row < 20; ++row) {
      for (std::size_t x = 0; x < 10; ++x) luma[row * 400 + cell * 10 + x] ^= std::byte{0xff};
    }
    EXPECT_FALSE(read_counter_strip(luma, 400, size)) << cell;
  }
}

TEST(CounterStrip, PicturesTooSmallHaveNone) {
  Bytes luma(39 * 64);
  EXPECT_FALSE(read_counter_strip(luma, 39, {39, 64}));
  EXPECT_FALSE(read_counter_strip(luma, 39, {-1, 64}));
  EXPECT_FALSE(read_counter_strip(std::span(luma).first(100), 39, {40, 64}));
  EXPECT_FALSE(read_counter_strip({}, 0, {0, 0}));
  draw_counter_strip(luma, 39, {-1, -1}, 1, 0, 255);
  draw_counter_strip(std::span(luma).first(100), 39, {39, 64}, 1, 0, 255);
  EXPECT_EQ(luma, Bytes(39 * 64)) << "nothing drawn where it does not fit";
}

/// What a command prints.
std::string output_of(const std::string& command, int& status) {
  std::string text;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return text;
  for (int c = 0; (c = std::fgetc(pipe)) != EOF;) text.push_back(static_cast<char>(c));
  status = ::pclose(pipe);
  return text;
}

class PatternCounter : public testing::Test {
protected:
  std::string run(const std::vector<std::uint32_t>& counters, const std::string& options, int& status) {
    const Size size{322, 182};
    const auto file = std::filesystem::path(testing::TempDir()) / ("campipe_counter_" + std::to_string(::getpid()));
    {
      std::ofstream out(file, std::ios::binary);
      Bytes luma(322 * 182, std::byte{90});
      for (const std::uint32_t counter : counters) {
        draw_counter_strip(luma, 322, size, counter, 16, 235);
        if (counter == kUnreadable) luma.assign(luma.size(), std::byte{90});
        out.write(reinterpret_cast<const char*>(luma.data()), static_cast<std::streamsize>(luma.size()));
      }
    }
    const std::string script = CAMPIPE_TEST_DATA "/../support/pattern_counter.py";
    auto text = output_of("/usr/bin/python3 " + script + " " + options + " 322 182 < " + file.string(), status);
    std::filesystem::remove(file);
    return text;
  }
  static constexpr std::uint32_t kUnreadable = 0xdead'dead;
};

TEST_F(PatternCounter, ReadsWhatIsDrawnHere) {
  int status = -1;
  EXPECT_EQ(run({0, 1, 4'294'967'295, 305'419'896, kUnreadable, 7}, "", status),
            "0\n1\n4294967295\n305419896\nbad\n7\n");
  EXPECT_EQ(status, 0);
}

TEST_F(PatternCounter, ChecksThatNothingIsMissingDoubledOrReordered) {
  struct Case {
    const char* name;
    std::vector<std::uint32_t> counters;
    bool good;
    const char* summary;
  };
  for (const Case& c :
       {Case{"all there", {5, 6, 7, 8}, true, "4 pictures, 0 lost, 0 doubled, 0 out of order, 0 unreadable\n"},
        Case{"lost", {5, 6, 9}, false, "3 pictures, 2 lost, 0 doubled, 0 out of order, 0 unreadable\n"},
        Case{"doubled", {5, 6, 6, 7}, false, "4 pictures, 0 lost, 1 doubled, 0 out of order, 0 unreadable\n"},
        Case{"unreadable", {5, kUnreadable, 6}, false, "3 pictures, 0 lost, 0 doubled, 0 out of order, 1 unreadable\n"},
        Case{"none", {}, false, "0 pictures, 0 lost, 0 doubled, 0 out of order, 0 unreadable\n"}}) {
    int status = -1;
    EXPECT_EQ(run(c.counters, "--check", status), c.summary) << c.name;
    EXPECT_EQ(status == 0, c.good) << c.name;
  }
  int status = 0;
  run({5, 7, 6, 8}, "--check", status);
  EXPECT_NE(status, 0) << "out of order";
}

}  // namespace
}  // namespace campipe::media
