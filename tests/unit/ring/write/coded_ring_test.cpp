#include "ring/ring_support.hpp"

namespace campipe::ring {

namespace {

using CodedRing = RingTest;

TEST_F(CodedRing, JoinersStartAtTheLastKeyframe) {
  write::Writer writer({.name = name});
  writer.set_format(coded_format());
  put(writer, 1, 1000, layout::kKeyframe);
  for (std::uint64_t n = 2; n < 10; ++n) put(writer, n, 100 + n, 0);
  put(writer, 10, 1000, layout::kKeyframe);
  put(writer, 11, 77, 0);
  read::Reader reader({.name = name});
  EXPECT_EQ(get(reader), 10U);
  EXPECT_EQ(reader.unit().info.flags, layout::kKeyframe);
  EXPECT_FALSE(reader.unit().leased);
  EXPECT_EQ(get(reader), 11U);
  EXPECT_EQ(reader.unit().bytes.size(), 77U);
  EXPECT_EQ(reader.unit().lost, 0U);
}

TEST_F(CodedRing, AnOverrunReaderIsToldAndGoesOnAtAKeyframe) {
  write::Writer writer({.name = name, .arena_bytes = 1 << 20});
  writer.set_format(coded_format());
  put(writer, 1, 1000, layout::kKeyframe);
  read::Reader reader({.name = name});
  EXPECT_EQ(get(reader), 1U);
  std::uint64_t last_key = 0;
  for (std::uint64_t n = 2; n <= 1000; ++n) {
    const bool key = n % 50 == 0;
    if (key) last_key = n;
    ASSERT_TRUE(put(writer, n, 5000, key ? layout::kKeyframe : 0));
  }
  const std::uint64_t got = get(reader);
  EXPECT_EQ(got, last_key);
  EXPECT_EQ(reader.unit().lost, last_key - 2);
  EXPECT_NE(reader.unit().info.flags & layout::kKeyframe, 0U);
}

TEST_F(CodedRing, NewestWinsJumpsToTheNewestKeyframeOnly) {
  write::Writer writer({.name = name});
  writer.set_format(coded_format());
  put(writer, 1, 1000, layout::kKeyframe);
  read::Reader reader({.name = name, .delivery = read::Delivery::newest});
  EXPECT_EQ(get(reader), 1U);
  for (std::uint64_t n = 2; n <= 5; ++n) put(writer, n, 100, 0);
  EXPECT_EQ(get(reader), 2U) << "no keyframe to jump to";
  put(writer, 6, 1000, layout::kKeyframe);
  put(writer, 7, 100, 0);
  EXPECT_EQ(get(reader), 6U);
  EXPECT_EQ(get(reader), 7U);
}

TEST_F(CodedRing, CarriesAudioBesideVideo) {
  write::Writer writer({.name = name});
  layout::Format format = coded_format();
  format.audio_codec = layout::AudioCodec::aac;
  format.audio_rate_hz = 48000;
  format.audio_channels = 2;
  format.audio_extradata = numbered(3, 5);
  format.parameter_sets = numbered(4, 300);
  writer.set_format(format);
  put(writer, 1, 1000, layout::kKeyframe);
  put(writer, 2, 20, layout::kAudio | layout::kKeyframe);
  put(writer, 3, 500, 0);
  read::Reader reader({.name = name});
  ASSERT_EQ(reader.next(1000), read::Event::format);
  EXPECT_EQ(reader.format(), format);
  EXPECT_EQ(get(reader), 1U);
  EXPECT_EQ(get(reader), 2U);
  EXPECT_NE(reader.unit().info.flags & layout::kAudio, 0U);
  EXPECT_EQ(get(reader), 3U);
}

TEST_F(CodedRing, AGopThatDoesNotFitMakesTheRingGrow) {
  write::Writer writer({.name = name});
  writer.set_format(coded_format());
  read::Reader reader({.name = name});
  std::uint64_t n = 0;
  // 10 s at 60 fps of 60 kB: 36 MB between two keyframes, in an arena that begins with 16 MiB.
  for (int gop = 0; gop < 4; ++gop) {
    for (int i = 0; i < 600; ++i) {
      ++n;
      ASSERT_TRUE(put(writer, n, 60'000, i == 0 ? layout::kKeyframe : 0));
      ASSERT_EQ(get(reader), n);
    }
  }
  EXPECT_EQ(reader.stats().lost, 0U);
  EXPECT_GE(survey(name).arena_bytes, std::uint64_t{36'000'000});
  read::Reader joiner({.name = name});
  EXPECT_EQ(get(joiner), 1801U);
}

TEST_F(CodedRing, AnOversizedUnitGetsABiggerRing) {
  write::Writer writer({.name = name, .arena_bytes = 1 << 20});
  writer.set_format(coded_format(layout::Codec::mjpeg));
  put(writer, 1, 1000);
  read::Reader reader({.name = name});
  EXPECT_EQ(get(reader), 1U);
  ASSERT_TRUE(put(writer, 2, 3 << 20));
  put(writer, 3, 1000);
  EXPECT_EQ(get(reader), 2U);
  EXPECT_EQ(reader.unit().bytes.size(), 3U << 20);
  EXPECT_EQ(get(reader), 3U);
  EXPECT_EQ(reader.stats().lost, 0U);
}

TEST_F(CodedRing, AUnitThatNothingCouldHoldIsDroppedAndCounted) {
  write::Writer writer({.name = name});
  writer.set_format(coded_format(layout::Codec::mjpeg));
  put(writer, 1, 1000);
  const std::vector<std::byte> huge(layout::kMaxUnitBytes + 1);
  EXPECT_FALSE(writer.publish({.flags = layout::kKeyframe}, huge));
  EXPECT_EQ(writer.stats().dropped, 1U);
  EXPECT_EQ(survey(name).dropped, 1U);
  EXPECT_TRUE(put(writer, 2, 1000));
}

TEST_F(CodedRing, ATakenOverRingKeepsWhatItHolds) {
  const Told told;
  const pid_t first = in_child([&] {
    write::Writer writer({.name = name});
    writer.set_format(coded_format());
    put(writer, 1, 5000, layout::kKeyframe);
    for (std::uint64_t n = 2; n <= 20; ++n) put(writer, n, 100 * n, 0);
    told.tell();
    ::pause();
  });
  read::Reader reader({.name = name});
  for (std::uint64_t n = 1; n <= 10; ++n) EXPECT_EQ(get(reader), n);
  told.wait();
  kill_and_reap(first);
  write::Writer writer({.name = name});
  writer.set_format(coded_format());
  put(writer, 21, 4000, layout::kKeyframe);
  for (std::uint64_t n = 11; n <= 21; ++n) EXPECT_EQ(get(reader), n);
  EXPECT_EQ(reader.stats().lost, 0U);
}

TEST_F(CodedRing, OfARingWithoutAWriterNothingStaleIsGiven) {
  const Told told;
  const pid_t first = in_child([&] {
    write::Writer writer({.name = name});
    writer.set_format(coded_format());
    put(writer, 1, 5000, layout::kKeyframe);
    told.tell();
    ::pause();
  });
  told.wait();
  kill_and_reap(first);
  read::Reader reader({.name = name});
  EXPECT_EQ(reader.next(0), read::Event::format) << "but what will come is told";
  EXPECT_EQ(reader.next(0), read::Event::timeout);
  EXPECT_EQ(reader.link(), read::Link::no_writer);
  read::Reader any({.name = name, .skip_stale = false});
  EXPECT_EQ(get(any), 1U);
}

TEST_F(CodedRing, ManyLapsWithUnitsOfAnySizeAreWhole) {
  write::Writer writer({.name = name, .arena_bytes = 1 << 20});
  writer.set_format(coded_format(layout::Codec::mjpeg));
  read::Reader reader({.name = name});
  std::uint64_t state = 1;
  for (std::uint64_t n = 1; n <= 20000; ++n) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    const std::size_t bytes = 8 + (state >> 33) % 30000;
    ASSERT_TRUE(put(writer, n, bytes));
    ASSERT_EQ(get(reader), n);
    ASSERT_EQ(reader.unit().bytes.size(), bytes);
  }
  EXPECT_EQ(reader.stats().lost, 0U);
  EXPECT_EQ(reader.stats().damaged, 0U);
}

}  // namespace

}  // namespace campipe::ring
