#include "media/h265.hpp"

#include <array>

#include "media/nal_rules.hpp"

namespace campipe::media::h265 {

namespace {

constexpr std::array kParameterSets{static_cast<int>(kVps), static_cast<int>(kSps), static_cast<int>(kPps)};
constexpr int kFirstNonSlice = 32;
constexpr std::size_t kMaxOfAType = 64;  // more than the standard has ids for

bool is_slice(int type) noexcept {
  return type >= 0 && type < kFirstNonSlice;
}
bool is_irap(int type) noexcept {
  return type >= kBlaWLp && type <= kLastIrap;
}

constexpr NalRules kRules{
    .type_of = nal_type,
    .is_slice = is_slice,
    .is_random_access = is_irap,
    .is_dropped = [](int type) noexcept { return type == kAud || type == kFiller; },
    .parameter_sets = kParameterSets,
};

/// nuh_layer_id; the base layer's is 0.
int layer_id(Nal nal) noexcept {
  return nal.size() < 2 ? 0 : std::to_integer<int>((nal[0] & std::byte{1}) << 5 | nal[1] >> 3);
}

/// Types that begin an access unit once the current one has its slices (7.4.2.4.4).
bool precedes_slices(int type) noexcept {
  return (type >= kVps && type <= kAud) || type == kPrefixSei || (type >= 41 && type <= 44) ||
         (type >= 48 && type <= 55);
}

}  // namespace

int nal_type(Nal nal) noexcept {
  return nal.empty() ? -1 : std::to_integer<int>(nal[0]) >> 1 & 0x3f;
}

bool has_irap(std::span<const std::byte> access_unit) {
  return is_irap(first_slice_type(access_unit, kRules));
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

std::optional<HevcConfig> parse_hvcc(std::span<const std::byte> record) {
  constexpr std::size_t kFixed = 23;
  if (record.size() < kFixed || std::to_integer<int>(record[0]) > 1) return std::nullopt;
  HevcConfig config;
  config.length_bytes = 1 + std::to_integer<int>(record[21] & std::byte{3});
  if (config.length_bytes == 3) return std::nullopt;
  const auto arrays = std::to_integer<std::size_t>(record[22]);
  auto rest = record.subspan(kFixed);
  for (std::size_t i = 0; i < arrays; ++i) {
    if (rest.size() < 3) return std::nullopt;
    const int type = std::to_integer<int>(rest[0] & std::byte{0x3f});
    const std::size_t count = read_u16(rest.subspan(1));
    rest = rest.subspan(3);
    std::vector<std::byte> ignored;
    const bool wanted = type == kVps || type == kSps || type == kPps;
    if (!take_counted_units(rest, count, wanted ? config.parameter_sets : ignored)) return std::nullopt;
  }
  return config;
}

std::vector<std::byte> make_hvcc(std::span<const std::byte> parameter_sets) {
  const std::vector<Nal> nals = split_annex_b(parameter_sets);
  const std::vector<Nal> sps_units = storable_units(nals, kSps, kMaxOfAType, kRules);
  if (sps_units.empty()) return {};
  const auto sps = parse_sps(sps_units.front());
  if (!sps) return {};
  const auto byte = [](int value) { return static_cast<std::byte>(value); };
  std::vector<std::byte> record{byte(1)};
  record.insert(record.end(), sps->profile_tier_level.begin(), sps->profile_tier_level.end());
  record.insert(record.end(), {byte(0xf0), byte(0)});  // min_spatial_segmentation_idc: unknown
  record.push_back(byte(0xfc));                        // parallelismType: unknown
  record.push_back(byte(0xfc | sps->chroma_format_idc));
  record.push_back(byte(0xf8 | (sps->bit_depth_luma - 8)));
  record.push_back(byte(0xf8 | (sps->bit_depth_chroma - 8)));
  record.insert(record.end(), {byte(0), byte(0)});  // avgFrameRate: unknown
  record.push_back(byte(sps->max_sub_layers << 3 | (sps->temporal_id_nesting ? 1 << 2 : 0) | (4 - 1)));
  std::vector<std::byte> arrays;
  int count = 0;
  for (const int type : kParameterSets) {
    const std::vector<Nal> units = storable_units(nals, type, kMaxOfAType, kRules);
    if (units.empty()) continue;
    ++count;
    arrays.push_back(byte(type));  // array_completeness 0: they come in-band too
    append_u16(arrays, units.size());
    append_counted_units(arrays, units);
  }
  record.push_back(byte(count));
  record.insert(record.end(), arrays.begin(), arrays.end());
  return record;
}

bool AccessUnitSplitter::starts_access_unit(Nal nal) {
  const int type = nal_type(nal);
  bool starts = empty_;
  if (layer_id(nal) != 0) {
    empty_ = false;
    return starts;
  }
  if (is_slice(type)) {
    const bool first_segment = nal.size() > 2 && (nal[2] & std::byte{0x80}) != std::byte{0};
    starts |= seen_slice_ && first_segment;
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

}  // namespace campipe::media::h265
