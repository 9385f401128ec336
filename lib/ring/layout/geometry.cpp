#include "ring/layout/geometry.hpp"

#include <bit>

#include <fmt/format.h>

namespace campipe::ring::layout {

namespace {

constexpr std::uint64_t round_up(std::uint64_t bytes, std::uint64_t to) noexcept {
  return (bytes + to - 1) / to * to;
}

constexpr std::uint64_t kMaxTotal = std::uint64_t{64} << 30;

std::uint64_t data_bytes(const Geometry& g) noexcept {
  return g.kind == Kind::raw ? g.slots * g.slot_bytes : g.slot_bytes;
}

std::string check(const Header& header, std::uint64_t size, Geometry& g) {
  const bool raw = header.kind == static_cast<std::uint32_t>(Kind::raw);
  if (!raw && header.kind != static_cast<std::uint32_t>(Kind::coded)) return fmt::format("its kind is {}", header.kind);
  g.kind = raw ? Kind::raw : Kind::coded;
  g.slots = header.slots;
  g.tickets = header.tickets;
  g.slot_bytes = header.slot_bytes;
  g.data_offset = header.data_offset;
  g.total_bytes = header.total_bytes;
  g.lineage = header.lineage;
  g.first_seq = header.first_seq;
  if (g.total_bytes != size) return fmt::format("it says it has {} bytes and has {}", g.total_bytes, size);
  if (raw && (g.slots < kMinSlots || g.slots > kMaxSlots)) return fmt::format("it says it has {} slots", g.slots);
  if (!raw && g.slots != kRecords) return fmt::format("it says it has {} records", g.slots);
  if (g.tickets > kMaxSlots) return fmt::format("it says it has {} tickets", g.tickets);
  if (g.slot_bytes == 0 || g.slot_bytes % kernel::kPage != 0 || g.slot_bytes > kMaxTotal)
    return "its slots have no size that fits";
  if (header.records_offset != kRecordsOffset) return "its records lie elsewhere";
  if (g.data_offset != round_up(kRecordsOffset + g.slots * sizeof(Record), kernel::kPage))
    return "its data lies elsewhere";
  if (data_bytes(g) != size - g.data_offset || g.data_offset > size) return "its slots do not fit into it";
  return {};
}

}  // namespace

Geometry make_geometry(Kind kind, std::uint32_t slots, std::uint64_t bytes) {
  Geometry g;
  g.kind = kind;
  g.slots = kind == Kind::raw ? slots : kRecords;
  g.tickets = kind == Kind::raw ? slots - kUnleasedSlots : 0;
  g.slot_bytes = round_up(bytes, kernel::kPage);
  g.data_offset = round_up(kRecordsOffset + g.slots * sizeof(Record), kernel::kPage);
  g.total_bytes = g.data_offset + data_bytes(g);
  return g;
}

bool read_geometry(const kernel::Object& object, Geometry& geometry, std::string& why) {
  if (object.data() == nullptr || object.size() < sizeof(Header)) {
    why = fmt::format("it has {} bytes{}", object.size(),
                      object.size() < sizeof(Header) ? "" : " and not memory for all");
    return false;
  }
  const auto& header = *reinterpret_cast<const Header*>(object.data());
  // Acquire: the magic is stored last, so all the rest of the header is seen with it.
  if (header.magic.load(std::memory_order_acquire) != kMagic) {
    why = "it does not begin as a ring does";
    return false;
  }
  if (header.version != kVersion) {
    why = fmt::format("it has version {}, this program reads version {}", header.version, kVersion);
    return false;
  }
  why = check(header, object.size(), geometry);
  return why.empty();
}

Parts::Parts(const kernel::Object& object, const Geometry& geometry) noexcept
    : header(reinterpret_cast<Header*>(object.data())),
      formats(reinterpret_cast<FormatRecord*>(object.data() + kFormatsOffset)),
      records(reinterpret_cast<Record*>(object.data() + kRecordsOffset)),
      data(object.data() + geometry.data_offset) {}

}  // namespace campipe::ring::layout
