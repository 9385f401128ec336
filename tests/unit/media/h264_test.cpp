#include "media/h264.hpp"

#include <functional>

#include "media/media_support.hpp"

namespace campipe::media::h264 {
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
  int profile, chroma, depth;
  ColourRange range;
  ColourMatrix matrix;
  int reorder;  // -1 = unknown
  std::size_t access_units;
};

TEST(H264Sps, IsWhatTheEncoderWasTold) {
  using enum ColourRange;
  constexpr auto kAny = ColourMatrix::unknown;
  const FileCase cases[] = {
      {"h264_baseline_160x96.h264", {160, 96}, {25, 1}, 66, 1, 8, unknown, kAny, 0, 3},
      {"h264_high_odd_1080_bframes.h264", {1920, 1080}, {30000, 1001}, 100, 1, 8, full, ColourMatrix::bt709, 2, 6},
      {"h264_slices_aud.h264", {160, 96}, {25, 1}, 100, 1, 8, limited, ColourMatrix::bt601, 0, 3},
      {"h264_high_scaling_interlaced.h264", {320, 180}, {25, 1}, 100, 1, 8, unknown, kAny, 0, 2},
      {"h264_high444_97x51.h264", {97, 51}, {15, 1}, 244, 3, 8, unknown, kAny, 2, 1},
      {"h264_high422_10bit.h264", {98, 50}, {15, 1}, 122, 2, 10, unknown, kAny, 2, 1},
      {"h264_intra_only.h264", {96, 64}, {15, 1}, 100, 1, 8, unknown, kAny, 0, 1},
  };
  for (const FileCase& c : cases) {
    SCOPED_TRACE(c.name);
    const Bytes stream = data_file(c.name);
    const auto sps = parse_sps(first_of(stream, kSps));
    ASSERT_TRUE(sps);
    EXPECT_EQ(sps->size, c.size);
    EXPECT_EQ(sps->frame_rate, c.rate);
    EXPECT_EQ(sps->profile_idc, c.profile);
    EXPECT_EQ(sps->chroma_format_idc, c.chroma);
    EXPECT_EQ(sps->bit_depth_luma, c.depth);
    EXPECT_EQ(sps->bit_depth_chroma, c.depth);
    EXPECT_EQ(sps->range, c.range);
    EXPECT_EQ(sps->matrix, c.matrix);
    EXPECT_EQ(sps->max_reorder_frames.value_or(-1), c.reorder);
    EXPECT_EQ(access_unit_starts<AccessUnitSplitter>(split_annex_b(stream)).size(), c.access_units);
  }
}

/// The parts of an SPS of Main profile, each to be replaced by a case.
struct SpsParts {
  int profile = 77, constraints = 0;
  std::uint64_t id = 0;
  std::function<void(BitWriter&)> chroma = [](BitWriter&) {};
  std::function<void(BitWriter&)> order = [](BitWriter& w) { w.ue(0).ue(2); };
  std::uint64_t width_mbs = 40, height_mbs = 30;
  bool frame_mbs_only = true;
  std::function<void(BitWriter&)> crop = [](BitWriter& w) { w.bits(0, 1); };
  std::function<void(BitWriter&)> vui = [](BitWriter& w) { w.bits(0, 1); };

  Bytes nal() const {
    BitWriter w;
    w.bits(static_cast<std::uint64_t>(profile), 8).bits(static_cast<std::uint64_t>(constraints), 8).bits(31, 8).ue(id);
    chroma(w);
    w.ue(0);  // log2_max_frame_num_minus4
    order(w);
    w.ue(1).bits(0, 1).ue(width_mbs - 1).ue(height_mbs - 1).bits(frame_mbs_only, 1);
    if (!frame_mbs_only) w.bits(0, 1);
    w.bits(1, 1);
    crop(w);
    vui(w);
    return w.nal({0x67});
  }
};

struct RefusedCase {
  const char* name;
  SpsParts parts;
};

TEST(H264Sps, RefusesWhatBreaksABound) {
  const auto crop = [](std::uint64_t l, std::uint64_t r, std::uint64_t t, std::uint64_t b) {
    return [=](BitWriter& w) { w.bits(1, 1).ue(l).ue(r).ue(t).ue(b); };
  };
  ASSERT_TRUE(parse_sps(SpsParts().nal()));
  const RefusedCase cases[] = {
      {"id 32", {.id = 32}},
      {"chroma format 4", {.profile = 100, .chroma = [](BitWriter& w) { w.ue(4).ue(0).ue(0).bits(0, 2); }}},
      {"bit depth 15", {.profile = 100, .chroma = [](BitWriter& w) { w.ue(1).ue(7).ue(0).bits(0, 2); }}},
      {"order type 3", {.order = [](BitWriter& w) { w.ue(3); }}},
      {"order cycle of 256", {.order = [](BitWriter& w) { w.ue(1).bits(0, 1).se(0).se(0).ue(256); }}},
      {"width of 1025 macroblocks", {.width_mbs = 1025}},
      {"height of 1025 macroblocks", {.height_mbs = 1025}},
      {"width of 2^32 - 1", {.width_mbs = 0xffff'ffff}},
      {"field height over the limit", {.height_mbs = 513, .frame_mbs_only = false}},
      {"nothing left of the width", {.crop = crop(160, 160, 0, 0)}},
      {"nothing left of the height", {.crop = crop(0, 0, 0, 240)}},
      {"crop that would wrap", {.crop = crop(0xffff'fffe, 0xffff'fffe, 0xffff'fffe, 0xffff'fffe)}},
  };
  for (const RefusedCase& c : cases) EXPECT_FALSE(parse_sps(c.parts.nal())) << c.name;
  EXPECT_FALSE(parse_sps({}));
  EXPECT_FALSE(parse_sps(bytes({0x67, 77, 0})));
  EXPECT_FALSE(parse_sps(bytes({0x68, 77, 0, 31, 0x95, 0xa0})));
}

TEST(H264Sps, ReadsScalingListsAndOrderCycles) {
  const SpsParts parts{
      .profile = 100,
      .chroma =
          [](BitWriter& w) {
            w.ue(1).ue(2).ue(1).bits(0, 1).bits(1, 1);
            for (int list = 0; list < 8; ++list) {
              w.bits(list % 2, 1);
              if (list == 1) w.se(-8);  // next = 0: the default list, nothing follows
              if (list == 3 || list == 5) {
                for (int i = 0; i < 16; ++i) w.se(i % 3 - 1);
              }
              if (list == 7) w.se(100).se(-108);  // the rest repeats the last
            }
          },
      .order =
          [](BitWriter& w) {
            w.ue(1).bits(0, 1).se(-5).se(7).ue(255);
            for (int i = 0; i < 255; ++i) w.se(i - 100);
          },
      .width_mbs = 45,
      .height_mbs = 18,
      .frame_mbs_only = false,
      .crop = [](BitWriter& w) { w.bits(1, 1).ue(1).ue(2).ue(0).ue(3); },
  };
  const auto sps = parse_sps(parts.nal());
  ASSERT_TRUE(sps);
  EXPECT_EQ(sps->size, (Size{720 - 6, 576 - 12}));
  EXPECT_EQ(sps->bit_depth_luma, 10);
  EXPECT_EQ(sps->bit_depth_chroma, 9);
  EXPECT_FALSE(sps->frame_mbs_only);
  EXPECT_FALSE(sps->max_reorder_frames);
}

void timing(BitWriter& w, std::uint64_t units, std::uint64_t scale) {
  w.bits(1, 1).bits(0, 4).bits(1, 1).bits(units, 32).bits(scale, 32).bits(1, 1);
}

TEST(H264Sps, TakesTheRateFromSaneTimingOnly) {
  struct Case {
    std::uint64_t units, scale;
    Rational rate;
  };
  for (const Case& c : {Case{1, 60, {30, 1}}, Case{1001, 60000, {30000, 1001}}, Case{0, 60, {}}, Case{1, 0, {}},
                        Case{1, 0xffff'ffff, {}}, Case{0xffff'ffff, 1, {1, 0x1'ffff'fffe}}, Case{1, 2000, {1000, 1}},
                        Case{1, 2001, {}}}) {
    const auto sps = parse_sps(SpsParts{.vui = [&](BitWriter& w) {
                                 timing(w, c.units, c.scale);
                                 w.bits(0, 4);
                               }}.nal());
    ASSERT_TRUE(sps);
    EXPECT_EQ(sps->frame_rate.num, c.rate.num);
    EXPECT_EQ(sps->frame_rate.den, c.rate.den);
  }
}

TEST(H264Sps, ReadsTheWholeVui) {
  const auto hrd = [](BitWriter& w) {
    w.bits(1, 1).ue(1).bits(0, 8);
    w.ue(1000).ue(2000).bits(0, 1).ue(3000).ue(4000).bits(1, 1).bits(0, 20);
  };
  const auto sps = parse_sps(SpsParts{
      .order = [](BitWriter& w) { w.ue(0).ue(2); },
      .vui =
          [&](BitWriter& w) {
            w.bits(1, 1);
            w.bits(1, 1).bits(255, 8).bits(4, 16).bits(3, 16);  // extended aspect ratio
            w.bits(1, 1).bits(1, 1);                            // overscan
            w.bits(1, 1).bits(5, 3).bits(0, 1).bits(1, 1);      // video signal type
            w.bits(9, 8).bits(9, 8).bits(9, 8);                 // colour description
            w.bits(1, 1).ue(2).ue(2);                           // chroma location
            w.bits(1, 1).bits(1, 32).bits(50, 32).bits(0, 1);   // timing
            hrd(w), hrd(w);
            w.bits(0, 2);  // low delay, pic_struct
            w.bits(1, 1).bits(1, 1).ue(0).ue(0).ue(10).ue(10).ue(3).ue(4);
          }}.nal());
  ASSERT_TRUE(sps);
  EXPECT_EQ(sps->range, ColourRange::limited);
  EXPECT_EQ(sps->matrix, ColourMatrix::bt2020);
  EXPECT_EQ(sps->frame_rate, (Rational{25, 1}));
  EXPECT_EQ(sps->max_reorder_frames, 3);
}

TEST(H264Sps, ShortVuiLeavesTheRestUnknown) {
  const auto sps =
      parse_sps(SpsParts{.vui = [](BitWriter& w) {
                  w.bits(1, 1).bits(0, 2).bits(1, 1).bits(5, 3).bits(1, 1).bits(0, 1).bits(0, 1).bits(1, 1).bits(1, 20);
                }}.nal());
  ASSERT_TRUE(sps);
  EXPECT_EQ(sps->range, ColourRange::full);
  EXPECT_FALSE(sps->frame_rate);
  EXPECT_FALSE(sps->max_reorder_frames);
}

TEST(H264Sps, ProfileOrOrderTypePromiseNoReordering) {
  EXPECT_EQ(parse_sps(SpsParts{.profile = 66}.nal())->max_reorder_frames, 0);
  EXPECT_EQ(parse_sps(SpsParts{.order = [](BitWriter& w) { w.ue(2); }}.nal())->max_reorder_frames, 0);
  EXPECT_FALSE(parse_sps(SpsParts{.profile = 77}.nal())->max_reorder_frames);
}

TEST(H264Sps, NoPrefixAndNoFlippedBitDoesHarm) {
  for (const char* name : {"h264_slices_aud.h264", "h264_high444_97x51.h264"}) {
    const Bytes stream = data_file(name);
    const Nal sps = first_of(stream, kSps);
    for (std::size_t length = 0; length < sps.size(); ++length) parse_sps(sps.first(length));
    for (std::size_t bit = 8; bit < sps.size() * 8; ++bit) {
      Bytes flipped(sps.begin(), sps.end());
      flipped[bit / 8] ^= std::byte{0x80} >> (bit % 8);
      const auto parsed = parse_sps(flipped);
      if (!parsed) continue;
      EXPECT_GT(parsed->size.width_px, 0);
      EXPECT_LE(parsed->size.width_px, 16384);
      EXPECT_GT(parsed->size.height_px, 0);
      EXPECT_LE(parsed->size.height_px, 16384);
    }
  }
}

const Bytes kSpsUnit = bytes({0x67, 66, 0, 31, 0xf8});
const Bytes kPpsUnit = bytes({0x68, 0xce, 0x38, 0x80});
const Bytes kIdrUnit = bytes({0x65, 0x88, 0x84});
const Bytes kSliceUnit = bytes({0x41, 0x9a, 0x24});
const Bytes kAudUnit = bytes({0x09, 0xf0});
const Bytes kSeiUnit = bytes({0x06, 5, 1, 2, 0x80});
const Bytes kFillerUnit = bytes({0x0c, 0xff, 0xff, 0x80});

TEST(H264AccessUnit, KnowsIdrAndSlices) {
  struct Case {
    Bytes unit;
    bool idr, slice;
  };
  for (const Case& c : {Case{annex_b({kSpsUnit, kPpsUnit, kIdrUnit}), true, true},
                        Case{annex_b({kAudUnit, kSeiUnit, kSliceUnit}), false, true},
                        Case{annex_b({bytes({0x62, 0x88}), bytes({0x63, 0x88})}), false, true},  // data partitions
                        Case{annex_b({kSpsUnit, kPpsUnit}), false, false}, Case{{}, false, false}}) {
    EXPECT_EQ(has_idr(c.unit), c.idr);
    EXPECT_EQ(has_slice(c.unit), c.slice);
  }
}

TEST(H264AccessUnit, ParameterSetsComeInOrderAndOnce) {
  const Bytes other = bytes({0x68, 0xce, 0x38, 0x81});
  EXPECT_EQ(parameter_sets_of(annex_b({kAudUnit, kSpsUnit, kPpsUnit, kSpsUnit, other, kPpsUnit, kIdrUnit})),
            annex_b({kSpsUnit, kPpsUnit, other}));
  EXPECT_EQ(parameter_sets_of(annex_b({kSliceUnit})), Bytes{});
}

TEST(H264AccessUnit, AMillionParameterSetsAreBounded) {
  Bytes stream;
  for (int i = 0; i < 200'000; ++i)
    append_annex_b(stream, bytes({0x68, 1 + i % 250, 1 + i / 250 % 250, 1 + i / 62'500}));
  EXPECT_LE(parameter_sets_of(stream).size(), 320U * 8);
}

struct CanonicalCase {
  const char* name;
  Bytes in, sets, out;
};

TEST(H264Canonical, PutsParameterSetsBeforeIdrAndDropsPadding) {
  const Bytes sets = annex_b({kSpsUnit, kPpsUnit});
  const Bytes own_sps = bytes({0x67, 66, 0, 30, 0xf8}), own_pps = bytes({0x68, 0xce, 0x38, 0x81});
  const CanonicalCase cases[] = {
      {"complete", annex_b({kSpsUnit, kPpsUnit, kIdrUnit}), sets, annex_b({kSpsUnit, kPpsUnit, kIdrUnit})},
      {"bare IDR", annex_b({kIdrUnit}), sets, annex_b({kSpsUnit, kPpsUnit, kIdrUnit})},
      {"own sets win", annex_b({own_sps, own_pps, kIdrUnit}), sets, annex_b({own_sps, own_pps, kIdrUnit})},
      {"only its own SPS", annex_b({own_sps, kIdrUnit}), sets, annex_b({own_sps, kPpsUnit, kIdrUnit})},
      {"only its own PPS", annex_b({own_pps, kIdrUnit}), sets, annex_b({kSpsUnit, own_pps, kIdrUnit})},
      {"sets behind the SEI",
       annex_b({kSeiUnit, kSpsUnit, kPpsUnit, kIdrUnit}),
       {},
       annex_b({kSpsUnit, kPpsUnit, kSeiUnit, kIdrUnit})},
      {"padding", annex_b({kAudUnit, kSliceUnit, kFillerUnit}), sets, annex_b({kSliceUnit})},
      {"no IDR, no sets", annex_b({kSeiUnit, kSliceUnit}), sets, annex_b({kSeiUnit, kSliceUnit})},
      {"new PPS between IDRs", annex_b({own_pps, kSliceUnit}), sets, annex_b({own_pps, kSliceUnit})},
      {"short start codes",
       bytes({0, 0, 1}) + kSliceUnit + bytes({0, 0, 1}) + kSliceUnit,
       {},
       annex_b({kSliceUnit, kSliceUnit})},
      {"no sets known", annex_b({kIdrUnit}), {}, annex_b({kIdrUnit})},
      {"nothing", {}, sets, {}},
  };
  for (const CanonicalCase& c : cases) {
    EXPECT_EQ(canonical(c.in, c.sets), c.out) << c.name;
    EXPECT_EQ(canonical(c.out, c.sets), c.out) << c.name << ", once more";
  }
}

TEST(H264Splitter, FindsWhereAccessUnitsBegin) {
  const Bytes later_slice = bytes({0x41, 0x4a, 0x24}), later_idr = bytes({0x65, 0x48});
  const Bytes disposable = bytes({0x01, 0x4a});
  const std::vector<Nal> nals{kAudUnit,    kSpsUnit,    kPpsUnit,    kSeiUnit,   kIdrUnit,
                              later_idr,   kFillerUnit,                                        // 0
                              kSeiUnit,    kSliceUnit,  later_slice, kSliceUnit, later_slice,  // 7, 10
                              kSpsUnit,    kPpsUnit,    later_idr,                             // 12
                              later_slice,                                                     // 15
                              disposable,  kAudUnit,    kSliceUnit};                           // 16, 17
  EXPECT_EQ(access_unit_starts<AccessUnitSplitter>(nals), (std::vector<std::size_t>{0, 7, 10, 12, 15, 16, 17}));
}

TEST(H264Splitter, StartsAnewAfterReset) {
  AccessUnitSplitter splitter;
  EXPECT_TRUE(splitter.starts_access_unit(kSliceUnit));
  splitter.reset();
  EXPECT_TRUE(splitter.starts_access_unit(bytes({0x41, 0x4a})));
  EXPECT_FALSE(splitter.starts_access_unit({}));
}

TEST(H264Avcc, RoundTripsTheParameterSetsOfRealStreams) {
  for (const char* name : {"h264_baseline_160x96.h264", "h264_slices_aud.h264", "h264_high422_10bit.h264"}) {
    const Bytes sets = parameter_sets_of(data_file(name));
    const Bytes record = make_avcc(sets);
    const auto config = parse_avcc(record);
    ASSERT_TRUE(config) << name;
    EXPECT_EQ(config->parameter_sets, sets) << name;
    EXPECT_EQ(config->length_bytes, 4);
    for (std::size_t length = 0; length < record.size(); ++length) {
      const auto cut = parse_avcc(std::span(record).first(length));
      EXPECT_TRUE(!cut || cut->parameter_sets == sets) << name << " cut at " << length;
    }
  }
}

TEST(H264Avcc, HighProfileTellsChromaAndDepth) {
  const Bytes record = make_avcc(parameter_sets_of(data_file("h264_high422_10bit.h264")));
  ASSERT_GT(record.size(), 4U);
  EXPECT_EQ(Bytes(record.end() - 4, record.end()), bytes({0xfc | 2, 0xf8 | 2, 0xf8 | 2, 0}));
}

TEST(H264Avcc, RefusesWhatIsNone) {
  const Bytes sps = bytes({0x67, 66, 0, 31});
  const Bytes good = bytes({1, 66, 0, 31, 0xff, 0xe1, 0, 4}) + sps + bytes({1, 0, 2, 0x68, 0xce});
  ASSERT_TRUE(parse_avcc(good));
  EXPECT_EQ(parse_avcc(good)->parameter_sets, annex_b({sps, bytes({0x68, 0xce})}));
  const auto changed = [&](std::size_t at, int value) {
    Bytes record = good;
    record[at] = static_cast<std::byte>(value);
    return parse_avcc(record);
  };
  EXPECT_FALSE(changed(0, 0));     // version
  EXPECT_FALSE(changed(4, 0xfe));  // lengths of 3 bytes
  EXPECT_EQ(changed(4, 0xfd)->length_bytes, 2);
  EXPECT_FALSE(changed(5, 0xe9));   // more units than there are
  EXPECT_FALSE(changed(6, 0xff));   // a unit longer than the record
  EXPECT_FALSE(changed(12, 0xff));  // more PPS than there are
  EXPECT_FALSE(parse_avcc({}));
  EXPECT_EQ(make_avcc({}), Bytes{});
  EXPECT_EQ(make_avcc(annex_b({kPpsUnit})), Bytes{});
  EXPECT_EQ(make_avcc(annex_b({bytes({0x67}), kPpsUnit})), Bytes{});
}

}  // namespace
}  // namespace campipe::media::h264
