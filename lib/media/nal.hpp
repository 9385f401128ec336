#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

/// NAL units in Annex B byte streams (ITU-T H.264 and H.265, annex B). Bytes in, bytes out.
namespace campipe::media {

/// One NAL unit without its start code and without trailing zero bytes; borrowed from the stream it was found in.
using Nal = std::span<const std::byte>;

/// Goes through the NAL units of an Annex B stream, borrowed, one by one; empty ones are left out. Bytes before the
/// first start code are ignored.
class NalScanner {
public:
  explicit NalScanner(std::span<const std::byte> annex_b) noexcept;

  /// The next unit, nothing at the end.
  std::optional<Nal> next() noexcept;

private:
  std::span<const std::byte> rest_;  // behind the start code of the next unit
};

/// What follows the first start code in `bytes`; empty when there is none. For looks at NAL headers without a search
/// for the units' ends: `for (auto rest = behind_start_code(au); !rest.empty(); rest = behind_start_code(rest))`.
std::span<const std::byte> behind_start_code(std::span<const std::byte> bytes) noexcept;

/// All NAL units of `annex_b`, in order.
std::vector<Nal> split_annex_b(std::span<const std::byte> annex_b);

/// Appends 4-byte start code + `nal`.
void append_annex_b(std::vector<std::byte>& out, Nal nal);

/// AVCC/HVCC (each unit behind a big-endian length of `length_bytes` 1, 2 or 4) to Annex B with 4-byte start codes.
/// Nothing when a length runs over the end. Empty units are left out.
std::optional<std::vector<std::byte>> annex_b_from_length_prefixed(std::span<const std::byte> in, int length_bytes);

/// The payload with emulation prevention bytes (00 00 03) removed, at most `limit` bytes of it.
std::vector<std::byte> unescape_rbsp(Nal nal, std::size_t limit = 4096);

}  // namespace campipe::media
