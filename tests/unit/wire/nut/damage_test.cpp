// Everything that can happen to a stream in a pipe.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <future>
#include <limits>

#include "base/crc32c.hpp"
#include "wire/make_reader.hpp"
#include "wire/make_writer.hpp"
#include "wire/nut/bytes.hpp"
#include "wire/nut/constants.hpp"
#include "wire/nut/headers.hpp"
#include "wire/nut/payload_reader.hpp"
#include "wire/wire_support.hpp"

namespace campipe::wire::test {
namespace {

using media::Packet;
using media::PixelFormat;
using media::StreamFormat;
using media::Track;

constexpr Size kTiny{8, 2};  // 32 bytes of YUYV: all of the payload is under its CRC

StreamFormat tiny() {
  return raw_format(PixelFormat::yuyv422, kTiny);
}

std::vector<Packet> tiny_packets(unsigned count, std::int64_t first_us = 1'000'000'000'000'000) {
  auto packets = raw_packets(tiny(), count, first_us);
  for (Packet& packet : packets) packet.captured_ns.reset();  // the clock is left out
  return packets;
}

Read read_bytes(std::span<const std::byte> bytes) {
  stream::ReadOptions options;
  options.input_format = "nut";
  return read_all(MemFile(bytes).for_reading(), options);
}

/// Whether each packet of `got` is one of `sent`, whole, in order, none twice.
::testing::AssertionResult only_whole(const std::vector<Packet>& got, const std::vector<Packet>& sent) {
  auto next = sent.begin();
  for (const Packet& packet : got) {
    next = std::find_if(next, sent.end(), [&](const Packet& one) { return one.pts_us == packet.pts_us; });
    if (next == sent.end())
      return ::testing::AssertionFailure() << "no such packet, or out of order: " << packet.pts_us;
    if (!same_bytes(next->payload.bytes(), packet.payload.bytes())) {
      return ::testing::AssertionFailure() << "bytes of packet " << next - sent.begin() << " differ";
    }
    ++next;
  }
  return ::testing::AssertionSuccess();
}

/// Where each frame ends in a stream, found by writing it frame by frame.
std::vector<std::size_t> frame_ends(const StreamFormat& format, const std::vector<Packet>& packets) {
  std::vector<std::size_t> ends;
  for (std::size_t count = 1; count <= packets.size(); ++count) {
    ends.push_back(written(format, {packets.begin(), packets.begin() + static_cast<std::ptrdiff_t>(count)}).size());
  }
  return ends;
}

TEST(NutDamage, TruncationAtEachByteKeepsTheWholeFramesAndIsTold) {
  const auto packets = tiny_packets(6);
  const Bytes bytes = written(tiny(), packets);
  const auto ends = frame_ends(tiny(), packets);
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    const Read read = read_bytes(std::span(bytes).first(length));
    const auto whole =
        static_cast<std::size_t>(std::ranges::count_if(ends, [&](std::size_t end) { return end <= length; }));
    EXPECT_EQ(read.packets.size(), whole) << length;
    EXPECT_TRUE(only_whole(read.packets, packets)) << length;
    if (std::ranges::find(ends, length) != ends.end()) {
      EXPECT_FALSE(read.stats.truncated) << length;
    } else if (length > ends.front()) {
      EXPECT_TRUE(read.stats.truncated) << length;
    }
  }
}

TEST(NutDamage, ABitFlipAnywhereNeverChangesAFrame) {
  const auto packets = tiny_packets(6);
  const Bytes bytes = written(tiny(), packets);
  const std::size_t first_end = frame_ends(tiny(), packets).front();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const unsigned bit : {0U, 4U, 7U}) {
      Bytes flipped = bytes;
      flipped[at] ^= static_cast<std::byte>(1U << bit);
      Read read;
      try {
        read = read_bytes(flipped);
      } catch (const Error& error) {
        ADD_FAILURE() << at << ": " << error.what();
      }
      EXPECT_TRUE(only_whole(read.packets, packets)) << at;
      if (at >= first_end) {  // the headers came through: one frame is lost at most, or the one behind it too
        EXPECT_GE(read.packets.size(), packets.size() - 1) << at;
      }
    }
  }
}

TEST(NutDamage, ALateJoinAtEachOffsetFindsTheNextHeaders) {
  // Headers stand before every 16th frame: half a second apart at 30 fps.
  constexpr std::size_t kFrames = 70, kApart = 16;
  const auto packets = tiny_packets(kFrames);
  const Bytes bytes = written(tiny(), packets);
  const auto ends = frame_ends(tiny(), packets);
  for (std::size_t from = 1; from < bytes.size(); ++from) {
    const Read read = read_bytes(std::span(bytes).subspan(from));
    ASSERT_TRUE(only_whole(read.packets, packets)) << from;
    const auto before =
        static_cast<std::size_t>(std::ranges::count_if(ends, [&](std::size_t end) { return end < from; }));
    const std::size_t next = (before / kApart + 1) * kApart;
    ASSERT_GE(read.packets.size(), next < kFrames ? kFrames - next : 0) << from;
  }
}

TEST(NutDamage, AJoinInTheMiddleIsRecognisedWithoutBeingTold) {
  const StreamFormat format = raw_format(PixelFormat::bgr24, {320, 240});
  const auto packets = raw_packets(format, 70);
  const Bytes bytes = written(format, packets);
  for (const std::size_t from : {1U, 100U, 1000U, 230'000U, 231'000U, 1'000'000U}) {
    const Read read = read_piped(std::span(bytes).subspan(from));
    EXPECT_TRUE(only_whole(read.packets, packets)) << from;
    EXPECT_GE(read.packets.size(), 8U) << from;
  }
}

/// A writer is killed after `cut` bytes and another one goes on in the same pipe.
Bytes two_writers(const Bytes& first, std::size_t cut, const Bytes& second) {
  Bytes mixed(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(cut));
  mixed.insert(mixed.end(), second.begin(), second.end());
  return mixed;
}

TEST(NutDamage, NoFrameMixesTwoWriters) {
  const auto first = tiny_packets(4);
  const auto second = tiny_packets(5, 1'000'000'500'000'000);
  const Bytes bytes = written(tiny(), first);
  const Bytes bytes2 = written(tiny(), second);
  auto sent = first;
  sent.insert(sent.end(), second.begin(), second.end());
  const auto ends = frame_ends(tiny(), first);
  for (std::size_t cut = ends[1]; cut < bytes.size(); ++cut) {
    const Read read = read_bytes(two_writers(bytes, cut, bytes2));
    ASSERT_TRUE(only_whole(read.packets, sent)) << cut;
    const auto whole =
        static_cast<std::size_t>(std::ranges::count_if(ends, [&](std::size_t end) { return end <= cut; }));
    ASSERT_EQ(read.packets.size(), whole + second.size()) << cut;
    EXPECT_TRUE(read.packets[whole].discontinuity) << cut;
    EXPECT_FALSE(read.stats.truncated) << cut;
  }
}

TEST(NutDamage, NoFrameMixesTwoWritersWhenTheRestOfTheFirstIsLong) {
  const StreamFormat format = raw_format(PixelFormat::bgr24, {320, 240});
  const auto first = raw_packets(format, 3);
  const auto second = raw_packets(format, 3, 1'795'226'600'000'000);
  auto sent = first;
  sent.insert(sent.end(), second.begin(), second.end());
  const Bytes bytes = written(format, first);
  for (const std::size_t missing : {1U, 63U, 64U, 65U, 5000U, 100'000U, 230'000U}) {
    const Read read = read_bytes(two_writers(bytes, bytes.size() - missing, written(format, second)));
    EXPECT_TRUE(only_whole(read.packets, sent)) << missing;
    EXPECT_EQ(read.packets.size(), 5U) << missing;
    EXPECT_GE(read.stats.dropped, 1U);
  }
}

TEST(NutDamage, ANewWriterInTheMiddleOfABigFrameIsNoticedAtOnce) {
  // The killed writer owes 6 MB; the new one sends small frames that would take long to fill them.
  const StreamFormat big = raw_format(PixelFormat::bgr24, {1920, 1080});
  const auto lost = raw_packets(big, 1);
  const Bytes head = written(big, lost);
  const auto packets = tiny_packets(3);
  Pipe pipe = make_pipe();
  std::promise<void> seen;
  std::thread writer([&, before = nut::stalls()] {
    write_all(pipe.write_end.get(), std::span(head).first(100'000));
    while (nut::stalls() == before) std::this_thread::yield();  // a restart takes longer
    write_all(pipe.write_end.get(), written(tiny(), packets));
    seen.get_future().wait_for(std::chrono::seconds(60));  // the pipe stays open until the frames are seen
    pipe.write_end.reset();
  });
  const auto reader = make_reader(std::move(pipe.read_end), "stdin", {});
  std::vector<Packet> got;
  stream::Pull pull{};
  while (got.size() < packets.size() && pull != stream::Pull::end) {
    pull = reader->next();
    if (pull == stream::Pull::packet) got.push_back(reader->packet());
  }
  EXPECT_NE(pull, stream::Pull::end) << "they were seen only when the pipe was closed";
  seen.set_value();
  EXPECT_TRUE(only_whole(got, packets));
  EXPECT_EQ(reader->next(), stream::Pull::end);
  writer.join();
}

TEST(NutDamage, FollowsAFormatChange) {
  StreamFormat second = raw_format(PixelFormat::gray, {40, 30});
  const auto before = tiny_packets(5);
  const auto after = raw_packets(second, 5, 1'000'000'900'000'000);
  const MemFile file;
  const auto writer = make_writer(file.for_writing(), "stdout", stream::OutputFormat::nut);
  writer->set_format(tiny());
  for (const Packet& packet : before) writer->write(packet);
  writer->set_format(second);
  for (const Packet& packet : after) writer->write(packet);

  const Read read = read_all(file.for_reading());
  ASSERT_EQ(read.formats.size(), 2U);
  EXPECT_EQ(read.formats[1].video.pixel_format, PixelFormat::gray);
  EXPECT_EQ(read.formats[1].video.size, (Size{40, 30}));
  ASSERT_EQ(read.packets.size(), 10U);
  EXPECT_EQ(read.packets[5].payload.size(), 1200U);
  EXPECT_EQ(read.stats.resyncs, 0U);

  stream::ReadOptions exit;
  exit.on_change = stream::OnChange::exit;
  try {
    read_all(file.for_reading(), exit);
    ADD_FAILURE() << "went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    EXPECT_STREQ(
        error.what(),
        "stdin: the stream changed from raw yuyv422 8x2 30 fps to raw gray 40x30 30 fps: --on-change follow goes on");
  }
}

TEST(NutDamage, CountsGapsInTheSequence) {
  auto packets = tiny_packets(10);
  for (std::size_t i = 4; i < packets.size(); ++i) *packets[i].sequence += 3;
  EXPECT_EQ(read_bytes(written(tiny(), packets)).stats.gaps, 3U);
}

TEST(NutDamage, HostileLengthsAreNotBelieved) {
  const auto packets = tiny_packets(3);
  const Bytes good = written(tiny(), packets);
  // A frame head that claims 200 MiB, with a right checksum; then the good stream again.
  nut::ByteWriter head;
  head.fixed(nut::kFrameCode, 1);
  head.v(nut::kKey);
  head.v(0);
  head.v(1'000'000'000'000'000 + (1U << nut::kPtsShift));
  for (const std::uint64_t size : {std::uint64_t{200} << 20, std::uint64_t{257} << 20, ~std::uint64_t{0}}) {
    nut::ByteWriter frame;
    frame.raw(head.bytes());
    frame.v(size);
    for (std::size_t i = 0; i < nut::kFieldCount; ++i) frame.v(0);
    frame.fixed(nut::checksum(frame.bytes()), 4);
    Bytes bytes = good;
    bytes.insert(bytes.end(), frame.bytes().begin(), frame.bytes().end());
    bytes.insert(bytes.end(), good.begin(), good.end());
    const Read read = read_bytes(bytes);
    EXPECT_EQ(read.packets.size(), 6U) << size;
  }
  // Header packets that claim more than there is.
  for (const std::uint64_t length : {std::uint64_t{5000}, std::uint64_t{1} << 30, ~std::uint64_t{0}}) {
    nut::ByteWriter packet;
    packet.fixed(nut::kInfoStart, 8);
    packet.v(length);
    Bytes bytes = good;
    bytes.insert(bytes.end(), packet.bytes().begin(), packet.bytes().end());
    bytes.insert(bytes.end(), good.begin(), good.end());
    EXPECT_EQ(read_bytes(bytes).packets.size(), 6U) << length;
  }
}

std::size_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  unsigned long pages = 0;
  EXPECT_EQ(std::fscanf(file, "%*u %lu", &pages), 1);
  std::fclose(file);
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// Sanitizers keep freed memory to find its later use.
constexpr bool kSanitized =
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    true;
#else
    false;
#endif
#else
    false;
#endif

/// A stream of ours with one frame whose capture time and decoding time are what anybody may write.
Bytes with_fields(std::uint64_t capture, std::uint64_t ahead) {
  const StreamFormat format = raw_format(media::PixelFormat::gray, {4, 2});
  nut::ByteWriter out;
  out.raw(nut::kFileId);
  nut::write_headers(out, format, 0);
  nut::ByteWriter sync;
  sync.v(0);
  sync.v(0);
  out.packet(nut::kSyncStart, sync);
  const std::array<std::byte, 8> picture{};
  const std::size_t begin = out.size();
  out.fixed(nut::kFrameCode, 1);
  out.v(nut::kKey);
  out.v(0);
  out.v(1'000'000 + (1U << nut::kPtsShift));
  out.v(picture.size());
  out.v(nut::kCaptureKnown | nut::kDtsKnown);
  out.v(0);
  out.v(capture);
  out.v(crc32c(picture));
  out.v(ahead);
  out.fixed(nut::checksum(out.bytes().subspan(begin)), 4);
  Bytes bytes(out.bytes().begin(), out.bytes().end());
  bytes.insert(bytes.end(), picture.begin(), picture.end());
  return bytes;
}

TEST(NutDamage, HostileTimesAreNotBelieved) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();  // of which the least of all is made
  for (const std::uint64_t capture : {kMost, kMost - 1, nut::fold(-1), nut::fold(nut::kMaxPtsUs * 1000 + 1)}) {
    for (const std::uint64_t ahead : {kMost, kMost - 1, nut::fold(-nut::kMaxPtsUs - 1)}) {
      const Read read = read_piped(with_fields(capture, ahead));
      ASSERT_EQ(read.packets.size(), 1U) << capture;
      EXPECT_FALSE(read.packets[0].captured_ns) << capture;
      EXPECT_FALSE(read.packets[0].dts_us) << ahead;
    }
  }
  const Read read = read_piped(with_fields(nut::fold(5), nut::fold(-7)));
  ASSERT_EQ(read.packets.size(), 1U);
  EXPECT_EQ(read.packets[0].captured_ns, 5);
  EXPECT_EQ(read.packets[0].dts_us, 1'000'007);
}

TEST(NutDamage, MemoryStaysFlatOverAMillionFrames) {
  if (kSanitized) GTEST_SKIP() << "memory is not what it is under a sanitizer";
  constexpr unsigned kFrames = 1'000'000;
  Pipe pipe = make_pipe();
  std::thread thread([&, end = std::move(pipe.write_end)]() mutable {
    const auto writer = make_writer(std::move(end), "stdout", stream::OutputFormat::nut);
    const auto packets = tiny_packets(1);
    writer->set_format(tiny());
    Packet packet = packets[0];
    for (unsigned i = 0; i < kFrames; ++i) {
      packet.pts_us += 1000;
      writer->write(packet);
    }
  });
  const auto reader = make_reader(std::move(pipe.read_end), "stdin", {});
  std::size_t early = 0;
  for (stream::Pull pull = reader->next(); pull != stream::Pull::end; pull = reader->next()) {
    if (reader->stats().packets == kFrames / 100) early = resident_bytes();
  }
  thread.join();
  EXPECT_EQ(reader->stats().packets, kFrames);
  EXPECT_LT(resident_bytes(), early + (1U << 20));
}

}  // namespace
}  // namespace campipe::wire::test
