#include "rtp/jpeg.hpp"

#include <functional>

#include <gtest/gtest.h>

#include "rtp/bytes.hpp"
#include "rtp/bytes_of.hpp"
#include "rtp/jpeg_image.hpp"

namespace campipe::rtp::jpeg_test {
namespace {

using test::append;
using test::Bytes;
using test::bytes;
using Image = test::JpegImage;

/// What RFC 2435 says of a picture, put together from its payloads.
struct Received {
  std::uint32_t type = 0, quality = 0, width = 0, height = 0, restart_interval = 0, restart_count = 0;
  Bytes tables, scan;
};

Received depacketize(const std::vector<Bytes>& payloads) {
  Received got;
  for (const Bytes& payload : payloads) {
    const std::span<const std::byte> in(payload);
    EXPECT_EQ(get_u32(in, 0) & 0xFF'FFFF, got.scan.size()) << "fragment offset";
    const std::uint32_t second = get_u32(in, 4);
    got.type = second >> 24;
    got.quality = second >> 16 & 255;
    got.width = (second >> 8 & 255) * 8;
    got.height = (second & 255) * 8;
    std::size_t at = 8;
    if (got.type >= 64) {
      got.restart_interval = get_u16(in, at);
      got.restart_count = get_u16(in, at + 2);
      at += 4;
    }
    if (got.scan.empty()) {
      EXPECT_EQ(get_u16(in, at), 0U);  // MBZ, precision
      const std::size_t length = get_u16(in, at + 2);
      append(got.tables, in.subspan(at + 4, length));
      at += 4 + length;
    }
    append(got.scan, in.subspan(at));
  }
  return got;
}

TEST(JpegPacketizer, GivesBackTablesAndScan) {
  struct Case {
    const char* name;
    int sampling, interval;
    std::uint32_t type;
  };
  const JpegPacketizer packetizer(1000);
  for (const Case& one : {Case{"4:2:2", 0x21, 0, 0}, Case{"4:2:0", 0x22, 0, 1},
                          Case{"4:2:2 with restarts", 0x21, 40, 64}, Case{"4:2:0 with restarts", 0x22, 500, 65}}) {
    SCOPED_TRACE(one.name);
    Image image;
    image.luma_sampling = one.sampling;
    image.restart_interval = one.interval;
    const auto list = packetizer.split(media::Payload::from(image.make()));
    ASSERT_TRUE(list.has_value()) << text(list.error());
    EXPECT_TRUE(test::marker_only_on_last(*list));
    for (const Bytes& payload : test::flat(*list)) EXPECT_LE(payload.size(), 1000U);
    const Received got = depacketize(test::flat(*list));
    Bytes tables = image.luma;
    append(tables, image.chroma);
    EXPECT_EQ(got.tables, tables);
    EXPECT_EQ(got.scan, image.scan);
    EXPECT_EQ(got.type, one.type);
    EXPECT_EQ(got.quality, 255U);
    EXPECT_EQ(got.width, 640U);
    EXPECT_EQ(got.height, 360U);
    EXPECT_EQ(got.restart_interval, static_cast<std::uint32_t>(one.interval));
    if (one.interval != 0) {
      EXPECT_EQ(got.restart_count, 0xFFFFU);
    }
  }
}

TEST(JpegPacketizer, TakesWhatCamerasReallySend) {
  const JpegPacketizer packetizer(1400);
  const std::vector<std::pair<const char*, std::function<void(Image&)>>> cases{
      {"no Huffman tables", [](Image& i) { i.huffman = false; }},
      {"no EOI", [](Image& i) { i.end = false; }},
      {"sizes that are no multiple of 8", [](Image& i) { i.width = 854, i.height = 479; }},
      {"2040 pixels", [](Image& i) { i.width = i.height = 2040; }},
      {"one table for all", [](Image& i) { i.blue_table = i.red_table = 0; }},
      {"equal chroma tables under two numbers", [](Image& i) { i.red_table = 0, i.blue_table = 1, i.chroma = i.luma; }},
      {"restart markers in the scan",
       [](Image& i) { append(i.scan, bytes({0xFF, 0xD0, 1, 0xFF, 0x00, 2, 0xFF, 0xD7})); }},
      {"fill bytes before a marker", [](Image& i) { i.extra = bytes({0xFF, 0xFF, 0xFE, 0, 2}); }},
  };
  for (const auto& [name, spoil] : cases) {
    SCOPED_TRACE(name);
    Image image;
    spoil(image);
    const auto list = packetizer.split(media::Payload::from(image.make()));
    ASSERT_TRUE(list.has_value()) << text(list.error());
    EXPECT_EQ(depacketize(test::flat(*list)).scan, image.scan);
  }
}

TEST(JpegPacketizer, RefusesWhatTheFormatCannotCarry) {
  Image spoiled_huffman;
  Bytes table = bytes({0x00, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5});
  const std::vector<std::tuple<const char*, RtpError, std::function<void(Image&)>>> cases{
      {"too wide", RtpError::jpeg_over_2040_px, [](Image& i) { i.width = 2041; }},
      {"too high", RtpError::jpeg_over_2040_px, [](Image& i) { i.height = 3000; }},
      {"progressive", RtpError::jpeg_not_baseline, [](Image& i) { i.sof = 0xC2; }},
      {"12 bit", RtpError::jpeg_not_baseline, [](Image& i) { i.precision = 12; }},
      {"gray", RtpError::jpeg_sampling, [](Image& i) { i.components = 1; }},
      {"4:4:4", RtpError::jpeg_sampling, [](Image& i) { i.luma_sampling = 0x11; }},
      {"4:4:0", RtpError::jpeg_sampling, [](Image& i) { i.luma_sampling = 0x12; }},
      {"4:2:2 with double-height units", RtpError::jpeg_sampling, [](Image& i) { i.chroma_sampling = 0x12; }},
      {"16-bit tables", RtpError::jpeg_quantisation, [](Image& i) { i.quantiser_bits = 1; }},
      {"a missing table", RtpError::jpeg_quantisation, [](Image& i) { i.luma_table = 3; }},
      {"three tables", RtpError::jpeg_quantisation, [](Image& i) { i.red_table = 0; }},
      {"one component a scan", RtpError::jpeg_not_baseline, [](Image& i) { i.scan_components = 1; }},
      {"a second scan", RtpError::jpeg_not_baseline, [](Image& i) { append(i.scan, bytes({0xFF, 0xDA, 0, 2})); }},
      {"custom Huffman table", RtpError::jpeg_huffman, [&](Image& i) { i.extra = i.segment(0xC4, table); }},
      {"empty scan", RtpError::empty, [](Image& i) { i.scan.clear(); }},
      {"no size", RtpError::not_jpeg, [](Image& i) { i.width = 0; }},
      {"Huffman table that runs over its end", RtpError::not_jpeg,
       [](Image& i) { i.extra = i.segment(0xC4, bytes({0, 200})); }},
      {"garbage between segments", RtpError::not_jpeg, [](Image& i) { i.extra = bytes({1, 2, 3}); }},
  };
  const JpegPacketizer packetizer(1400);
  for (const auto& [name, error, spoil] : cases) {
    SCOPED_TRACE(name);
    Image image;
    spoil(image);
    const auto list = packetizer.split(media::Payload::from(image.make()));
    ASSERT_FALSE(list.has_value());
    EXPECT_EQ(text(list.error()), text(error));
  }
}

TEST(JpegPacketizer, NeverReadsOverTheEndOfACutImage) {
  Image image;
  image.restart_interval = 7;
  image.scan = test::noise(40);
  const Bytes whole = image.make();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    const auto list = JpegPacketizer(1400).split(media::Payload::from(cut));
    if (list) {
      EXPECT_GT(length, whole.size() - image.scan.size() - 2);
    }
  }
}

}  // namespace
}  // namespace campipe::rtp::jpeg_test
