#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/units.hpp"

/// Facts about JPEG images (ITU-T T.81, annex B), found by walking the markers, never by byte scans. Distrusts lengths.
namespace campipe::media::jpeg {

/// Chroma sampling of a three-component image by luma's factors against chroma's.
enum class Subsampling { gray, s444, s422, s420, s440, s411, other };

struct Info {
  Size size;
  int components = 0;
  Subsampling subsampling = Subsampling::other;
  bool baseline = false;            ///< SOF0 with 8 bits
  bool has_huffman_tables = false;  ///< before the first scan
  bool complete = false;            ///< EOI follows the last scan; padding after it is allowed
  int restart_interval = 0;         ///< in MCUs, 0 = none
  /// Bytes up to and with EOI. Without EOI: up to an SOI inside the scan, else to the end, padding left out.
  std::size_t length = 0;
  std::size_t sof_offset = 0;   ///< of the SOF marker's FF
  std::size_t sos_offset = 0;   ///< of the first SOS marker's FF
  std::size_t scan_offset = 0;  ///< of the entropy-coded data after the first SOS
};

/// Walks the first image in `bytes` (it must begin with SOI). Nothing when it is no JPEG: no SOI, a marker that cannot
/// stand there, a length that runs over the end, no SOF before SOS, a size of zero. Damage inside a scan is passed
/// over.
std::optional<Info> parse(std::span<const std::byte> bytes);

/// Puts a camera's image into canonical form: padding after EOI cut off, the standard Huffman tables (T.81, annex K.3)
/// inserted before SOS where there are none, EOI appended where it is missing and `repair` is set. Answers nothing when
/// `bytes` is already canonical (use it as it is).
std::optional<std::vector<std::byte>> canonical(std::span<const std::byte> bytes, const Info& info, bool repair);

/// Text of the first COM segment before the scan, zeros at its end left out; borrowed. Nothing when there is none.
std::optional<std::string_view> comment(std::span<const std::byte> bytes);

}  // namespace campipe::media::jpeg
