#include "media/jpeg.hpp"

#include <algorithm>

#include "media/jpeg_huffman.hpp"
#include "media/media_support.hpp"

namespace campipe::media::jpeg {
namespace {

using test::bytes;
using test::Bytes;
using test::data_file;
using test::operator+;

Bytes segment(int marker, const Bytes& body) {
  const auto length = static_cast<int>(body.size()) + 2;
  return bytes({0xff, marker, length >> 8, length & 0xff}) + body;
}

const Bytes kSoi = bytes({0xff, 0xd8}), kEoi = bytes({0xff, 0xd9});
const Bytes kSof = segment(0xc0, bytes({8, 0, 48, 0, 64, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1}));
const Bytes kSos = segment(0xda, bytes({3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0}));
const Bytes kDht = segment(0xc4, Bytes(17, std::byte{0}));
const Bytes kScan = bytes({0x12, 0xff, 0, 0x34, 0xff, 0xd0, 0x56, 0xff, 0xff, 0xd1, 0x78});

Bytes image(const Bytes& scan_and_end) {
  return kSoi + kDht + kSof + kSos + scan_and_end;
}

struct FileCase {
  const char* name;
  int components;
  Subsampling subsampling;
  bool baseline;
  int restart;
};

TEST(JpegParse, KnowsWhatEncodersWrite) {
  const FileCase cases[] = {
      {"jpeg_420.jpg", 3, Subsampling::s420, true, 0},          {"jpeg_422.jpg", 3, Subsampling::s422, true, 0},
      {"jpeg_444.jpg", 3, Subsampling::s444, true, 0},          {"jpeg_gray.jpg", 1, Subsampling::gray, true, 0},
      {"jpeg_progressive.jpg", 3, Subsampling::s420, false, 0}, {"jpeg_restart.jpg", 3, Subsampling::s420, true, 2},
  };
  for (const FileCase& c : cases) {
    SCOPED_TRACE(c.name);
    const Bytes file = data_file(c.name);
    const auto info = parse(file);
    ASSERT_TRUE(info);
    EXPECT_EQ(info->size, (Size{64, 48}));
    EXPECT_EQ(info->components, c.components);
    EXPECT_EQ(info->subsampling, c.subsampling);
    EXPECT_EQ(info->baseline, c.baseline);
    EXPECT_EQ(info->restart_interval, c.restart);
    EXPECT_TRUE(info->has_huffman_tables);
    EXPECT_TRUE(info->complete);
    EXPECT_EQ(info->length, file.size());
    EXPECT_EQ(file[info->sof_offset + 1] & std::byte{0xf0}, std::byte{0xc0});
    EXPECT_EQ(file[info->sos_offset + 1], std::byte{0xda});
    EXPECT_LT(info->sos_offset, info->scan_offset);
    EXPECT_FALSE(canonical(file, *info, true));
  }
}

TEST(JpegParse, TellsSubsampling) {
  struct Case {
    int luma, blue, red;
    Subsampling subsampling;
  };
  for (const Case& c : {Case{0x11, 0x11, 0x11, Subsampling::s444}, Case{0x22, 0x22, 0x22, Subsampling::s444},
                        Case{0x21, 0x11, 0x11, Subsampling::s422}, Case{0x22, 0x12, 0x12, Subsampling::s422},
                        Case{0x22, 0x11, 0x11, Subsampling::s420}, Case{0x12, 0x11, 0x11, Subsampling::s440},
                        Case{0x41, 0x11, 0x11, Subsampling::s411}, Case{0x42, 0x11, 0x11, Subsampling::other},
                        Case{0x22, 0x21, 0x11, Subsampling::other}, Case{0x11, 0x22, 0x22, Subsampling::other},
                        Case{0x31, 0x21, 0x21, Subsampling::other}}) {
    const Bytes sof = segment(0xc0, bytes({8, 0, 48, 0, 64, 3, 1, c.luma, 0, 2, c.blue, 1, 3, c.red, 1}));
    const auto info = parse(kSoi + sof + kSos + kScan + kEoi);
    ASSERT_TRUE(info);
    EXPECT_EQ(info->subsampling, c.subsampling) << c.luma << " " << c.blue << " " << c.red;
  }
}

struct EndCase {
  const char* name;
  Bytes tail;  // behind the scan
  bool complete;
  std::size_t kept;  // bytes of `tail` that belong to the image
};

TEST(JpegParse, FindsTheEndByMarkers) {
  const EndCase cases[] = {
      {"EOI", kEoi, true, 2},
      {"fill bytes before EOI", bytes({0xff, 0xff, 0xff, 0xd9}), true, 4},
      {"EOI and zeros", kEoi + Bytes(500, std::byte{0}), true, 2},
      {"EOI and FFs", kEoi + Bytes(64, std::byte{0xff}), true, 2},
      {"EOI and another image", kEoi + kSoi, true, 2},
      {"no EOI", {}, false, 0},
      {"no EOI, zeros", Bytes(500, std::byte{0}), false, 0},
      {"no EOI, FFs", Bytes(64, std::byte{0xff}), false, 0},
      {"cut behind an FF", bytes({0xff}), false, 0},
      {"cut behind a stuffed zero", bytes({0xff, 0}), false, 2},
      {"a stuffed zero, then padding", bytes({0xff, 0, 0, 0, 0}), false, 2},
      {"the next image without EOI", kSoi + kDht + kSof + kSos + kScan + kEoi, false, 0},
      {"a second scan", kDht + kSos + kScan + kEoi, true, kDht.size() + kSos.size() + kScan.size() + 2},
      {"EOI inside a comment between scans", segment(0xfe, kEoi) + kSos + kScan + kEoi, true,
       6 + kSos.size() + kScan.size() + 2},
      {"number of lines between scans", segment(0xdc, bytes({0, 48})) + kEoi, true, 8},
      {"a segment cut short between scans", bytes({0xff, 0xc4, 0xff, 0xff, 7}), false, 0},
      {"a scan header cut short", bytes({0xff, 0xda, 0, 8, 1, 3}), false, 0},
      {"a length that lies, and EOI", bytes({0xff, 0xc4, 0xff, 0xff, 7}) + kEoi, true, 7},
      {"zeros that end a segment", segment(0xfe, bytes({1, 0, 0})), false, 7},
      {"damage inside the scan", bytes({0xff, 0x42, 7, 0xff, 0xf3, 9}) + kEoi, true, 8},
  };
  for (const EndCase& c : cases) {
    SCOPED_TRACE(c.name);
    const Bytes whole = image(kScan + c.tail);
    const auto info = parse(whole);
    ASSERT_TRUE(info);
    EXPECT_EQ(info->complete, c.complete);
    EXPECT_EQ(info->length, image(kScan).size() + c.kept);
  }
}

TEST(JpegParse, SkipsWhatSegmentsHold) {
  const Bytes thumbnail = segment(0xe1, bytes({'E', 'x', 'i', 'f', 0, 0}) + image(kScan + kEoi) + Bytes(6000));
  const Bytes whole = kSoi + segment(0xe0, bytes({'J', 'F', 'I', 'F', 0})) + thumbnail + kSof + kSos + kScan + kEoi;
  const auto info = parse(whole);
  ASSERT_TRUE(info);
  EXPECT_FALSE(info->has_huffman_tables) << "those of the thumbnail do not count";
  EXPECT_EQ(info->length, whole.size());
  EXPECT_EQ(info->sof_offset, whole.size() - kEoi.size() - kScan.size() - kSos.size() - kSof.size());
}

TEST(JpegParse, FindsTablesBehindALongSegment) {
  const Bytes whole = kSoi + segment(0xe1, Bytes(6000)) + kDht + kSof + kSos + kScan + kEoi;
  const auto info = parse(whole);
  ASSERT_TRUE(info);
  EXPECT_TRUE(info->has_huffman_tables);
  EXPECT_FALSE(canonical(whole, *info, true));
}

TEST(JpegParse, RefusesWhatIsNoImage) {
  const auto sof = [](std::initializer_list<int> body) { return kSoi + segment(0xc0, bytes(body)) + kSos + kScan; };
  const std::pair<const char*, Bytes> cases[] = {
      {"nothing", {}},
      {"SOI alone", kSoi},
      {"no SOI", kSof + kSos + kScan + kEoi},
      {"text", bytes({'h', 'e', 'l', 'l', 'o'})},
      {"EOI before a scan", kSoi + kSof + kEoi},
      {"SOS before SOF", kSoi + kSos + kSof + kScan + kEoi},
      {"two SOFs", kSoi + kSof + kSof + kSos + kScan + kEoi},
      {"SOI twice", kSoi + kSoi + kSof + kSos + kScan + kEoi},
      {"a restart marker in the header", kSoi + bytes({0xff, 0xd0}) + kSof + kSos + kScan},
      {"a reserved marker in the header", kSoi + segment(0x02, {}) + kSof + kSos + kScan},
      {"hierarchical", kSoi + segment(0xde, {}) + kSof + kSos + kScan},
      {"no FF where a marker must be", kSoi + bytes({0}) + kSof + kSos + kScan},
      {"length of one", kSoi + bytes({0xff, 0xe0, 0, 1}) + kSof + kSos + kScan},
      {"length over the end", kSoi + bytes({0xff, 0xe0, 0xff, 0xff, 1, 2, 3})},
      {"half a length", kSoi + bytes({0xff, 0xe0, 0})},
      {"only fill bytes", kSoi + Bytes(100, std::byte{0xff})},
      {"height 0", sof({8, 0, 0, 0, 64, 1, 1, 0x11, 0})},
      {"width 0", sof({8, 0, 48, 0, 0, 1, 1, 0x11, 0})},
      {"no component", sof({8, 0, 48, 0, 64, 0})},
      {"five components", sof({8, 0, 48, 0, 64, 5, 1, 17, 0, 2, 17, 0, 3, 17, 0, 4, 17, 0, 5, 17, 0})},
      {"fewer components than told", sof({8, 0, 48, 0, 64, 3, 1, 0x11, 0})},
      {"sampling factor 0", sof({8, 0, 48, 0, 64, 1, 1, 0x10, 0})},
      {"sampling factor 5", sof({8, 0, 48, 0, 64, 1, 1, 0x51, 0})},
      {"short SOF", sof({8, 0, 48})},
      {"short SOS", kSoi + kSof + segment(0xda, bytes({3, 1, 0})) + kScan},
      {"empty SOS", kSoi + kSof + segment(0xda, {}) + kScan},
      {"short DRI", kSoi + segment(0xdd, bytes({1})) + kSof + kSos + kScan},
  };
  for (const auto& [name, input] : cases) EXPECT_FALSE(parse(input)) << name;
}

TEST(JpegParse, CutOrFlippedImagesDoNoHarm) {
  for (const char* name : {"jpeg_progressive.jpg", "jpeg_restart.jpg"}) {
    const Bytes file = data_file(name);
    for (std::size_t length = 0; length < file.size(); ++length) {
      const auto info = parse(std::span(file).first(length));
      if (!info) continue;
      EXPECT_FALSE(info->complete) << length;
      EXPECT_LE(info->length, length);
    }
    for (std::size_t at = 0; at < file.size(); ++at) {
      Bytes flipped = file;
      flipped[at] ^= std::byte{0xff};
      const auto info = parse(flipped);
      EXPECT_LE(info ? info->length : 0, flipped.size());
    }
  }
}

TEST(JpegParse, ManyFillBytesAndMarkersCostNoMoreThanTheirLength) {
  const Bytes fill(4'000'000, std::byte{0xff});
  EXPECT_TRUE(parse(image(fill + kEoi))->complete);
  Bytes restarts;
  for (int i = 0; i < 500'000; ++i) restarts.insert(restarts.end(), {std::byte{0xff}, std::byte{0xd0}});
  EXPECT_TRUE(parse(image(restarts + kEoi))->complete);
}

Bytes without_tables(const Bytes& file) {
  Bytes out(file.begin(), file.begin() + 2);
  std::size_t at = 2;
  while (file[at + 1] != std::byte{0xda}) {
    const std::size_t length =
        2 + std::to_integer<std::size_t>(file[at + 2]) * 256 + std::to_integer<std::size_t>(file[at + 3]);
    if (file[at + 1] != std::byte{0xc4}) out = out + std::span(file).subspan(at, length);
    at += length;
  }
  return out + std::span(file).subspan(at);
}

/// The DHT segment in front of the scan, with the tables sorted as the encoder and as we write them.
Bytes tables_of(const Bytes& file) {
  Bytes out;
  std::size_t at = 2;
  while (file[at + 1] != std::byte{0xda}) {
    const std::size_t length =
        std::to_integer<std::size_t>(file[at + 2]) * 256 + std::to_integer<std::size_t>(file[at + 3]);
    if (file[at + 1] == std::byte{0xc4}) out = out + std::span(file).subspan(at + 4, length - 2);
    at += 2 + length;
  }
  std::sort(out.begin(), out.end());
  return out;
}

TEST(JpegCanonical, InsertsTheTablesAnEncoderOfTheStandardOnesWrote) {
  for (const char* name : {"jpeg_420.jpg", "jpeg_444.jpg"}) {
    const Bytes file = data_file(name);
    const Bytes bare = without_tables(file);
    ASSERT_LT(bare.size(), file.size());
    const auto info = parse(bare);
    ASSERT_TRUE(info);
    EXPECT_FALSE(info->has_huffman_tables);
    const auto fixed = canonical(bare, *info, false);
    ASSERT_TRUE(fixed);
    EXPECT_EQ(tables_of(*fixed), tables_of(file));
    EXPECT_EQ(fixed->size(), bare.size() + standard_huffman_tables().size() + 4);
    EXPECT_EQ(without_tables(*fixed), bare);
    const auto again = parse(*fixed);
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->complete);
    EXPECT_FALSE(canonical(*fixed, *again, true)) << "once is enough";
  }
}

TEST(JpegCanonical, LeavesOtherCodingsWithoutTables) {
  for (const int sof : {0xc3, 0xc9, 0xca}) {  // lossless, arithmetic sequential and progressive
    const Bytes whole = kSoi + segment(sof, Bytes(kSof.begin() + 4, kSof.end())) + kSos + kScan + kEoi;
    const auto info = parse(whole);
    ASSERT_TRUE(info) << sof;
    EXPECT_FALSE(info->baseline);
    EXPECT_FALSE(canonical(whole, *info, true)) << sof;
  }
}

struct RepairCase {
  const char* name;
  Bytes in;
  bool repair;
  std::optional<Bytes> out;
};

TEST(JpegCanonical, CutsPaddingAndRepairsTheEnd) {
  const Bytes good = image(kScan + kEoi);
  const RepairCase cases[] = {
      {"good", good, true, std::nullopt},
      {"zeros behind EOI", good + Bytes(300), true, good},
      {"FFs behind EOI", good + Bytes(64, std::byte{0xff}), false, good},
      {"no EOI", image(kScan), true, good},
      {"no EOI, not to be repaired", image(kScan), false, std::nullopt},
      {"no EOI but zeros", image(kScan) + Bytes(300), true, good},
      {"no EOI but zeros, not to be repaired", image(kScan) + Bytes(300), false, image(kScan)},
  };
  for (const RepairCase& c : cases) EXPECT_EQ(canonical(c.in, *parse(c.in), c.repair), c.out) << c.name;
}

TEST(JpegComment, IsTheFirstBeforeTheScan) {
  const auto com = [](std::string_view text) {
    Bytes body;
    for (const char c : text) body.push_back(static_cast<std::byte>(c));
    return segment(0xfe, body);
  };
  const Bytes two = kSoi + com("one") + com("two") + kSof + kSos + kEoi;
  EXPECT_EQ(comment(two), "one");
  const Bytes padded = kSoi + com({"zero\0\0", 6}) + kSof, empty = kSoi + com("") + kSof;
  EXPECT_EQ(comment(padded), "zero");
  EXPECT_EQ(comment(empty), "");
  EXPECT_FALSE(comment(kSoi + kSof + kSos + com("late") + kEoi));
  EXPECT_FALSE(comment(kSoi + bytes({0xff, 0xfe, 0, 9, 'x'})));
  EXPECT_FALSE(comment({}));
  EXPECT_FALSE(comment(com("no image")));
}

}  // namespace
}  // namespace campipe::media::jpeg
