#include "media/jpeg.hpp"
#include "media/jpeg_huffman.hpp"

namespace campipe::media::jpeg {

namespace {

void append(std::vector<std::byte>& out, std::span<const std::byte> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

/// Whether a picture without tables can mean the standard ones: DCT with Huffman codes (SOF0 to SOF2), neither lossless
/// nor arithmetic coding.
bool takes_standard_tables(int sof_marker) noexcept {
  return sof_marker >= 0xc0 && sof_marker <= 0xc2;
}

/// The standard tables as a whole DHT segment (T.81, B.2.4.2).
void append_standard_tables(std::vector<std::byte>& out) {
  const auto tables = standard_huffman_tables();
  const std::size_t length = tables.size() + 2;
  for (const std::size_t b : {std::size_t{0xff}, std::size_t{0xc4}, length >> 8, length & 0xff}) {
    out.push_back(static_cast<std::byte>(b));
  }
  append(out, tables);
}

}  // namespace

std::optional<std::vector<std::byte>> canonical(std::span<const std::byte> bytes, const Info& info, bool repair) {
  const int sof_marker = std::to_integer<int>(bytes[info.sof_offset + 1]);
  const bool add_tables = !info.has_huffman_tables && takes_standard_tables(sof_marker);
  const bool add_end = repair && !info.complete;
  if (!add_tables && !add_end && info.length == bytes.size()) return std::nullopt;
  std::vector<std::byte> out;
  out.reserve(info.length + standard_huffman_tables().size() + 6);
  append(out, bytes.first(info.sos_offset));
  if (add_tables) append_standard_tables(out);
  append(out, bytes.subspan(info.sos_offset, info.length - info.sos_offset));
  if (add_end) out.insert(out.end(), {std::byte{0xff}, std::byte{0xd9}});
  return out;
}

}  // namespace campipe::media::jpeg
