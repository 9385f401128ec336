#include <algorithm>

#include "media/h265.hpp"
#include "media/vui.hpp"

namespace campipe::media::h265 {

namespace {

constexpr int kMaxShortTermSets = 64;
constexpr int kMaxDecodedPictures = 16;  // MaxDpbSize, A.4.2

/// profile_tier_level(1, max_sub_layers - 1) behind its general part (7.3.3).
void skip_sub_layers(BitReader& in, int max_sub_layers) {
  bool profile[8]{}, level[8]{};
  for (int i = 0; i < max_sub_layers - 1; ++i) profile[i] = in.flag(), level[i] = in.flag();
  if (max_sub_layers > 1) in.skip(2 * static_cast<std::size_t>(8 - (max_sub_layers - 1)));
  for (int i = 0; i < max_sub_layers - 1; ++i) in.skip((profile[i] ? 88U : 0U) + (level[i] ? 8U : 0U));
}

void skip_scaling_lists(BitReader& in) {  // 7.3.4
  for (int size = 0; size < 4; ++size) {
    for (int matrix = 0; matrix < 6 && in.ok(); matrix += size == 3 ? 3 : 1) {
      if (!in.flag()) {
        in.ue();
        continue;
      }
      const int count = std::min(64, 1 << (4 + (size << 1)));
      if (size > 1) in.se();
      for (int i = 0; i < count && in.ok(); ++i) in.se();
    }
  }
}

/// st_ref_pic_set(index) (7.3.7); `deltas` has the number of pictures of each set before it.
bool skip_short_term_set(BitReader& in, int index, int (&deltas)[kMaxShortTermSets]) {
  if (index != 0 && in.flag()) {
    in.flag();  // delta_rps_sign
    in.ue();
    const int from = deltas[index - 1];
    deltas[index] = 0;
    for (int i = 0; i <= from && in.ok(); ++i) {
      const bool used = in.flag();
      const bool use_delta = used || in.flag();
      deltas[index] += use_delta ? 1 : 0;
    }
    return in.ok();
  }
  const int negative = in.ue_up_to(16), positive = in.ue_up_to(16);
  for (int i = 0; i < negative + positive && in.ok(); ++i) in.ue(), in.flag();
  deltas[index] = negative + positive;
  return in.ok();
}

/// What stands between the bit depths and the VUI (7.3.2.2.1).
bool read_to_vui(BitReader& in, Sps& sps) {
  const int log2_max_poc = in.ue_up_to(12) + 4;
  const bool all_layers = in.flag();
  int reorder = 0;
  for (int i = all_layers ? 0 : sps.max_sub_layers - 1; i < sps.max_sub_layers && in.ok(); ++i) {
    in.ue_up_to(kMaxDecodedPictures - 1);
    reorder = in.ue_up_to(kMaxDecodedPictures - 1);
    in.ue();  // latency
  }
  if (!in.ok()) return false;
  sps.max_reorder_frames = reorder;
  for (int i = 0; i < 6; ++i) in.ue();  // block and transform sizes and depths
  if (in.flag() && in.flag()) skip_scaling_lists(in);
  in.skip(2);  // amp, sample adaptive offset
  if (in.flag()) {
    in.skip(8);
    in.ue();
    in.ue();
    in.skip(1);
  }
  const int sets = in.ue_up_to(kMaxShortTermSets);
  int deltas[kMaxShortTermSets]{};
  for (int i = 0; i < sets && in.ok(); ++i) {
    if (!skip_short_term_set(in, i, deltas)) return false;
  }
  if (in.flag()) {
    const int pictures = in.ue_up_to(32);
    for (int i = 0; i < pictures && in.ok(); ++i) in.skip(static_cast<std::size_t>(log2_max_poc) + 1);
  }
  in.skip(2);  // temporal motion vectors, strong intra smoothing
  return in.ok();
}

void read_vui(BitReader& in, Sps& sps) {  // E.2.1
  read_vui_colour(in, sps.range, sps.matrix);
  in.skip(3);  // neutral chroma, field sequence, frame field info
  if (in.flag()) {
    for (int i = 0; i < 4; ++i) in.ue();  // default display window
  }
  if (!in.flag()) return;
  const std::uint64_t units = in.bits(32), scale = in.bits(32);
  if (in.ok()) sps.frame_rate = vui_frame_rate(scale, units);
}

}  // namespace

std::optional<Sps> parse_sps(Nal nal) {
  constexpr std::size_t kHeader = 2;
  constexpr std::byte kHighLayerBit{1}, kLowLayerBits{0xf8};
  if (nal_type(nal) != kSps || nal.size() < kHeader + 13) return std::nullopt;
  if ((nal[0] & kHighLayerBit) != std::byte{0} || (nal[1] & kLowLayerBits) != std::byte{0}) return std::nullopt;
  const std::vector<std::byte> rbsp = unescape_rbsp(nal.subspan(kHeader));
  BitReader in(rbsp);
  Sps sps;
  in.skip(4);  // video parameter set id
  sps.max_sub_layers = static_cast<int>(in.bits(3)) + 1;
  sps.temporal_id_nesting = in.flag();
  if (sps.max_sub_layers > 7) return std::nullopt;
  for (int i = 0; i < 12; ++i) sps.profile_tier_level.push_back(static_cast<std::byte>(in.bits(8)));
  sps.profile_space_tier_idc = std::to_integer<int>(sps.profile_tier_level.front());
  skip_sub_layers(in, sps.max_sub_layers);
  in.ue_up_to(15);  // id
  sps.chroma_format_idc = in.ue_up_to(3);
  if (sps.chroma_format_idc == 3) in.skip(1);
  constexpr int kMaxSide = 16384;
  sps.size = {.width_px = in.ue_up_to(kMaxSide), .height_px = in.ue_up_to(kMaxSide)};
  if (!in.ok() || sps.size.width_px == 0 || sps.size.height_px == 0) return std::nullopt;
  const int x_unit = sps.chroma_format_idc == 1 || sps.chroma_format_idc == 2 ? 2 : 1;
  const int y_unit = sps.chroma_format_idc == 1 ? 2 : 1;
  if (in.flag() && !read_crop(in, x_unit, y_unit, sps.size)) return std::nullopt;
  sps.bit_depth_luma = in.ue_up_to(8) + 8;
  sps.bit_depth_chroma = in.ue_up_to(8) + 8;
  if (!in.ok()) return std::nullopt;
  if (read_to_vui(in, sps) && in.flag()) read_vui(in, sps);
  return sps;
}

}  // namespace campipe::media::h265
