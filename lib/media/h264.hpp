#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "media/format.hpp"
#include "media/nal.hpp"

/// Facts about H.264 bitstreams (ITU-T H.264, 7.3 and 7.4). Never decodes; distrusts every length.
namespace campipe::media::h264 {

enum NalType : int {
  kSlice = 1,
  kPartitionA = 2,
  kPartitionC = 4,
  kIdr = 5,
  kSei = 6,
  kSps = 7,
  kPps = 8,
  kAud = 9,
  kEndOfSequence = 10,
  kEndOfStream = 11,
  kFiller = 12
};

/// nal_unit_type, 0 for an empty unit.
int nal_type(Nal nal) noexcept;

/// What an SPS says (7.3.2.1.1 and annex E).
struct Sps {
  int profile_idc = 0;
  int constraint_flags = 0;  ///< the byte after profile_idc
  int level_idc = 0;
  int id = 0;
  int chroma_format_idc = 1;
  int bit_depth_luma = 8;
  int bit_depth_chroma = 8;
  Size size;            ///< after cropping
  Rational frame_rate;  ///< from VUI timing, 0/1 when absent or above 1000
  ColourRange range = ColourRange::unknown;
  ColourMatrix matrix = ColourMatrix::unknown;
  int log2_max_frame_num = 4;
  bool frame_mbs_only = true;
  /// max_num_reorder_frames when the VUI has it, 0 where profile or picture order count leave no other choice; 0
  /// promises that there are no B-frames.
  std::optional<int> max_reorder_frames;
};
/// Nothing when it is no SPS, is cut short before the VUI or breaks a bound of 7.4.2.1.1. A VUI cut short leaves
/// unknown what it did not get to: some cameras write it that way.
std::optional<Sps> parse_sps(Nal nal);

/// Whether an access unit (Annex B) has an IDR slice; whether any slice at all. Both stop at the first slice.
bool has_idr(std::span<const std::byte> access_unit);
bool has_slice(std::span<const std::byte> access_unit);

/// SPS and PPS units of an access unit as Annex B, in order, doubles left out; empty when it has none.
std::vector<std::byte> parameter_sets_of(std::span<const std::byte> access_unit);

/// AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1) to Annex B parameter sets, and its NAL length size.
struct AvcConfig {
  std::vector<std::byte> parameter_sets;
  int length_bytes = 4;
};
std::optional<AvcConfig> parse_avcc(std::span<const std::byte> record);
/// The other way round, for lengths of 4 bytes; empty when `parameter_sets` has no SPS that parses.
std::vector<std::byte> make_avcc(std::span<const std::byte> parameter_sets);

/// Puts an access unit into canonical form: 4-byte start codes, AUD and filler removed, the parameter sets before an
/// IDR (from `parameter_sets` where the unit has none of its own).
std::vector<std::byte> canonical(std::span<const std::byte> access_unit, std::span<const std::byte> parameter_sets);

/// Finds where access units end in a byte stream of NAL units (7.4.1.2.3). Feed it NAL by NAL; `starts_access_unit`
/// answers whether this unit begins a new one. Slices tell pictures apart by first_mb_in_slice = 0 and by what the NAL
/// header has of 7.4.1.2.4, so streams with arbitrary slice order are cut too often.
class AccessUnitSplitter {
public:
  bool starts_access_unit(Nal nal);
  void reset();

private:
  bool empty_ = true;  // no unit of the current access unit was seen yet
  bool seen_slice_ = false;
  std::byte slice_header_{};  // NAL header of its last slice
};

}  // namespace campipe::media::h264
