#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "media/format.hpp"
#include "media/nal.hpp"

/// Facts about H.265 bitstreams (ITU-T H.265, 7.3 and 7.4). Never decodes; distrusts every length.
namespace campipe::media::h265 {

enum NalType : int {
  kBlaWLp = 16,
  kIdrWRadl = 19,
  kIdrNLp = 20,
  kCra = 21,
  kLastIrap = 23,
  kVps = 32,
  kSps = 33,
  kPps = 34,
  kAud = 35,
  kFiller = 38,
  kPrefixSei = 39
};

/// nal_unit_type, -1 for an empty unit.
int nal_type(Nal nal) noexcept;

struct Sps {
  int profile_space_tier_idc = 0;             ///< first byte of profile_tier_level
  std::vector<std::byte> profile_tier_level;  ///< its 12 general bytes, for hvcC and SDP
  int chroma_format_idc = 1;
  int bit_depth_luma = 8;
  int bit_depth_chroma = 8;
  int max_sub_layers = 1;
  bool temporal_id_nesting = false;
  /// sps_max_num_reorder_pics of the highest sub-layer: frames that a decoder holds back. Unknown when damaged.
  std::optional<int> max_reorder_frames;
  Size size;            ///< after the conformance window
  Rational frame_rate;  ///< from VUI timing, 0/1 when absent or above 1000
  ColourRange range = ColourRange::unknown;
  ColourMatrix matrix = ColourMatrix::unknown;
};
/// Nothing when it is no SPS of the base layer, is cut short before the bit depths or breaks a bound of 7.4.3.2.1. What
/// is damaged behind them leaves the VUI's facts unknown.
std::optional<Sps> parse_sps(Nal nal);

/// Whether an access unit (Annex B) has an IDR, BLA or CRA slice; whether any slice at all.
bool has_irap(std::span<const std::byte> access_unit);
bool has_slice(std::span<const std::byte> access_unit);

/// VPS, SPS and PPS units as Annex B, doubles left out; empty when it has none.
std::vector<std::byte> parameter_sets_of(std::span<const std::byte> access_unit);

/// HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1) to Annex B parameter sets, and its NAL length size.
struct HevcConfig {
  std::vector<std::byte> parameter_sets;
  int length_bytes = 4;
};
std::optional<HevcConfig> parse_hvcc(std::span<const std::byte> record);
/// The other way round, for lengths of 4 bytes and sets that come in-band too (hev1); empty when `parameter_sets` has
/// no SPS that parses.
std::vector<std::byte> make_hvcc(std::span<const std::byte> parameter_sets);

/// As h264::canonical.
std::vector<std::byte> canonical(std::span<const std::byte> access_unit, std::span<const std::byte> parameter_sets);

/// As h264::AccessUnitSplitter (7.4.2.4.4); slices tell pictures apart by first_slice_segment_in_pic_flag. Units of
/// higher layers (annexes F and G) never begin one.
class AccessUnitSplitter {
public:
  bool starts_access_unit(Nal nal);
  void reset();

private:
  bool empty_ = true;  // no unit of the current access unit was seen yet
  bool seen_slice_ = false;
};

}  // namespace campipe::media::h265
