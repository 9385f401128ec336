// What campipe-stream(5) shows is what the code does.
#include <algorithm>
#include <fstream>
#include <regex>

#include "wire/wire_support.hpp"

namespace campipe::wire::test {
namespace {

const std::string kRoot = std::string(CAMPIPE_TEST_DATA) + "/../..";

/// The hex dump of the page's example.
Bytes bytes_of_the_page() {
  std::ifstream page(kRoot + "/man/campipe-stream.5");
  const std::regex row("([0-9a-f]{3})  ((?:[0-9a-f]{2} ?)+)");
  Bytes bytes;
  std::smatch match;
  for (std::string line; std::getline(page, line);) {
    if (!std::regex_match(line, match, row)) continue;
    EXPECT_EQ(std::stoul(match[1], nullptr, 16), bytes.size()) << line;
    const std::string digits = match[2];
    for (std::size_t at = 0; at < digits.size(); at += 3) {
      bytes.push_back(static_cast<std::byte>(std::stoul(digits.substr(at, 2), nullptr, 16)));
    }
  }
  return bytes;
}

/// The stream that the page describes.
Bytes bytes_of_the_writer() {
  media::StreamFormat format = raw_format(media::PixelFormat::gray, {4, 2});
  format.video.range = media::ColourRange::full;
  format.clock = StreamClock{1'795'226'522'000'000, 4'900'000'000, "d0c5f3b2-6a1e-4c7b-9b57-2f1f6e0a9c11"};
  media::Packet packet;
  packet.keyframe = true;
  packet.captured_ns = 5'000'179'123;
  packet.pts_us = format.clock->pts_us(*packet.captured_ns);
  packet.sequence = 7;
  Bytes picture;
  for (int i = 0; i < 8; ++i) picture.push_back(static_cast<std::byte>(0x10 * i + 0x0F));
  packet.payload = media::Payload::from(std::move(picture));
  return written(format, {packet});
}

TEST(Manual, ShowsAStreamThatReads) {
  const Read read = read_piped(bytes_of_the_page());
  ASSERT_EQ(read.packets.size(), 1U);
  EXPECT_EQ(read.packets[0].captured_ns, 5'000'179'123);
  EXPECT_EQ(read.packets[0].sequence, 7U);
  EXPECT_EQ(read.formats[0].video.range, media::ColourRange::full);
  EXPECT_EQ(read.stats.resyncs, 0U);
}

TEST(Manual, ShowsWhatTheWriterWrites) {
  if (std::string_view(CAMPIPE_VERSION) != "0.1.0") GTEST_SKIP() << "the page shows version 0.1.0";
  EXPECT_EQ(bytes_of_the_page(), bytes_of_the_writer());
}

TEST(Manual, TheReaderInPythonReads) {
  const MemFile page(bytes_of_the_page());
  const std::string reader = "python3 " + kRoot + "/examples/read_stream.py < ";
  EXPECT_EQ(shell(reader + page.path()),
            "track=0 key=1 pts_us=1795226522100179 dts_us=1795226522100179 sequence=7 bytes=8\n");
  // A writer that was killed, and the next one.
  const media::StreamFormat format = raw_format(media::PixelFormat::gray, {40, 20});
  const Bytes bytes = written(format, raw_packets(format, 3));
  Bytes mixed(bytes.begin(), bytes.end() - 300);
  mixed.insert(mixed.end(), bytes.begin(), bytes.end());
  const MemFile file(mixed);
  const std::string lines = shell(reader + file.path());
  EXPECT_EQ(std::ranges::count(lines, '\n'), 5) << lines;
  const MemFile told;
  {
    const auto out = make_writer(told.for_writing(), "stdout", stream::OutputFormat::nut, {});
    out->set_source(source_status(SourceState::running));
    out->set_format(format);
    for (const media::Packet& packet : raw_packets(format, 3)) {
      out->write(packet);
      out->set_source(source_status(SourceState::lost, "Connection refused"));
    }
  }
  const std::string all = shell(reader + told.path());
  EXPECT_EQ(std::ranges::count(all, '\n'), 3) << all;
}

}  // namespace
}  // namespace campipe::wire::test
