#include "mp4/hybrid.hpp"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "mp4/box_reader.hpp"
#include "mp4/hybrid_file.hpp"

namespace campipe::mp4 {
namespace {

/// Types of the top-level boxes, in order.
std::string layout(const Bytes& bytes) {
  std::string text;
  std::size_t end = 0;
  BoxReader reader(bytes);
  while (const auto box = reader.next()) {
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(box->type >> shift);
    text += ' ';
    end += box->whole.size();
  }
  return end == bytes.size() ? text : text + "and rubbish";
}

Bytes closed(const FakeFile& file) {
  Bytes bytes = file.bytes;
  const Finish finish = file.finish();
  FakeFile::apply(bytes, finish.content);
  bytes.resize(finish.size);
  FakeFile::apply(bytes, finish.flip);
  return bytes;
}

/// The sample table of the track at `index`, expanded.
std::vector<Sample> expand(const Bytes& bytes, std::size_t index) {
  const auto moov = find_box(bytes, {"moov"});
  BoxReader reader(moov->payload);
  std::optional<Box> trak;
  for (std::size_t seen = 0; seen <= index;) {
    trak = reader.next();
    if (trak->type == fourcc("trak")) ++seen;
  }
  const auto stbl = find_box(trak->payload, {"mdia", "minf", "stbl"});
  const auto table = [&](std::string_view type) {
    FieldReader in(find_box(stbl->payload, {type})->payload);
    in.u32();
    return in;
  };
  std::vector<Sample> samples;
  FieldReader stsz = table("stsz");
  stsz.u32();
  samples.resize(stsz.u32());
  for (Sample& sample : samples) sample.size = stsz.u32();
  FieldReader stts = table("stts");
  std::size_t at = 0;
  std::int64_t time = 0;
  for (std::uint32_t runs = stts.u32(); runs > 0; --runs) {
    const std::uint32_t count = stts.u32();
    const std::uint32_t duration = stts.u32();
    for (std::uint32_t i = 0; i < count; ++i) {
      samples.at(at).dts = time;
      samples.at(at++).duration = duration;
      time += duration;
    }
  }
  EXPECT_EQ(at, samples.size());
  if (find_box(stbl->payload, {"stss"})) {
    FieldReader stss = table("stss");
    for (std::uint32_t keys = stss.u32(); keys > 0; --keys) samples.at(stss.u32() - 1).keyframe = true;
  }
  FieldReader co64 = table("co64");
  FieldReader stsc = table("stsc");
  std::map<std::uint32_t, std::uint32_t> per_chunk;
  for (std::uint32_t runs = stsc.u32(); runs > 0; --runs) {
    const std::uint32_t first = stsc.u32();
    per_chunk[first] = stsc.u32();
    stsc.u32();
  }
  at = 0;
  const std::uint32_t chunks = co64.u32();
  for (std::uint32_t chunk = 1; chunk <= chunks; ++chunk) {
    std::uint64_t offset = co64.u64();
    for (std::uint32_t n = std::prev(per_chunk.upper_bound(chunk))->second; n > 0; --n) {
      samples.at(at).offset = offset;
      offset += samples.at(at++).size;
    }
  }
  EXPECT_EQ(at, samples.size());
  return samples;
}

void expect_same(const std::vector<Sample>& wanted, const std::vector<Sample>& got) {
  ASSERT_EQ(wanted.size(), got.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_EQ(wanted[i].dts - wanted[0].dts, got[i].dts) << i;
    EXPECT_EQ(wanted[i].size, got[i].size) << i;
    EXPECT_EQ(wanted[i].offset, got[i].offset) << i;
  }
}

TEST(Hybrid, OpenFileIsFragmented) {
  FakeFile file;
  file.add_fragment(6);
  file.add_fragment(6);
  EXPECT_EQ(layout(file.bytes), "ftyp free moov moof mdat moof mdat ");
}

TEST(Hybrid, ShortFileGetsItsMoovInFront) {
  FakeFile file(true);
  for (int i = 0; i < 10; ++i) file.add_fragment(6);
  const Bytes bytes = closed(file);
  EXPECT_EQ(layout(bytes), "ftyp moov free mdat ");
  EXPECT_EQ(bytes.size(), file.bytes.size());
  expect_same(file.samples[0], expand(bytes, 0));
  expect_same(file.samples[1], expand(bytes, 1));
  // The samples still lie where they were.
  const Sample third = expand(bytes, 0)[2];
  EXPECT_EQ(bytes[third.offset], std::byte{2});
  EXPECT_EQ(bytes[third.offset + third.size - 1], std::byte{2});
}

TEST(Hybrid, LongFileGetsItsMoovBehind) {
  FakeFile file;
  for (int i = 0; i < 3000; ++i) file.add_fragment(6, 9);
  const Bytes bytes = closed(file);
  EXPECT_EQ(layout(bytes), "ftyp free mdat moov ");
  expect_same(file.samples[0], expand(bytes, 0));
}

TEST(Hybrid, UntilTheFlipItIsTheFragmentedFile) {
  FakeFile file;
  file.add_fragment(6);
  const Finish finish = file.finish();
  Bytes bytes = file.bytes;
  FakeFile::apply(bytes, finish.content);
  EXPECT_EQ(layout(bytes), "ftyp free moov moof mdat ");
  for (int i = 0; i < 3000; ++i) file.add_fragment(6, 9);
  bytes = file.bytes;
  const Finish behind = file.finish();
  FakeFile::apply(bytes, behind.content);
  EXPECT_TRUE(layout(bytes).ends_with("moof mdat free "));
}

TEST(Hybrid, ScanFindsWholeFragmentsAtEveryLength) {
  FakeFile file(true);
  for (int i = 0; i < 3; ++i) file.add_fragment(2, 40);
  for (std::size_t length = 0; length <= file.bytes.size(); ++length) {
    if (length > 200 && length < kReserveBytes - 100) continue;  // zeros
    const Bytes cut(file.bytes.begin(), file.bytes.begin() + static_cast<std::ptrdiff_t>(length));
    const auto whole =
        static_cast<std::size_t>(std::ranges::count_if(file.ends, [&](std::size_t end) { return end <= length; }));
    const auto found = scan(cut);
    ASSERT_EQ(found.has_value(), whole > 0) << length;
    if (!found) {
      EXPECT_EQ(found.error(), ScanError::no_frames) << length;
    } else {
      EXPECT_EQ(found->end, file.ends[whole - 1]) << length;
      EXPECT_EQ(found->samples[0].size(), 2 * whole) << length;
      EXPECT_EQ(found->samples[1].size(), whole) << length;
      EXPECT_EQ(found->movie.start_unix_us, file.movie.start_unix_us);
    }
  }
}

TEST(Hybrid, ScanReadsAFileThatWasCutOffWhileBeingClosed) {
  for (const int fragments : {3, 3000}) {
    FakeFile file;
    for (int i = 0; i < fragments; ++i) file.add_fragment(6, 9);
    const Finish finish = file.finish();
    Bytes bytes = file.bytes;
    for (const auto* patches : {&finish.content, &finish.flip}) {
      for (const Patch& patch : *patches) {
        FakeFile::apply(bytes, {patch});
        const auto found = scan(bytes);
        ASSERT_TRUE(found.has_value());
        EXPECT_EQ(found->end, file.bytes.size());
        EXPECT_EQ(found->samples[0].size(), file.samples[0].size());
      }
    }
  }
}

TEST(Hybrid, ScanThenFinishGivesTheSameFile) {
  FakeFile file(true);
  for (int i = 0; i < 20; ++i) file.add_fragment(6);
  const auto found = scan(file.bytes);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(make_final_moov(found->movie, found->samples), make_final_moov(file.movie, file.samples));
}

TEST(Hybrid, ScanRefusesWhatIsNotOurs) {
  EXPECT_EQ(scan(Bytes(100000, std::byte{0x41})).error(), ScanError::not_ours);
  Bytes other = make_ftyp();
  other[9] = std::byte{'x'};
  other.resize(100000);
  EXPECT_EQ(scan(other).error(), ScanError::not_ours);
}

TEST(Hybrid, ScanEndsWhereTimesGoBack) {
  FakeFile file;
  file.add_fragment(6);
  file.next -= 3;
  file.add_fragment(6);
  EXPECT_EQ(scan(file.bytes)->end, file.ends[0]);
}

TEST(Hybrid, MdatOverFourGigabytesHasItsSize) {
  const std::uint64_t end = std::uint64_t{5} << 30;
  const Finish finish = finish_hybrid(
      end, make_final_moov(
               fake_movie(),
               std::vector<std::vector<Sample>>{
                   {{.dts = 0, .composition = 0, .duration = 1, .size = 1, .offset = end - 1, .keyframe = true}}}));
  const Patch& mdat = finish.content.back();
  FieldReader in(mdat.bytes);
  EXPECT_EQ(in.u32(), 1u);
  EXPECT_EQ(in.u32(), fourcc("mdat"));
  EXPECT_EQ(in.u64(), end - mdat.offset);
  EXPECT_EQ(finish.size, end);
}

TEST(Hybrid, SummaryOfAClosedFile) {
  for (const int fragments : {3, 3000}) {
    FakeFile file;
    for (int i = 0; i < fragments; ++i) file.add_fragment(6, 9);
    const Bytes bytes = closed(file);
    const auto summary = summarise(reader_of(bytes), bytes.size());
    ASSERT_TRUE(summary.has_value());
    EXPECT_EQ(summary->start_unix_us, file.movie.start_unix_us);
    EXPECT_EQ(summary->frames, 6u * static_cast<unsigned>(fragments));
    EXPECT_EQ(summary->duration_us, 33'333 * 6 * fragments);
  }
}

}  // namespace
}  // namespace campipe::mp4
