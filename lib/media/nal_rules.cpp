#include "media/nal_rules.hpp"

#include <algorithm>

namespace campipe::media {

namespace {

constexpr std::size_t kMaxDistinct = 320;  // 32 SPS + 256 PPS and some; bounds the search for doubles in hostile input
constexpr std::size_t kMaxCountedBytes = 0xffff;

bool is_parameter_set(int type, const NalRules& rules) noexcept {
  return std::ranges::find(rules.parameter_sets, type) != rules.parameter_sets.end();
}

void add_if_new(std::vector<Nal>& found, Nal nal) {
  if (found.size() >= kMaxDistinct) return;
  if (std::ranges::none_of(found, [&](Nal other) { return std::ranges::equal(nal, other); })) found.push_back(nal);
}

std::vector<std::byte> as_annex_b(std::span<const Nal> nals) {
  std::vector<std::byte> out;
  for (const Nal nal : nals) append_annex_b(out, nal);
  return out;
}

}  // namespace

int first_slice_type(std::span<const std::byte> access_unit, const NalRules& rules) noexcept {
  for (auto rest = behind_start_code(access_unit); !rest.empty(); rest = behind_start_code(rest)) {
    if (const int type = rules.type_of(rest); rules.is_slice(type)) return type;
  }
  return -1;
}

std::vector<Nal> units_of_type(std::span<const Nal> nals, int type, const NalRules& rules) {
  std::vector<Nal> found;
  for (const Nal nal : nals) {
    if (rules.type_of(nal) == type) add_if_new(found, nal);
  }
  return found;
}

std::vector<std::byte> parameter_sets_of(std::span<const std::byte> access_unit, const NalRules& rules) {
  std::vector<Nal> found;
  NalScanner scanner(access_unit);
  while (const auto nal = scanner.next()) {
    if (is_parameter_set(rules.type_of(*nal), rules)) add_if_new(found, *nal);
  }
  return as_annex_b(found);
}

std::vector<std::byte> canonical(std::span<const std::byte> access_unit, std::span<const std::byte> parameter_sets,
                                 const NalRules& rules) {
  const std::vector<Nal> nals = split_annex_b(access_unit);
  const bool sets_first =
      std::ranges::any_of(nals, [&](Nal nal) { return rules.is_random_access(rules.type_of(nal)); });
  std::vector<std::byte> out;
  out.reserve(access_unit.size() + parameter_sets.size() + 4 * nals.size());
  if (sets_first) {
    const std::vector<Nal> known = split_annex_b(parameter_sets);
    for (const int type : rules.parameter_sets) {
      std::vector<Nal> units = units_of_type(nals, type, rules);
      if (units.empty()) units = units_of_type(known, type, rules);
      for (const Nal unit : units) append_annex_b(out, unit);
    }
  }
  for (const Nal nal : nals) {
    const int type = rules.type_of(nal);
    if (rules.is_dropped(type) || (sets_first && is_parameter_set(type, rules))) continue;
    append_annex_b(out, nal);
  }
  return out;
}

std::vector<Nal> storable_units(std::span<const Nal> nals, int type, std::size_t max_units, const NalRules& rules) {
  std::vector<Nal> units = units_of_type(nals, type, rules);
  std::erase_if(units, [](Nal nal) { return nal.size() > kMaxCountedBytes; });
  if (units.size() > max_units) units.resize(max_units);
  return units;
}

void append_counted_units(std::vector<std::byte>& out, std::span<const Nal> nals) {
  for (const Nal nal : nals) {
    append_u16(out, nal.size());
    out.insert(out.end(), nal.begin(), nal.end());
  }
}

bool take_counted_units(std::span<const std::byte>& in, std::size_t count, std::vector<std::byte>& out) {
  for (; count > 0; --count) {
    if (in.size() < 2) return false;
    const std::size_t length = read_u16(in);
    in = in.subspan(2);
    if (length > in.size()) return false;
    if (length > 0) append_annex_b(out, in.first(length));
    in = in.subspan(length);
  }
  return true;
}

void append_u16(std::vector<std::byte>& out, std::size_t value) {
  out.push_back(static_cast<std::byte>(value >> 8 & 0xff));
  out.push_back(static_cast<std::byte>(value & 0xff));
}

std::size_t read_u16(std::span<const std::byte> bytes) noexcept {
  return std::to_integer<std::size_t>(bytes[0]) << 8 | std::to_integer<std::size_t>(bytes[1]);
}

}  // namespace campipe::media
