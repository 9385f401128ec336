#include "media/h265.hpp"

#include <functional>

#include "media/media_support.hpp"

namespace campipe::media::h265 {
namespace {

using test::access_unit_starts;
using test::BitWriter;
using test::bytes;
using test::Bytes;
using test::data_file;
using test::operator+;

Bytes annex_b(std::initializer_list<Bytes> units) {
  Bytes out;
  for (const Bytes& unit : units) append_annex_b(out, unit);
  return out;
}

Nal first_of(const Bytes& stream, int type) {
  for (const Nal nal : split_annex_b(stream)) {
    if (nal_type(nal) == type) return nal;
  }
  return {};
}

struct FileCase {
  const char* name;
  Size size;
  Rational rate;
  int chroma, depth;
  ColourRange range;
  ColourMatrix matrix;
  std::size_t access_units;
  int reorder;
};

TEST(H265Sps, IsWhatTheEncoderWasTold) {
  using enum ColourRange;
  const FileCase cases[] = {
      {"h265_main_176x144.h265", {176, 144}, {25, 1}, 1, 8, full, ColourMatrix::bt709, 4, 0},
      {"h265_1080_bframes.h265", {1920, 1080}, {30000, 1001}, 1, 8, limited, ColourMatrix::unknown, 5, 2},
      {"h265_main10_odd.h265", {98, 50}, {15, 1}, 1, 10, limited, ColourMatrix::unknown, 1, 2},
      {"h265_444_slices.h265", {320, 320}, {15, 1}, 3, 8, limited, ColourMatrix::unknown, 3, 0},
  };
  for (const FileCase& c : cases) {
    SCOPED_TRACE(c.name);
    const Bytes stream = data_file(c.name);
    const Nal unit = first_of(stream, kSps);
    const auto sps = parse_sps(unit);
    ASSERT_TRUE(sps);
    EXPECT_EQ(sps->size, c.size);
    EXPECT_EQ(sps->frame_rate, c.rate);
    EXPECT_EQ(sps->chroma_format_idc, c.chroma);
    EXPECT_EQ(sps->bit_depth_luma, c.depth);
    EXPECT_EQ(sps->bit_depth_chroma, c.depth);
    EXPECT_EQ(sps->range, c.range);
    EXPECT_EQ(sps->matrix, c.matrix);
    EXPECT_EQ(sps->max_sub_layers, 1);
    EXPECT_EQ(sps->max_reorder_frames, c.reorder);
    EXPECT_EQ(sps->profile_tier_level.size(), 12U);
    EXPECT_EQ(sps->profile_space_tier_idc, std::to_integer<int>(sps->profile_tier_level[0]));
    EXPECT_TRUE(has_irap(stream));
    EXPECT_EQ(access_unit_starts<AccessUnitSplitter>(split_annex_b(stream)).size(), c.access_units);
  }
}

using Part = std::function<void(BitWriter&)>;

/// The parts of an SPS of Main profile, each to be replaced by a case.
struct SpsParts {
  int sub_layers = 1;
  Part sub_layer_levels = [](BitWriter&) {};
  std::uint64_t id = 0, chroma = 1, width = 640, height = 480;
  Part crop = [](BitWriter& w) { w.bits(0, 1); };
  std::uint64_t depth = 0, reorder = 0;
  Part scaling = [](BitWriter& w) { w.bits(0, 1); };
  Part pcm = [](BitWriter& w) { w.bits(0, 1); };
  Part references = [](BitWriter& w) { w.ue(0).bits(0, 1); };
  Part vui = [](BitWriter& w) { w.bits(0, 1); };

  Bytes nal(int second_header_byte = 1) const {
    BitWriter w;
    w.bits(0, 4).bits(static_cast<std::uint64_t>(sub_layers - 1), 3).bits(1, 1);
    w.bits(1, 8).bits(0x6000'0000, 32).bits(0x9000, 16).bits(0, 32).bits(93, 8);
    sub_layer_levels(w);
    w.ue(id).ue(chroma);
    if (chroma == 3) w.bits(0, 1);
    w.ue(width).ue(height);
    crop(w);
    w.ue(depth).ue(depth).ue(4).bits(0, 1).ue(4).ue(reorder).ue(0);  // one entry of ordering info
    w.ue(0).ue(3).ue(0).ue(3).ue(0).ue(0);
    scaling(w);
    w.bits(0, 2);
    pcm(w);
    references(w);
    w.bits(0, 2);
    vui(w);
    w.bits(0, 1);
    return w.nal({0x42, second_header_byte});
  }
};

/// Whether the walk came as far as the VUI: its colour is told.
Part full_range_vui() {
  return [](BitWriter& w) {
    w.bits(1, 1).bits(0, 2).bits(1, 1).bits(5, 3).bits(1, 1).bits(1, 1).bits(1, 8).bits(1, 8).bits(1, 8).bits(0, 1);
    w.bits(0, 3);                                            // neutral chroma, fields, field info
    w.bits(1, 1).ue(0).ue(0).ue(2).ue(2);                    // default display window
    w.bits(1, 1).bits(1001, 32).bits(24000, 32).bits(0, 2);  // timing
    w.bits(0, 1);
  };
}

TEST(H265Sps, FindsTheVuiBehindEverythingOptional) {
  struct Case {
    const char* name;
    SpsParts parts;
  };
  const Case cases[] = {
      {"nothing", {}},
      {"three sub-layers",
       {.sub_layers = 3,
        .sub_layer_levels =
            [](BitWriter& w) {
              w.bits(0b11, 2).bits(0b01, 2).bits(0, 12);
              w.bits(1, 32).bits(1, 32).bits(1, 24).bits(90, 8).bits(90, 8);
            }}},
      {"4:4:4", {.chroma = 3}},
      {"reordering", {.reorder = 3}},
      {"scaling enabled by default", {.scaling = [](BitWriter& w) { w.bits(1, 1).bits(0, 1); }}},
      {"scaling lists",
       {.scaling =
            [](BitWriter& w) {
              w.bits(1, 1).bits(1, 1);
              for (int size = 0; size < 4; ++size) {
                for (int matrix = 0; matrix < 6; matrix += size == 3 ? 3 : 1) {
                  const bool coded = (matrix + size) % 2 == 0;
                  w.bits(coded, 1);
                  if (!coded) w.ue(0);
                  if (coded && size > 1) w.se(-3);
                  for (int i = 0; coded && i < (size == 0 ? 16 : 64); ++i) w.se(i % 5 - 2);
                }
              }
            }}},
      {"PCM", {.pcm = [](BitWriter& w) { w.bits(1, 1).bits(7, 4).bits(7, 4).ue(0).ue(2).bits(1, 1); }}},
      {"reference sets",
       {.references =
            [](BitWriter& w) {
              w.ue(3);
              w.ue(2).ue(1);  // two before, one behind
              for (int i = 0; i < 3; ++i) w.ue(0).bits(1, 1);
              w.bits(1, 1).bits(0, 1).ue(0);  // from the first: used, skipped, kept unused, used
              w.bits(1, 1).bits(0b00, 2).bits(0b01, 2).bits(1, 1);
              w.bits(1, 1).bits(1, 1).ue(1);  // from the second, which has three
              for (int i = 0; i < 4; ++i) w.bits(1, 1);
              w.bits(1, 1).ue(2).bits(7, 8).bits(1, 1).bits(9, 8).bits(0, 1);  // long-term
            }}},
  };
  for (Case c : cases) {
    SCOPED_TRACE(c.name);
    c.parts.vui = full_range_vui();
    const auto sps = parse_sps(c.parts.nal());
    ASSERT_TRUE(sps);
    EXPECT_EQ(sps->size, (Size{640, 480}));
    EXPECT_EQ(sps->max_sub_layers, c.parts.sub_layers);
    EXPECT_TRUE(sps->temporal_id_nesting);
    EXPECT_EQ(sps->max_reorder_frames, static_cast<int>(c.parts.reorder));
    EXPECT_EQ(sps->range, ColourRange::full);
    EXPECT_EQ(sps->matrix, ColourMatrix::bt709);
    EXPECT_EQ(sps->frame_rate, (Rational{24000, 1001}));
  }
}

TEST(H265Sps, RefusesWhatBreaksABound) {
  const auto crop = [](std::uint64_t l, std::uint64_t r, std::uint64_t t, std::uint64_t b) {
    return [=](BitWriter& w) { w.bits(1, 1).ue(l).ue(r).ue(t).ue(b); };
  };
  struct Case {
    const char* name;
    SpsParts parts;
  };
  const Case cases[] = {
      {"eight sub-layers", {.sub_layers = 8}},
      {"id 16", {.id = 16}},
      {"chroma format 4", {.chroma = 4}},
      {"no width", {.width = 0}},
      {"no height", {.height = 0}},
      {"width over the limit", {.width = 16'385}},
      {"height of 2^32 - 2", {.height = 0xffff'fffe}},
      {"bit depth 17", {.depth = 9}},
      {"nothing left of the width", {.crop = crop(160, 160, 0, 0)}},
      {"crop that would wrap", {.crop = crop(0xffff'fffe, 0xffff'fffe, 0xffff'fffe, 0xffff'fffe)}},
  };
  for (const Case& c : cases) EXPECT_FALSE(parse_sps(c.parts.nal())) << c.name;
  ASSERT_TRUE(parse_sps(SpsParts().nal()));
  EXPECT_FALSE(parse_sps(SpsParts().nal(0x09))) << "a higher layer's SPS has another syntax";
  EXPECT_FALSE(parse_sps({}));
  EXPECT_FALSE(parse_sps(bytes({0x42, 1, 1})));
}

TEST(H265Sps, TakesTheConformanceWindowOff) {
  struct Case {
    std::uint64_t chroma;
    Size size;
  };
  for (const Case& c : {Case{0, {637, 473}}, Case{1, {634, 466}}, Case{2, {634, 473}}, Case{3, {637, 473}}}) {
    const auto sps = parse_sps(
        SpsParts{.chroma = c.chroma, .crop = [](BitWriter& w) { w.bits(1, 1).ue(1).ue(2).ue(3).ue(4); }}.nal());
    ASSERT_TRUE(sps);
    EXPECT_EQ(sps->size, c.size) << c.chroma;
  }
}

TEST(H265Sps, HostileReferenceSetsEndTheWalkAndNotTheSize) {
  for (const Part& references :
       {Part([](BitWriter& w) { w.ue(65); }), Part([](BitWriter& w) { w.ue(64); }),
        Part([](BitWriter& w) { w.ue(1).ue(17).ue(0); }), Part([](BitWriter& w) { w.ue(0).bits(1, 1).ue(33); })}) {
    const auto sps = parse_sps(SpsParts{.references = references, .vui = full_range_vui()}.nal());
    ASSERT_TRUE(sps);
    EXPECT_EQ(sps->size, (Size{640, 480}));
  }
}

TEST(H265Sps, MoreReorderingThanADecoderHoldsIsUnknown) {
  const auto sps = parse_sps(SpsParts{.reorder = 16, .vui = full_range_vui()}.nal());
  ASSERT_TRUE(sps);
  EXPECT_FALSE(sps->max_reorder_frames);
}

TEST(H265Sps, NoPrefixAndNoFlippedBitDoesHarm) {
  for (const char* name : {"h265_main_176x144.h265", "h265_main10_odd.h265"}) {
    const Bytes stream = data_file(name);
    const Nal sps = first_of(stream, kSps);
    for (std::size_t length = 0; length < sps.size(); ++length) parse_sps(sps.first(length));
    for (std::size_t bit = 16; bit < sps.size() * 8; ++bit) {
      Bytes flipped(sps.begin(), sps.end());
      flipped[bit / 8] ^= std::byte{0x80} >> (bit % 8);
      const auto parsed = parse_sps(flipped);
      if (!parsed) continue;
      EXPECT_GT(parsed->size.width_px, 0);
      EXPECT_LE(parsed->size.width_px, 16384);
    }
  }
}

const Bytes kVpsUnit = bytes({0x40, 1, 12}), kSpsUnit = bytes({0x42, 1, 1}), kPpsUnit = bytes({0x44, 1, 0xc1});
const Bytes kIdrUnit = bytes({0x26, 1, 0xaf}), kIdrLater = bytes({0x26, 1, 0x2f});
const Bytes kSliceUnit = bytes({0x02, 1, 0xd0}), kSliceLater = bytes({0x02, 1, 0x50});
const Bytes kCraUnit = bytes({0x2a, 1, 0xaf});
const Bytes kAudUnit = bytes({0x46, 1, 0x50}), kFillerUnit = bytes({0x4c, 1, 0xff, 0x80});
const Bytes kPrefixSeiUnit = bytes({0x4e, 1, 5}), kSuffixSeiUnit = bytes({0x50, 1, 5});

TEST(H265AccessUnit, KnowsIrapAndSlices) {
  struct Case {
    Bytes unit;
    bool irap, slice;
  };
  for (const Case& c :
       {Case{annex_b({kVpsUnit, kSpsUnit, kPpsUnit, kIdrUnit}), true, true}, Case{annex_b({kCraUnit}), true, true},
        Case{annex_b({bytes({0x20, 1, 0xaf})}), true, true}, Case{annex_b({kAudUnit, kSliceUnit}), false, true},
        Case{annex_b({kVpsUnit, kSpsUnit}), false, false}, Case{{}, false, false}}) {
    EXPECT_EQ(has_irap(c.unit), c.irap);
    EXPECT_EQ(has_slice(c.unit), c.slice);
  }
}

TEST(H265Canonical, PutsParameterSetsBeforeIrapAndDropsPadding) {
  const Bytes sets = annex_b({kVpsUnit, kSpsUnit, kPpsUnit});
  struct Case {
    const char* name;
    Bytes in, out;
  };
  const Case cases[] = {
      {"complete", sets + annex_b({kIdrUnit}), sets + annex_b({kIdrUnit})},
      {"bare IDR", annex_b({kAudUnit, kIdrUnit, kIdrLater}), sets + annex_b({kIdrUnit, kIdrLater})},
      {"bare CRA", annex_b({kPrefixSeiUnit, kCraUnit}), sets + annex_b({kPrefixSeiUnit, kCraUnit})},
      {"only its own VPS and PPS", annex_b({kVpsUnit, kPpsUnit, kIdrUnit}), sets + annex_b({kIdrUnit})},
      {"padding", annex_b({kAudUnit, kSliceUnit, kFillerUnit, kSuffixSeiUnit}), annex_b({kSliceUnit, kSuffixSeiUnit})},
  };
  for (const Case& c : cases) EXPECT_EQ(canonical(c.in, sets), c.out) << c.name;
}

TEST(H265AccessUnit, ParameterSetsComeInOrderAndOnce) {
  EXPECT_EQ(parameter_sets_of(annex_b({kAudUnit, kVpsUnit, kSpsUnit, kPpsUnit, kVpsUnit, kPpsUnit, kIdrUnit})),
            annex_b({kVpsUnit, kSpsUnit, kPpsUnit}));
}

TEST(H265Splitter, FindsWhereAccessUnitsBegin) {
  const Bytes layer_sps = bytes({0x42, 9, 1}), layer_slice = bytes({0x02, 9, 0xd0});
  const std::vector<Nal> nals{kAudUnit,    kVpsUnit,       kSpsUnit,    kPpsUnit,       kPrefixSeiUnit, kIdrUnit,  // 0
                              kIdrLater,   layer_sps,      layer_slice, kSuffixSeiUnit, kFillerUnit,    kSliceUnit,
                              kSliceLater, kPrefixSeiUnit, kSliceUnit,  // 11, 13
                              kSliceUnit,  kSpsUnit};                   // 15, 16
  EXPECT_EQ(access_unit_starts<AccessUnitSplitter>(nals), (std::vector<std::size_t>{0, 11, 13, 15, 16}));
}

TEST(H265Hvcc, RoundTripsTheParameterSetsOfRealStreams) {
  for (const char* name : {"h265_main_176x144.h265", "h265_main10_odd.h265", "h265_444_slices.h265"}) {
    const Bytes stream = data_file(name);
    const Bytes sets = parameter_sets_of(stream);
    const Bytes record = make_hvcc(sets);
    const auto config = parse_hvcc(record);
    ASSERT_TRUE(config) << name;
    EXPECT_EQ(config->parameter_sets, sets) << name;
    EXPECT_EQ(config->length_bytes, 4);
    const auto sps = parse_sps(first_of(stream, kSps));
    ASSERT_TRUE(sps);
    EXPECT_EQ(Bytes(record.begin() + 1, record.begin() + 13), sps->profile_tier_level);
    EXPECT_EQ(record[16], static_cast<std::byte>(0xfc | sps->chroma_format_idc));
    EXPECT_EQ(record[17], static_cast<std::byte>(0xf8 | (sps->bit_depth_luma - 8)));
    for (std::size_t length = 0; length < record.size(); ++length) {
      EXPECT_FALSE(parse_hvcc(std::span(record).first(length))) << name << " cut at " << length;
    }
  }
}

TEST(H265Hvcc, RefusesWhatIsNone) {
  EXPECT_FALSE(parse_hvcc({}));
  EXPECT_FALSE(parse_hvcc(Bytes(23, std::byte{0xff})));
  Bytes record(23, std::byte{0});
  record[21] = std::byte{2};  // lengths of 3 bytes
  EXPECT_FALSE(parse_hvcc(record));
  record[21] = std::byte{3};
  EXPECT_TRUE(parse_hvcc(record));
  record[22] = std::byte{255};
  EXPECT_FALSE(parse_hvcc(record + bytes({0xa0, 0xff, 0xff, 0, 0})));
  EXPECT_EQ(make_hvcc({}), Bytes{});
  EXPECT_EQ(make_hvcc(annex_b({kVpsUnit, kPpsUnit})), Bytes{});
}

}  // namespace
}  // namespace campipe::media::h265
