#include <algorithm>
#include <array>

#include "media/bit_reader.hpp"
#include "media/h264.hpp"
#include "media/vui.hpp"

namespace campipe::media::h264 {

namespace {

constexpr int kMaxMbs = 1024;  // 16384 px, the largest picture campipe takes

bool has_chroma_info(int profile_idc) noexcept {  // 7.3.2.1.1
  constexpr std::array kProfiles{100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135};
  return std::ranges::find(kProfiles, profile_idc) != kProfiles.end();
}

void skip_scaling_list(BitReader& in, int entries) {  // 7.3.2.1.1.1
  int last = 8, next = 8;
  for (int i = 0; i < entries && in.ok(); ++i) {
    if (next != 0) next = static_cast<int>((last + in.se() + 256) & 255);
    if (next != 0) last = next;
  }
}

void read_chroma_info(BitReader& in, Sps& sps) {
  sps.chroma_format_idc = in.ue_up_to(3);
  if (sps.chroma_format_idc == 3) in.skip(1);  // separate_colour_plane_flag
  sps.bit_depth_luma = 8 + in.ue_up_to(6);
  sps.bit_depth_chroma = 8 + in.ue_up_to(6);
  in.skip(1);  // qpprime_y_zero_transform_bypass_flag
  if (!in.flag()) return;
  const int lists = sps.chroma_format_idc == 3 ? 12 : 8;
  for (int i = 0; i < lists; ++i) {
    if (in.flag()) skip_scaling_list(in, i < 6 ? 16 : 64);
  }
}

/// Returns pic_order_cnt_type.
int read_picture_order(BitReader& in) {
  const int type = in.ue_up_to(2);
  if (type == 0) in.ue_up_to(12);  // log2_max_pic_order_cnt_lsb_minus4
  if (type == 1) {
    in.skip(1);
    in.se(), in.se();
    for (int left = in.ue_up_to(255); left > 0 && in.ok(); --left) in.se();
  }
  return type;
}

bool read_size(BitReader& in, Sps& sps) {
  const int width_mbs = in.ue_up_to(kMaxMbs - 1) + 1;
  const int height_units = in.ue_up_to(kMaxMbs - 1) + 1;
  sps.frame_mbs_only = in.flag();
  const int fields = sps.frame_mbs_only ? 1 : 2;
  if (!sps.frame_mbs_only) in.skip(1);  // mb_adaptive_frame_field_flag
  in.skip(1);                           // direct_8x8_inference_flag
  sps.size = {width_mbs * 16, height_units * 16 * fields};
  if (sps.size.height_px > kMaxMbs * 16) return false;
  if (!in.flag()) return in.ok();
  const int x_unit = sps.chroma_format_idc == 1 || sps.chroma_format_idc == 2 ? 2 : 1;
  const int y_unit = (sps.chroma_format_idc == 1 ? 2 : 1) * fields;
  return read_crop(in, x_unit, y_unit, sps.size);
}

void skip_hrd(BitReader& in) {  // E.1.2
  const int count = in.ue_up_to(31) + 1;
  in.skip(8);
  for (int i = 0; i < count && in.ok(); ++i) {
    in.ue(), in.ue();
    in.skip(1);
  }
  in.skip(20);
}

void read_restrictions(BitReader& in, Sps& sps) {
  in.skip(1);
  in.ue(), in.ue(), in.ue(), in.ue();
  const int reorder = in.ue_up_to(16);
  if (in.ok()) sps.max_reorder_frames = reorder;
}

void read_vui(BitReader& in, Sps& sps) {  // E.1.1
  read_vui_colour(in, sps.range, sps.matrix);
  if (in.flag()) {
    const std::uint32_t units = in.bits(32), scale = in.bits(32);
    in.skip(1);
    if (in.ok()) sps.frame_rate = vui_frame_rate(scale, std::uint64_t{units} * 2);
  }
  const bool nal_hrd = in.flag();
  if (nal_hrd) skip_hrd(in);
  const bool vcl_hrd = in.flag();
  if (vcl_hrd) skip_hrd(in);
  if (nal_hrd || vcl_hrd) in.skip(1);  // low_delay_hrd_flag
  in.skip(1);                          // pic_struct_present_flag
  if (in.flag()) read_restrictions(in, sps);
}

/// Whether order of output is order of decoding whatever the VUI says: Baseline has no B slices (A.2.1), the
/// intra profiles have no inter prediction (E.2.1, max_num_reorder_frames), and by 8.2.1.3 for type 2.
bool cannot_reorder(const Sps& sps, int pic_order_cnt_type) noexcept {
  constexpr int kConstraintSet3 = 0x10;
  constexpr std::array kIntra{44, 86, 100, 110, 122, 244};
  return pic_order_cnt_type == 2 || sps.profile_idc == 66 ||
         ((sps.constraint_flags & kConstraintSet3) != 0 && std::ranges::find(kIntra, sps.profile_idc) != kIntra.end());
}

}  // namespace

std::optional<Sps> parse_sps(Nal nal) {
  if (nal.size() < 4 || nal_type(nal) != kSps) return std::nullopt;
  const std::vector<std::byte> rbsp = unescape_rbsp(nal.subspan(1));
  BitReader in(rbsp);
  Sps sps;
  sps.profile_idc = static_cast<int>(in.bits(8));
  sps.constraint_flags = static_cast<int>(in.bits(8));
  sps.level_idc = static_cast<int>(in.bits(8));
  sps.id = in.ue_up_to(31);
  if (has_chroma_info(sps.profile_idc)) read_chroma_info(in, sps);
  sps.log2_max_frame_num = 4 + in.ue_up_to(12);
  const int order_type = read_picture_order(in);
  in.ue_up_to(16);  // max_num_ref_frames
  in.skip(1);       // gaps_in_frame_num_value_allowed_flag
  if (!read_size(in, sps)) return std::nullopt;
  if (cannot_reorder(sps, order_type)) sps.max_reorder_frames = 0;
  const bool has_vui = in.flag();
  if (!in.ok()) return std::nullopt;
  if (has_vui) read_vui(in, sps);
  return sps;
}

}  // namespace campipe::media::h264
