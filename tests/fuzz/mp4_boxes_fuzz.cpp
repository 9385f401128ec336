// Hostile boxes: the header and fragment parsers, the walk through a file that was cut off, and the header made from
// it.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "mp4/box_reader.hpp"
#include "mp4/hybrid.hpp"

using namespace campipe::mp4;

namespace {

ReadAt reader_of(std::span<const std::byte> bytes) {
  return [bytes](std::uint64_t offset, std::span<std::byte> into) {
    if (offset > bytes.size() || into.size() > bytes.size() - offset) return false;
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), into.size(), into.begin());
    return true;
  };
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  parse_summary(bytes);
  parse_fragment(bytes, 1000, 1000, 1000 + size);
  summarise(reader_of(bytes), size);
  if (const auto movie = parse_moov(bytes)) {
    const Bytes again = make_init_moov(*movie);
    if (!parse_moov(std::span(again).subspan(8))) std::abort();
  }
  // The input as what follows the free space of a file.
  Bytes file = make_hybrid_head({.start_unix_us = 0, .tracks = {}});
  file.resize(make_ftyp().size() + kReserveBytes);
  file.insert(file.end(), bytes.begin(), bytes.end());
  const auto scan = scan_hybrid(reader_of(file), file.size());
  if (!scan) return 0;
  if (scan->end > file.size()) std::abort();
  for (const auto& track : scan->samples) {
    for (const Sample& sample : track) {
      if (sample.offset + sample.size > scan->end) std::abort();
    }
  }
  const Bytes moov = make_final_moov(scan->movie, scan->samples);
  if (!parse_summary(std::span(moov).subspan(8))) std::abort();
  finish_hybrid(scan->end, moov);
  return 0;
}
