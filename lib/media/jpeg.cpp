#include "media/jpeg.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace campipe::media::jpeg {

namespace {

enum Marker : int {  // T.81, table B.1
  kTem = 0x01,
  kSof0 = 0xc0,
  kSof2 = 0xc2,
  kDht = 0xc4,
  kJpg = 0xc8,
  kDac = 0xcc,
  kSof15 = 0xcf,
  kRst0 = 0xd0,
  kRst7 = 0xd7,
  kSoi = 0xd8,
  kEoi = 0xd9,
  kSos = 0xda,
  kDqt = 0xdb,
  kDnl = 0xdc,
  kDri = 0xdd,
  kExp = 0xdf,
  kApp0 = 0xe0,
  kApp15 = 0xef,
  kCom = 0xfe,
};

constexpr std::byte kFf{0xff};

bool is_sof(int marker) noexcept {
  return marker >= kSof0 && marker <= kSof15 && marker != kDht && marker != kJpg && marker != kDac;
}

/// Markers with a length behind them that may stand between SOI and EOI, SOF and SOS aside.
bool is_segment(int marker) noexcept {
  return marker == kDht || marker == kDac || (marker >= kDqt && marker <= kDri) ||
         (marker >= kApp0 && marker <= kApp15) || marker == kCom;
}

int u8(std::span<const std::byte> bytes, std::size_t at) noexcept {
  return std::to_integer<int>(bytes[at]);
}
int u16(std::span<const std::byte> bytes, std::size_t at) noexcept {
  return u8(bytes, at) << 8 | u8(bytes, at + 1);
}

/// One marker of the header; `body` is what stands behind its length.
struct Segment {
  int marker = 0;
  std::size_t offset = 0;  // of its FF
  std::size_t end = 0;     // of its body
  std::span<const std::byte> body;
};

/// The marker at `at`, after fill bytes (B.1.1.2), with its body. Nothing where there is none or its length runs over.
std::optional<Segment> segment_at(std::span<const std::byte> bytes, std::size_t at) {
  if (at >= bytes.size() || bytes[at] != kFf) return std::nullopt;
  while (at < bytes.size() && bytes[at] == kFf) ++at;
  if (at >= bytes.size()) return std::nullopt;
  Segment segment{.marker = u8(bytes, at), .offset = at - 1, .end = at + 1, .body = {}};
  if (segment.marker == kTem || segment.marker == kSoi || segment.marker == kEoi) return segment;
  if (bytes.size() - segment.end < 2) return std::nullopt;
  const auto length = static_cast<std::size_t>(u16(bytes, segment.end));
  if (length < 2 || length > bytes.size() - segment.end) return std::nullopt;
  segment.body = bytes.subspan(segment.end + 2, length - 2);
  segment.end += length;
  return segment;
}

Subsampling subsampling_of(std::span<const std::byte> components) {
  if (components.size() == 3) return Subsampling::gray;
  if (components.size() != 9 || u8(components, 4) != u8(components, 7)) return Subsampling::other;
  const int luma_h = u8(components, 1) >> 4, luma_v = u8(components, 1) & 15;
  const int chroma_h = u8(components, 4) >> 4, chroma_v = u8(components, 4) & 15;
  if (luma_h % chroma_h != 0 || luma_v % chroma_v != 0) return Subsampling::other;
  switch (luma_h / chroma_h * 16 + luma_v / chroma_v) {
    case 0x11:
      return Subsampling::s444;
    case 0x21:
      return Subsampling::s422;
    case 0x22:
      return Subsampling::s420;
    case 0x12:
      return Subsampling::s440;
    case 0x41:
      return Subsampling::s411;
    default:
      return Subsampling::other;
  }
}

bool read_frame_header(const Segment& segment, Info& info) {  // B.2.2
  const auto body = segment.body;
  constexpr std::size_t kFixed = 6, kPerComponent = 3;
  if (info.components != 0 || body.size() < kFixed) return false;
  const int count = u8(body, 5);
  if (count < 1 || count > 4 || body.size() != kFixed + kPerComponent * static_cast<std::size_t>(count)) return false;
  const auto components = body.subspan(kFixed);
  for (std::size_t i = 1; i < components.size(); i += kPerComponent) {
    const int h = u8(components, i) >> 4, v = u8(components, i) & 15;
    if (h < 1 || h > 4 || v < 1 || v > 4) return false;
  }
  info.size = {.width_px = u16(body, 3), .height_px = u16(body, 1)};
  if (info.size.width_px == 0 || info.size.height_px == 0) return false;
  info.components = count;
  info.subsampling = subsampling_of(components);
  info.baseline = segment.marker == kSof0 && u8(body, 0) == 8;
  info.sof_offset = segment.offset;
  return true;
}

bool read_restart_interval(const Segment& segment, Info& info) {  // B.2.4.4
  if (segment.body.size() != 2) return false;
  info.restart_interval = u16(segment.body, 0);
  return true;
}

bool is_scan_header(const Segment& segment, const Info& info) {  // B.2.3
  if (info.components == 0 || segment.body.empty()) return false;
  const int count = u8(segment.body, 0);
  return count >= 1 && count <= 4 && segment.body.size() == 4 + 2 * static_cast<std::size_t>(count);
}

/// From SOI to the end of the first scan header.
bool read_header(std::span<const std::byte> bytes, Info& info) {
  if (bytes.size() < 4 || bytes[0] != kFf || u8(bytes, 1) != kSoi) return false;
  std::size_t at = 2;
  while (const auto segment = segment_at(bytes, at)) {
    at = segment->end;
    if (segment->marker == kSos) {
      info.sos_offset = segment->offset;
      info.scan_offset = segment->end;
      return is_scan_header(*segment, info);
    }
    if (segment->marker == kDht) info.has_huffman_tables = true;
    if (is_sof(segment->marker)) {
      if (!read_frame_header(*segment, info)) return false;
    } else if (segment->marker == kDri) {
      if (!read_restart_interval(*segment, info)) return false;
    } else if (!is_segment(segment->marker) && segment->marker != kTem) {
      return false;
    }
  }
  return false;
}

/// The next marker in entropy-coded data from `at` on, stuffed zeros and restart markers passed over: the offset of
/// its FF, or the size.
std::size_t find_marker(std::span<const std::byte> bytes, std::size_t at) noexcept {
  while (at + 1 < bytes.size()) {
    const void* found = std::memchr(bytes.data() + at, 0xff, bytes.size() - 1 - at);
    if (found == nullptr) break;
    at = static_cast<std::size_t>(static_cast<const std::byte*>(found) - bytes.data());
    const int code = u8(bytes, at + 1);
    if (code == 0xff) {
      ++at;  // a fill byte
    } else if (code == 0 || (code >= kRst0 && code <= kRst7)) {
      at += 2;
    } else {
      return at;
    }
  }
  return bytes.size();
}

/// Where data without EOI ends: zeros and FFs behind it are padding, but for the zero that is stuffed behind an FF.
std::size_t without_padding(std::span<const std::byte> bytes, std::size_t from) noexcept {
  std::size_t end = bytes.size();
  while (end > from && bytes[end - 1] == std::byte{0}) --end;
  if (end < bytes.size() && end > from && bytes[end - 1] == kFf) return end + 1;
  while (end > from && bytes[end - 1] == kFf) --end;
  return end;
}

/// Walks the scans to EOI. A segment that runs over the end is damage, passed over while there is an EOI behind it, and
/// otherwise where the image was cut.
void find_end(std::span<const std::byte> bytes, Info& info) {
  std::size_t at = info.scan_offset, scan_begin = at;
  std::optional<std::size_t> cut;
  while ((at = find_marker(bytes, at)) < bytes.size()) {
    const int marker = u8(bytes, at + 1);
    if (marker == kEoi) {
      info.complete = true;
      info.length = at + 2;
      return;
    }
    if (marker == kSoi) break;  // the next image: this one has no end
    const bool has_length = marker == kSos || is_segment(marker);
    const auto segment = has_length ? segment_at(bytes, at) : std::nullopt;
    if (segment && !cut) scan_begin = segment->end;
    if (has_length && !segment && !cut) cut = at;
    at = segment ? segment->end : at + 2;
  }
  info.length = without_padding(bytes.first(cut.value_or(at)), scan_begin);
}

}  // namespace

std::optional<Info> parse(std::span<const std::byte> bytes) {
  Info info;
  if (!read_header(bytes, info)) return std::nullopt;
  find_end(bytes, info);
  return info;
}

std::optional<std::string_view> comment(std::span<const std::byte> bytes) {
  if (bytes.size() < 4 || bytes[0] != kFf || u8(bytes, 1) != kSoi) return std::nullopt;
  std::size_t at = 2;
  while (const auto segment = segment_at(bytes, at)) {
    if (segment->marker == kCom) {
      std::string_view text(reinterpret_cast<const char*>(segment->body.data()), segment->body.size());
      while (text.ends_with('\0')) text.remove_suffix(1);
      return text;
    }
    if (segment->marker == kSos || segment->marker == kEoi) return std::nullopt;
    at = segment->end;
  }
  return std::nullopt;
}

}  // namespace campipe::media::jpeg
