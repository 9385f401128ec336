// Streams and rings that 0.1.0 wrote.
#include <filesystem>

#include "ring/read/reader.hpp"
#include "ring/survey.hpp"
#include "wire/shm/ring_support.hpp"
#include "wire/shm/writer.hpp"
#include "wire/wire_support.hpp"

namespace campipe::wire::test {
namespace {

const std::string kData = std::string(CAMPIPE_TEST_DATA) + "/0.1.0/";

/// Puts the ring NAME of 0.1.0 where this program's rings are.
void restore(const std::string& name) {
  for (const std::string& object : {"campipe." + name, "campipe." + name + ".ctl"})
    shell("gzip -dc " + kData + object + ".gz > " + ring_folder.path() + "/" + object);
}

struct Units {
  std::uint64_t count = 0, last_seq = 0, keyframes = 0;
};

Units all_units(ring::read::Reader& reader) {
  Units units;
  for (auto event = reader.next(0); event != ring::read::Event::timeout; event = reader.next(0)) {
    EXPECT_NE(event, ring::read::Event::source) << "a writer that says nothing";
    if (event != ring::read::Event::unit) continue;
    ++units.count;
    units.last_seq = reader.unit().seq;
    units.keyframes += (reader.unit().info.flags & ring::layout::kKeyframe) != 0 ? 1U : 0U;
  }
  return units;
}

TEST(OldStream, NutOf010IsReadWhole) {
  const struct {
    const char* file;
    media::VideoCodec codec;
    std::size_t frames;
  } cases[] = {{"raw.nut.gz", media::VideoCodec::raw, 30},
               {"mjpeg.nut.gz", media::VideoCodec::mjpeg, 25},
               {"h264.nut.gz", media::VideoCodec::h264, 50}};
  for (const auto& one : cases) {
    bool told = false;
    stream::ReadOptions options;
    options.on_source = [&](const SourceStatus&) { told = true; };
    const Read read = read_piped(shell_bytes("gzip -dc " + kData + one.file), std::move(options));
    ASSERT_FALSE(read.formats.empty()) << one.file;
    EXPECT_EQ(read.formats[0].video.codec, one.codec) << one.file;
    EXPECT_EQ(read.packets.size(), one.frames) << one.file;
    EXPECT_EQ(read.stats.resyncs + read.stats.dropped + read.stats.gaps, 0U) << one.file;
    EXPECT_FALSE(told) << one.file;
  }
}

TEST(OldRing, RingsOf010AreReadAndTheirSourceIsUnknown) {
  for (const char* name : {"old.raw", "old.mjpeg", "old.h264"}) {
    restore(name);
    EXPECT_EQ(ring::survey(name).source, SourceStatus{}) << name;
    ring::read::Reader reader({.name = name, .leases = 0, .want = false, .skip_stale = false});
    const Units units = all_units(reader);
    EXPECT_GT(units.count, 0U) << name;
    EXPECT_GT(units.keyframes, 0U) << name;
    EXPECT_EQ(reader.source(), SourceStatus{}) << name;
    EXPECT_EQ(reader.stats().damaged, 0U) << name;
  }
}

TEST(OldRing, AWriterOfNowTakesARingOf010Over) {
  restore("old.mjpeg");
  ring::read::Reader reader({.name = "old.mjpeg", .leases = 0, .want = false, .skip_stale = false});
  const Units before = all_units(reader);
  const std::uint32_t epoch = ring::survey("old.mjpeg").epoch;
  shm::Writer writer({.name = "old.mjpeg", .arena_bytes = 1 << 20});
  writer.set_source(source_status(SourceState::lost, "unplugged"));
  EXPECT_EQ(ring::survey("old.mjpeg").epoch, epoch + 1);
  ASSERT_EQ(reader.next(5000), ring::read::Event::source);
  EXPECT_EQ(reader.source().reason, "unplugged");
  media::StreamFormat format;
  format.video = {.codec = media::VideoCodec::mjpeg, .size = {64, 48}};
  writer.set_format(format);
  media::Packet packet;
  packet.pts_us = 1;
  packet.keyframe = true;
  packet.payload = pattern(100, 1);
  writer.write(packet);
  auto event = reader.next(5000);
  while (event == ring::read::Event::format || event == ring::read::Event::source) event = reader.next(5000);
  ASSERT_EQ(event, ring::read::Event::unit);
  EXPECT_EQ(reader.unit().seq, before.last_seq + 1) << "in the same ring";
  EXPECT_EQ(reader.stats().reopened, 0U);
  EXPECT_EQ(ring::survey("old.mjpeg").epoch, epoch + 1) << "one writer more";
}

}  // namespace
}  // namespace campipe::wire::test
