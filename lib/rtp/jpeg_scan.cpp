#include "rtp/jpeg_scan.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include "media/jpeg_huffman.hpp"
#include "rtp/bytes.hpp"
#include "rtp/jpeg.hpp"

namespace campipe::rtp {

namespace {

using Bytes = std::span<const std::byte>;

constexpr int kSof0 = 0xC0, kDht = 0xC4, kSof15 = 0xCF, kRst0 = 0xD0, kRst7 = 0xD7, kSoi = 0xD8, kEoi = 0xD9,
              kSos = 0xDA, kDqt = 0xDB, kDri = 0xDD, kDac = 0xCC, kJpg = 0xC8;
constexpr std::size_t kTableBytes = 64;
constexpr std::size_t kHuffmanCounts = 16;

int at(Bytes bytes, std::size_t index) {
  return std::to_integer<int>(bytes[index]);
}

/// Huffman tables as code counts and values, by class (DC, AC) and destination.
struct HuffmanTables {
  std::array<std::array<Bytes, 4>, 2> table{};

  /// Takes a DHT segment's content; false when its lengths are wrong.
  bool read(Bytes segment) {
    while (!segment.empty()) {
      if (segment.size() < 1 + kHuffmanCounts) return false;
      const auto kind = static_cast<std::size_t>(at(segment, 0) >> 4);
      const auto id = static_cast<std::size_t>(at(segment, 0) & 15);
      std::size_t values = 0;
      for (std::size_t i = 1; i <= kHuffmanCounts; ++i) values += static_cast<std::size_t>(at(segment, i));
      const std::size_t length = kHuffmanCounts + values;
      if (kind > 1 || id > 3 || segment.size() < 1 + length) return false;
      table[kind][id] = segment.subspan(1, length);
      segment = segment.subspan(1 + length);
    }
    return true;
  }
};

const HuffmanTables& standard_tables() {
  static const HuffmanTables tables = [] {
    HuffmanTables read;
    read.read(media::jpeg::standard_huffman_tables());
    return read;
  }();
  return tables;
}

struct Component {
  int id = 0, sampling = 0;
  std::size_t quantiser = 0;
};

/// Walks the marker segments up to the scan.
class HeaderReader {
public:
  explicit HeaderReader(Bytes image) : rest_(image) {}

  Expected<JpegScan, RtpError> read() {
    if (rest_.size() < 2 || at(rest_, 0) != 0xFF || at(rest_, 1) != kSoi) return Unexpected(RtpError::not_jpeg);
    rest_ = rest_.subspan(2);
    while (true) {
      const std::optional<int> marker = next_marker();
      if (!marker) return Unexpected(RtpError::not_jpeg);
      const std::optional<Bytes> segment = next_segment();
      if (!segment) return Unexpected(RtpError::not_jpeg);
      const std::optional<RtpError> error = take(*marker, *segment);
      if (error) return Unexpected(*error);
      if (*marker == kSos) return finish();
    }
  }

private:
  std::optional<int> next_marker() {
    std::size_t skip = 0;
    while (skip < rest_.size() && at(rest_, skip) == 0xFF) ++skip;  // fill bytes may stand before a marker
    if (skip == 0 || skip >= rest_.size()) return std::nullopt;
    const int marker = at(rest_, skip);
    if (marker < kSof0 || (marker >= kRst0 && marker <= kEoi)) return std::nullopt;
    rest_ = rest_.subspan(skip + 1);
    return marker;
  }

  std::optional<Bytes> next_segment() {
    if (rest_.size() < 2) return std::nullopt;
    const std::size_t length = get_u16(rest_, 0);
    if (length < 2 || length > rest_.size()) return std::nullopt;
    const Bytes segment = rest_.subspan(2, length - 2);
    rest_ = rest_.subspan(length);
    return segment;
  }

  std::optional<RtpError> take(int marker, Bytes segment) {
    if (marker == kSof0) return take_frame(segment);
    if (marker == kDht) return huffman_.read(segment) ? std::nullopt : std::optional(RtpError::not_jpeg);
    if (marker == kDqt) return take_quantisers(segment);
    if (marker == kDri) return take_restart(segment);
    if (marker == kSos) return take_scan(segment);
    const bool other_frame = marker > kSof0 && marker <= kSof15 && marker != kJpg;  // DAC too: arithmetic coding
    return other_frame || marker == kDac ? std::optional(RtpError::jpeg_not_baseline) : std::nullopt;
  }

  std::optional<RtpError> take_frame(Bytes segment) {
    if (have_frame_ || segment.size() < 6) return RtpError::not_jpeg;
    const auto count = static_cast<std::size_t>(at(segment, 5));
    if (segment.size() < 6 + 3 * count) return RtpError::not_jpeg;
    const auto height = static_cast<int>(get_u16(segment, 1));
    const auto width = static_cast<int>(get_u16(segment, 3));
    if (width == 0 || height == 0) return RtpError::not_jpeg;
    if (at(segment, 0) != 8) return RtpError::jpeg_not_baseline;
    if (width > kMaxJpegPx || height > kMaxJpegPx) return RtpError::jpeg_over_2040_px;
    if (count != components_.size()) return RtpError::jpeg_sampling;
    for (std::size_t i = 0; i < count; ++i) {
      const Bytes one = segment.subspan(6 + 3 * i, 3);
      components_[i] = {at(one, 0), at(one, 1), static_cast<std::size_t>(at(one, 2))};
      if (components_[i].quantiser > 3) return RtpError::not_jpeg;
    }
    const int luma = components_[0].sampling;
    if ((luma != 0x21 && luma != 0x22) || components_[1].sampling != 0x11 || components_[2].sampling != 0x11) {
      return RtpError::jpeg_sampling;
    }
    scan_.type = luma == 0x21 ? 0 : 1;
    scan_.width = static_cast<std::uint8_t>((width + 7) / 8);
    scan_.height = static_cast<std::uint8_t>((height + 7) / 8);
    have_frame_ = true;
    return std::nullopt;
  }

  std::optional<RtpError> take_quantisers(Bytes segment) {
    while (!segment.empty()) {
      const int header = at(segment, 0);
      if ((header >> 4) != 0) return RtpError::jpeg_quantisation;
      if ((header & 15) > 3 || segment.size() < 1 + kTableBytes) return RtpError::not_jpeg;
      quantisers_[static_cast<std::size_t>(header & 15)] = segment.subspan(1, kTableBytes);
      segment = segment.subspan(1 + kTableBytes);
    }
    return std::nullopt;
  }

  std::optional<RtpError> take_restart(Bytes segment) {
    if (segment.size() < 2) return RtpError::not_jpeg;
    scan_.restart_interval = static_cast<std::uint16_t>(get_u16(segment, 0));
    return std::nullopt;
  }

  std::optional<RtpError> take_scan(Bytes segment) {
    if (!have_frame_ || segment.empty()) return RtpError::not_jpeg;
    if (at(segment, 0) != 3) return RtpError::jpeg_not_baseline;  // one interleaved scan of all three
    if (segment.size() < 10) return RtpError::not_jpeg;
    for (std::size_t i = 0; i < 3; ++i) {
      if (at(segment, 1 + 2 * i) != components_[i].id) return RtpError::jpeg_not_baseline;
      const int tables = at(segment, 2 + 2 * i);
      const std::size_t expected = i == 0 ? 0 : 1;
      if (!is_standard(0, tables >> 4, expected) || !is_standard(1, tables & 15, expected))
        return RtpError::jpeg_huffman;
    }
    return std::nullopt;
  }

  /// A table that is not there is the standard one: cameras leave it out.
  bool is_standard(std::size_t kind, int id, std::size_t expected) const {
    if (id > 3) return false;
    const Bytes table = huffman_.table[kind][static_cast<std::size_t>(id)];
    const Bytes standard = standard_tables().table[kind][expected];
    if (table.empty()) return static_cast<std::size_t>(id) == expected;
    return std::ranges::equal(table, standard);
  }

  Expected<JpegScan, RtpError> finish() {
    const Bytes luma = quantisers_[components_[0].quantiser];
    const Bytes chroma = quantisers_[components_[1].quantiser];
    const Bytes other = quantisers_[components_[2].quantiser];
    if (luma.empty() || chroma.empty() || !std::ranges::equal(chroma, other)) {
      return Unexpected(RtpError::jpeg_quantisation);
    }
    std::ranges::copy(luma, scan_.tables.begin());
    std::ranges::copy(chroma, scan_.tables.begin() + kTableBytes);
    std::size_t end = 0;
    while (end < rest_.size()) {
      const auto* found = static_cast<const std::byte*>(std::memchr(rest_.data() + end, 0xFF, rest_.size() - end));
      if (found == nullptr || found + 1 == rest_.data() + rest_.size()) break;
      end = static_cast<std::size_t>(found - rest_.data());
      const int marker = at(rest_, end + 1);
      if (marker == kEoi) {
        scan_.data = rest_.first(end);
        return scan_;
      }
      const bool in_scan = marker == 0 || marker == 0xFF || (marker >= kRst0 && marker <= kRst7);
      if (!in_scan) return Unexpected(RtpError::jpeg_not_baseline);  // a second scan, DNL
      end += marker == 0xFF ? 1 : 2;
    }
    scan_.data = rest_;  // without EOI: cut off, or a camera that leaves it out; receivers append one
    return scan_;
  }

  Bytes rest_;
  JpegScan scan_;
  bool have_frame_ = false;
  std::array<Component, 3> components_{};
  std::array<Bytes, 4> quantisers_{};
  HuffmanTables huffman_;
};

}  // namespace

Expected<JpegScan, RtpError> read_jpeg_scan(std::span<const std::byte> image) {
  return HeaderReader(image).read();
}

}  // namespace campipe::rtp
