#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "ring/kernel/object.hpp"
#include "ring/layout/layout.hpp"

namespace campipe::ring::layout {

/// Where things lie in a ring; fixed for its life. A copy of our own: what the header says later does not count.
struct Geometry {
  Kind kind = Kind::raw;
  std::uint32_t slots = 0;       ///< raw: slots; coded: records
  std::uint32_t tickets = 0;     ///< raw
  std::uint64_t slot_bytes = 0;  ///< raw: of one slot; coded: of the arena
  std::uint64_t data_offset = 0;
  std::uint64_t total_bytes = 0;
  std::uint64_t lineage = 0;
  std::uint64_t first_seq = 0;
};

/// A ring for units of up to `bytes` (raw) or an arena of `bytes` (coded), rounded up to pages.
Geometry make_geometry(Kind kind, std::uint32_t slots, std::uint64_t bytes);

/// Answers false, and `why`, for what is no ring of this version or does not fit its object.
bool read_geometry(const kernel::Object& object, Geometry& geometry, std::string& why);

/// The parts of a mapped ring. Whether to write to them is up to the mapping.
struct Parts {
  Parts() = default;
  Parts(const kernel::Object& object, const Geometry& geometry) noexcept;

  Header* header = nullptr;
  FormatRecord* formats = nullptr;
  Record* records = nullptr;
  std::byte* data = nullptr;
};

}  // namespace campipe::ring::layout
