#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "mp4/movie.hpp"

namespace campipe::mp4 {

/// The samples of one track in one fragment, in decode order. Their bytes lie one behind the other in the fragment's
/// mdat.
struct TrackRun {
  std::uint32_t track_id = 1;
  std::vector<Sample> samples;
};

/// moof and the header of the mdat behind it (14496-12, 8.8). The payloads of the runs follow in the order of `runs`.
/// Sets each sample's offset in the file.
/// @param at  Where in the file the moof begins. All payloads together must be under 4 GiB.
Bytes make_fragment_head(std::uint32_t sequence, std::uint64_t at, std::span<TrackRun> runs);

/// The samples a moof describes, with offsets in the file; nothing when it is malformed, or when a sample would lie
/// outside [payload_begin, payload_end). @param moof  The box's payload. @param at  Where in the file the box begins.
std::optional<std::vector<TrackRun>> parse_fragment(std::span<const std::byte> moof, std::uint64_t at,
                                                    std::uint64_t payload_begin, std::uint64_t payload_end);

}  // namespace campipe::mp4
