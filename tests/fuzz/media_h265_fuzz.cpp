// H.265: parameter sets, access units and configuration records of cameras, files and peers.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "media/h265.hpp"

using namespace campipe::media;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void parameter_set(Nal nal) {
  const auto sps = h265::parse_sps(nal);
  if (!sps) return;
  require(sps->size.width_px > 0 && sps->size.width_px <= 16384);
  require(sps->size.height_px > 0 && sps->size.height_px <= 16384);
  require(sps->frame_rate.den > 0 && sps->frame_rate.num >= 0);
}

void configuration(std::span<const std::byte> parameter_sets) {
  const auto record = h265::make_hvcc(parameter_sets);
  if (record.empty()) return;
  const auto config = h265::parse_hvcc(record);
  require(config && config->length_bytes == 4 && !config->parameter_sets.empty());
}

void access_unit(std::span<const std::byte> bytes) {
  const auto sets = h265::parameter_sets_of(bytes);
  configuration(sets);
  const auto unit = h265::canonical(bytes, sets);
  require(h265::canonical(unit, sets) == unit);
  require(h265::has_slice(bytes) || !h265::has_irap(bytes));
  h265::AccessUnitSplitter splitter;
  for (const Nal nal : split_annex_b(bytes)) {
    splitter.starts_access_unit(nal);
    parameter_set(nal);
  }
}

}  // namespace

/// The first byte chooses what the rest is taken for.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto bytes = std::as_bytes(std::span(data, size)).subspan(1);
  switch (data[0] & 3) {
    case 0:
      parameter_set(bytes);
      break;
    case 1:
      access_unit(bytes);
      break;
    case 2:
      if (const auto config = h265::parse_hvcc(bytes)) access_unit(config->parameter_sets);
      break;
    default:
      if (const auto unit = annex_b_from_length_prefixed(bytes, 1 << (data[0] >> 2 & 3))) access_unit(*unit);
      break;
  }
  return 0;
}
