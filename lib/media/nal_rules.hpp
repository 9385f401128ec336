#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "media/nal.hpp"

/// What H.264 and H.265 do alike, told by a table of their differences; used by h264.cpp and h265.cpp only.
namespace campipe::media {

struct NalRules {
  int (*type_of)(Nal) noexcept;
  bool (*is_slice)(int type) noexcept;
  bool (*is_random_access)(int type) noexcept;  ///< a slice where decoding can begin
  bool (*is_dropped)(int type) noexcept;        ///< has no place in a canonical payload
  std::span<const int> parameter_sets;          ///< their types, in the order they depend on each other
};

/// Type of the first slice of an access unit, -1 when it has none.
int first_slice_type(std::span<const std::byte> access_unit, const NalRules& rules) noexcept;

/// Units of one type, in order, doubles left out; at most 320, more than either standard has ids for.
std::vector<Nal> units_of_type(std::span<const Nal> nals, int type, const NalRules& rules);

std::vector<std::byte> parameter_sets_of(std::span<const std::byte> access_unit, const NalRules& rules);

std::vector<std::byte> canonical(std::span<const std::byte> access_unit, std::span<const std::byte> parameter_sets,
                                 const NalRules& rules);

/// The unit lists of the configuration records of ISO/IEC 14496-15: each unit behind its 16-bit length.
/// Units that do not fit, by length or by number, are left out of what is written.
std::vector<Nal> storable_units(std::span<const Nal> nals, int type, std::size_t max_units, const NalRules& rules);
void append_counted_units(std::vector<std::byte>& out, std::span<const Nal> nals);
/// Takes `count` units off the front of `in` and appends them to `out` as Annex B; false when `in` ends early.
bool take_counted_units(std::span<const std::byte>& in, std::size_t count, std::vector<std::byte>& out);

void append_u16(std::vector<std::byte>& out, std::size_t value);
std::size_t read_u16(std::span<const std::byte> bytes) noexcept;  ///< of the first two bytes, which must be there

}  // namespace campipe::media
