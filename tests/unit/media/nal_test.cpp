#include "media/nal.hpp"

#include "media/media_support.hpp"

namespace campipe::media {
namespace {

using test::bytes;
using test::Bytes;
using test::operator+;

std::vector<Bytes> split(const Bytes& stream) {
  std::vector<Bytes> units;
  for (const Nal nal : split_annex_b(stream)) units.emplace_back(nal.begin(), nal.end());
  return units;
}

struct SplitCase {
  const char* name;
  Bytes stream;
  std::vector<Bytes> units;
};

TEST(SplitAnnexB, FindsTheUnits) {
  const SplitCase cases[] = {
      {"nothing", {}, {}},
      {"no start code", bytes({0x65, 1, 2, 0, 0}), {}},
      {"short start codes", bytes({0, 0, 1, 0x67, 5, 0, 0, 1, 0x68}), {bytes({0x67, 5}), bytes({0x68})}},
      {"long start codes", bytes({0, 0, 0, 1, 0x67, 5, 0, 0, 0, 1, 0x68}), {bytes({0x67, 5}), bytes({0x68})}},
      {"bytes before the first", bytes({9, 1, 0, 1, 0, 0, 1, 0x67}), {bytes({0x67})}},
      {"trailing zeros", bytes({0, 0, 1, 0x67, 5, 0, 0, 0, 0, 0, 1, 0x68, 0, 0}), {bytes({0x67, 5}), bytes({0x68})}},
      {"empty units", bytes({0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0x67, 0, 0, 1}), {bytes({0x67})}},
      {"only zeros behind a start code", bytes({0, 0, 1, 0, 0, 0, 0}), {}},
      {"a start code alone", bytes({0, 0, 1}), {}},
      {"two zeros are none", bytes({0, 0, 1, 0x67, 0, 0, 2, 0, 1, 7}), {bytes({0x67, 0, 0, 2, 0, 1, 7})}},
      {"an escaped start code is none", bytes({0, 0, 1, 0x67, 0, 0, 3, 1, 7}), {bytes({0x67, 0, 0, 3, 1, 7})}},
      {"ones all over", bytes({1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 1}), {bytes({1, 1, 1, 0, 1, 1})}},
  };
  for (const SplitCase& c : cases) EXPECT_EQ(split(c.stream), c.units) << c.name;
}

TEST(SplitAnnexB, GivesBackWhatWasAppended) {
  const std::vector<Bytes> units{bytes({0x67, 1}), bytes({0x68}), Bytes(70'000, std::byte{0x41}), bytes({0x65, 0, 1})};
  Bytes stream;
  for (const Bytes& unit : units) append_annex_b(stream, unit);
  EXPECT_EQ(split(stream), units);
}

TEST(BehindStartCode, GoesFromHeaderToHeader) {
  const Bytes stream = bytes({7, 0, 0, 1, 0x67, 0, 0, 0, 1, 0x68, 4, 0, 0, 1, 0, 0, 1, 0x65});
  std::vector<int> headers;
  for (auto rest = behind_start_code(stream); !rest.empty(); rest = behind_start_code(rest)) {
    headers.push_back(std::to_integer<int>(rest[0]));
  }
  EXPECT_EQ(headers, (std::vector{0x67, 0x68, 0, 0x65}));
}

struct PrefixedCase {
  const char* name;
  int length_bytes;
  Bytes in;
  std::optional<Bytes> out;
};

TEST(AnnexBFromLengthPrefixed, ConvertsOrRefuses) {
  const Bytes two = bytes({0, 0, 0, 1, 0x67, 9, 0, 0, 0, 1, 0x68});
  const PrefixedCase cases[] = {
      {"nothing", 4, {}, Bytes{}},
      {"4 bytes", 4, bytes({0, 0, 0, 2, 0x67, 9, 0, 0, 0, 1, 0x68}), two},
      {"2 bytes", 2, bytes({0, 2, 0x67, 9, 0, 1, 0x68}), two},
      {"1 byte", 1, bytes({2, 0x67, 9, 1, 0x68}), two},
      {"empty units", 2, bytes({0, 0, 0, 2, 0x67, 9, 0, 0, 0, 1, 0x68, 0, 0}), two},
      {"3 bytes are not allowed", 3, bytes({0, 0, 1, 0x67}), std::nullopt},
      {"0 bytes", 0, bytes({1}), std::nullopt},
      {"negative", -1, bytes({1}), std::nullopt},
      {"length over the end", 4, bytes({0, 0, 0, 3, 0x67, 9}), std::nullopt},
      {"huge length", 4, bytes({255, 255, 255, 255, 0x67, 9}), std::nullopt},
      {"half a length", 4, bytes({0, 0, 0, 1, 0x67, 0, 0}), std::nullopt},
  };
  for (const PrefixedCase& c : cases) EXPECT_EQ(annex_b_from_length_prefixed(c.in, c.length_bytes), c.out) << c.name;
}

TEST(UnescapeRbsp, TakesOutThePreventionBytes) {
  EXPECT_EQ(unescape_rbsp(bytes({1, 0, 0, 3, 1, 0, 0, 3, 0, 0, 3})), bytes({1, 0, 0, 1, 0, 0, 0, 0}));
  EXPECT_EQ(unescape_rbsp(bytes({0, 3, 0, 0, 4, 3})), bytes({0, 3, 0, 0, 4, 3}));
  EXPECT_EQ(unescape_rbsp(bytes({0, 0, 3, 3})), bytes({0, 0, 3}));
  EXPECT_EQ(unescape_rbsp({}), Bytes{});
}

TEST(UnescapeRbsp, KeepsToItsLimit) {
  EXPECT_EQ(unescape_rbsp(Bytes(10'000, std::byte{7})).size(), 4096U);
  EXPECT_EQ(unescape_rbsp(bytes({1, 2, 3}), 2), bytes({1, 2}));
}

}  // namespace
}  // namespace campipe::media
