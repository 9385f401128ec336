#include "mp4/movie.hpp"

#include <gtest/gtest.h>

#include "mp4/box_reader.hpp"
#include "mp4/fragment.hpp"
#include "mp4/hybrid_file.hpp"

namespace campipe::mp4 {
namespace {

std::span<const std::byte> payload(const Bytes& box) {
  return std::span(box).subspan(8);
}

Sample sample(std::int64_t dts, std::int32_t composition, bool keyframe = false) {
  return {.dts = dts,
          .composition = composition,
          .duration = 40'000,
          .size = 10,
          .offset = static_cast<std::uint64_t>(1000 + dts / 4000),
          .keyframe = keyframe};
}

/// The entries of the first track's edit list: duration, media time.
std::vector<std::pair<std::int64_t, std::int64_t>> edits(const Bytes& moov) {
  std::vector<std::pair<std::int64_t, std::int64_t>> found;
  const auto elst = find_box(payload(moov), {"trak", "edts", "elst"});
  if (!elst) return found;
  FieldReader in(elst->payload);
  in.u32();
  for (std::uint32_t n = in.u32(); n > 0; --n) {
    const auto duration = static_cast<std::int64_t>(in.u64());
    found.emplace_back(duration, static_cast<std::int64_t>(in.u64()));
    in.u32();
  }
  return found;
}

TEST(Movie, InitMoovReadsBack) {
  Movie movie = fake_movie(true);
  movie.tracks[0].edit_ticks = 66'666;
  const Bytes moov = make_init_moov(movie);
  const auto read = parse_moov(payload(moov));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->start_unix_us, movie.start_unix_us);
  ASSERT_EQ(read->tracks.size(), 2u);
  EXPECT_EQ(read->tracks[0].size, movie.tracks[0].size);
  EXPECT_EQ(read->tracks[0].edit_ticks, 66'666);
  EXPECT_EQ(read->tracks[0].sample_description, movie.tracks[0].sample_description);
  EXPECT_EQ(read->tracks[1].handler, Handler::audio);
  EXPECT_EQ(make_init_moov(*read), moov);
}

TEST(Movie, TruncatedMoovIsRefusedOrHarmless) {
  const Bytes moov = make_init_moov(fake_movie(true));
  for (std::size_t length = 0; length + 8 < moov.size(); ++length) {
    EXPECT_FALSE(parse_moov(payload(moov).first(length)).has_value()) << length;
  }
}

TEST(Movie, NoEditListWithoutReorderingAndDelay) {
  const std::vector<std::vector<Sample>> samples{{sample(0, 0, true), sample(40'000, 0)}};
  EXPECT_TRUE(edits(make_final_moov(fake_movie(), samples)).empty());
}

TEST(Movie, BFramesGetAnEditListThatStartsAtTheFirstPicture) {
  Movie movie = fake_movie();
  movie.tracks[0].edit_ticks = 80'000;
  const std::vector<std::vector<Sample>> samples{
      {sample(0, 80'000, true), sample(40'000, 160'000), sample(80'000, 40'000), sample(120'000, 40'000)}};
  const auto list = edits(make_final_moov(movie, samples));
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].second, 80'000);
  EXPECT_EQ(list[0].first, 160'000);  // four pictures of 40 ms
}

TEST(Movie, LateTrackGetsAnEmptyEdit) {
  Movie movie = fake_movie();
  const std::vector<std::vector<Sample>> samples{{sample(5'000, 0, true), sample(45'000, 0)}};
  const auto list = edits(make_final_moov(movie, samples));
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0], (std::pair<std::int64_t, std::int64_t>{5'000, -1}));
  EXPECT_EQ(list[1], (std::pair<std::int64_t, std::int64_t>{80'000, 0}));
}

TEST(Movie, TrackWithoutSamplesIsLeftOut) {
  const std::vector<std::vector<Sample>> samples{{sample(0, 0, true)}, {}};
  const Bytes moov = make_final_moov(fake_movie(true), samples);
  const auto read = parse_moov(payload(moov));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->tracks.size(), 1u);
}

TEST(Fragment, ReadsBack) {
  std::vector<TrackRun> runs{
      {.track_id = 1, .samples = {sample(0, 0, true), sample(33'333, 10'000), sample(66'666, -10'000)}},
      {.track_id = 2, .samples = {sample(7, 0, true)}}};
  const Bytes head = make_fragment_head(3, 70'000, runs);
  const std::uint64_t begin = 70'000 + head.size();
  const auto moof = find_box(head, {"moof"});
  const auto read = parse_fragment(moof->payload, 70'000, begin, begin + 40);
  ASSERT_TRUE(read.has_value());
  ASSERT_EQ(read->size(), 2u);
  EXPECT_EQ((*read)[0].samples[0].offset, begin);
  EXPECT_EQ((*read)[1].samples[0].offset, begin + 30);
  EXPECT_EQ((*read)[0].samples[0].duration, 33'333u);  // the distance
  EXPECT_EQ((*read)[0].samples[2].duration, 40'000u);  // its own
  EXPECT_EQ((*read)[0].samples[2].dts, 66'666);
  EXPECT_EQ((*read)[0].samples[2].composition, -10'000);
  EXPECT_TRUE((*read)[0].samples[0].keyframe);
  EXPECT_FALSE((*read)[0].samples[1].keyframe);
  // A sample outside the mdat is no sample.
  EXPECT_FALSE(parse_fragment(moof->payload, 70'000, begin, begin + 39).has_value());
  EXPECT_FALSE(parse_fragment(moof->payload, 69'999, begin, begin + 40).has_value());
}

TEST(BoxReader, EndsAtABoxThatRunsOverTheEnd) {
  Bytes bytes;
  BoxWriter out(bytes);
  {
    const auto box = out.box("good");
  }
  out.u32(9);
  out.text("long");
  BoxReader reader(bytes);
  EXPECT_EQ(reader.next()->type, fourcc("good"));
  EXPECT_FALSE(reader.next().has_value());
}

TEST(BoxReader, SizesUnderTheHeaderAreRefused) {
  for (const std::uint32_t size : {0u, 2u, 7u}) {
    Bytes bytes;
    BoxWriter out(bytes);
    out.u32(size);
    out.text("tiny");
    out.zeros(20);
    EXPECT_FALSE(BoxReader(bytes).next().has_value()) << size;
  }
}

}  // namespace
}  // namespace campipe::mp4
