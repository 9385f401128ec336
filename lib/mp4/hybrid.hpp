#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/expected.hpp"
#include "mp4/fragment.hpp"
#include "mp4/movie.hpp"

/// A file that is fragmented while it is written and an ordinary MP4 once it is closed:
///
///   open:    ftyp | free, kReserveBytes | moov (no samples, mvex) | moof mdat | moof mdat | …
///   closed:  ftyp | moov, free, mdat header | all that followed, now the payload of that mdat
///   closed:  ftyp | free, mdat header | all that followed | moov      when the moov is too big for the free space
///
/// Every byte behind the free space stays what it was, so that a file that is cut off at any moment, also while it is
/// being closed, is read again by scan().
namespace campipe::mp4 {

inline constexpr std::uint64_t kReserveBytes = 65536;

/// ftyp, the free space and the init moov.
Bytes make_hybrid_head(const Movie& movie);

/// Bytes to write at a place in the file.
struct Patch {
  std::uint64_t offset = 0;
  Bytes bytes;
};

/// How to close a file. Write `content`, sync, then write `flip` (8 bytes each: box headers inside one sector), sync.
/// Until the flip the file is the fragmented one it was.
struct Finish {
  std::vector<Patch> content;
  std::vector<Patch> flip;
  std::uint64_t size = 0;  ///< of the closed file
};

/// @param data_end  Where the last whole fragment ends.
/// @param moov      From make_final_moov().
Finish finish_hybrid(std::uint64_t data_end, const Bytes& moov);

/// What is in a file that was cut off.
struct Scan {
  Movie movie;
  std::vector<std::vector<Sample>> samples;  ///< per track of the movie
  std::uint64_t end = 0;                     ///< where the last whole fragment ends
};

enum class ScanError {
  not_ours,   ///< not a file of this form
  no_frames,  ///< of this form, but without one whole fragment with a picture
};

/// Reads `into.size()` bytes at `offset`; false when there are not so many.
using ReadAt = std::function<bool(std::uint64_t offset, std::span<std::byte> into)>;

/// Finds all whole fragments of a file in any state, also of one that is closed. Distrusts all of it: headers are at
/// most 16 MiB, samples at most 8 million, times must go forward; it ends at the first box that is not as it should be.
Expected<Scan, ScanError> scan_hybrid(const ReadAt& read, std::uint64_t size);

/// The summary of a closed file, nothing when it is none. Reads box headers and the moov only.
std::optional<Summary> summarise(const ReadAt& read, std::uint64_t size);

}  // namespace campipe::mp4
