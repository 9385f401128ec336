#include "media/h264.hpp"

#include <array>

#include "media/nal_rules.hpp"

namespace campipe::media::h264 {

namespace {

constexpr std::array kParameterSets{static_cast<int>(kSps), static_cast<int>(kPps)};
constexpr std::byte kTypeBits{0x1f}, kRefIdcBits{0x60};
constexpr int kAvccVersion = 1;
constexpr std::size_t kMaxSps = 31, kMaxPps = 255;  // what an avcC can count

bool is_slice(int type) noexcept {
  return type == kSlice || type == kPartitionA || type == kIdr;
}

constexpr NalRules kRules{
    .type_of = nal_type,
    .is_slice = is_slice,
    .is_random_access = [](int type) noexcept { return type == kIdr; },
    .is_dropped = [](int type) noexcept { return type == kAud || type == kFiller; },
    .parameter_sets = kParameterSets,
};

/// Profiles whose record goes on with chroma format and bit depths (ISO/IEC 14496-15, 5.3.3.1.2).
bool record_has_chroma(int profile_idc) noexcept {
  return profile_idc != 66 && profile_idc != 77 && profile_idc != 88;
}

/// Types that begin an access unit once the current one has its slices (7.4.1.2.3). Not 14, which precedes each slice
/// of a scalable stream's base layer, the later ones of a picture too.
bool precedes_slices(int type) noexcept {
  return (type >= kSei && type <= kAud) || (type >= 15 && type <= 18);
}

/// first_mb_in_slice = 0 is the one-bit code 1.
bool first_slice_of_picture(Nal nal) noexcept {
  return nal.size() > 1 && (nal[1] & std::byte{0x80}) != std::byte{0};
}

bool other_picture(std::byte header, std::byte other) noexcept {  // 7.4.1.2.4, of what the NAL header has
  const auto is_idr = [](std::byte b) { return (b & kTypeBits) == std::byte{kIdr}; };
  const auto is_reference = [](std::byte b) { return (b & kRefIdcBits) != std::byte{0}; };
  return is_idr(header) != is_idr(other) || is_reference(header) != is_reference(other);
}

}  // namespace

int nal_type(Nal nal) noexcept {
  return nal.empty() ? 0 : std::to_integer<int>(nal[0] & kTypeBits);
}

bool has_idr(std::span<const std::byte> access_unit) {
  return first_slice_type(access_unit, kRules) == kIdr;
}
bool has_slice(std::span<const std::byte> access_unit) {
  return first_slice_type(access_unit, kRules) >= 0;
}

std::vector<std::byte> parameter_sets_of(std::span<const std::byte> access_unit) {
  return media::parameter_sets_of(access_unit, kRules);
}

std::vector<std::byte> canonical(std::span<const std::byte> access_unit, std::span<const std::byte> parameter_sets) {
  return media::canonical(access_unit, parameter_sets, kRules);
}

std::optional<AvcConfig> parse_avcc(std::span<const std::byte> record) {
  if (record.size() < 7 || std::to_integer<int>(record[0]) != kAvccVersion) return std::nullopt;
  AvcConfig config;
  config.length_bytes = 1 + std::to_integer<int>(record[4] & std::byte{3});
  if (config.length_bytes == 3) return std::nullopt;
  const auto sps_count = std::to_integer<std::size_t>(record[5] & std::byte{0x1f});
  auto rest = record.subspan(6);
  if (!take_counted_units(rest, sps_count, config.parameter_sets) || rest.empty()) return std::nullopt;
  const auto pps_count = std::to_integer<std::size_t>(rest[0]);
  rest = rest.subspan(1);
  if (!take_counted_units(rest, pps_count, config.parameter_sets)) return std::nullopt;
  return config;
}

std::vector<std::byte> make_avcc(std::span<const std::byte> parameter_sets) {
  const std::vector<Nal> nals = split_annex_b(parameter_sets);
  const std::vector<Nal> sps_units = storable_units(nals, kSps, kMaxSps, kRules);
  const std::vector<Nal> pps_units = storable_units(nals, kPps, kMaxPps, kRules);
  if (sps_units.empty()) return {};
  const auto sps = parse_sps(sps_units.front());
  if (!sps) return {};
  constexpr std::byte kReserved6{0xfc}, kReserved5{0xf8}, kReserved3{0xe0};
  const auto low = [](int value) { return static_cast<std::byte>(value); };
  std::vector<std::byte> record{low(kAvccVersion),          low(sps->profile_idc),
                                low(sps->constraint_flags), low(sps->level_idc),
                                kReserved6 | low(4 - 1),    kReserved3 | static_cast<std::byte>(sps_units.size())};
  append_counted_units(record, sps_units);
  record.push_back(static_cast<std::byte>(pps_units.size()));
  append_counted_units(record, pps_units);
  if (record_has_chroma(sps->profile_idc)) {
    record.push_back(kReserved6 | low(sps->chroma_format_idc));
    record.push_back(kReserved5 | low(sps->bit_depth_luma - 8));
    record.push_back(kReserved5 | low(sps->bit_depth_chroma - 8));
    record.push_back(std::byte{0});  // no SPS extensions
  }
  return record;
}

bool AccessUnitSplitter::starts_access_unit(Nal nal) {
  const int type = nal_type(nal);
  bool starts = empty_;
  if (is_slice(type)) {
    starts |= seen_slice_ && (first_slice_of_picture(nal) || other_picture(nal[0], slice_header_));
    slice_header_ = nal[0];
  } else {
    starts |= seen_slice_ && precedes_slices(type);
  }
  empty_ = false;
  seen_slice_ = is_slice(type) || (seen_slice_ && !starts);
  return starts;
}

void AccessUnitSplitter::reset() {
  *this = {};
}

}  // namespace campipe::media::h264
