#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/units.hpp"
#include "mp4/box_writer.hpp"

namespace campipe::mp4 {

/// Ticks per second of the movie and of all its tracks: a capture time in µs is exact.
inline constexpr std::uint32_t kTimescale = 1'000'000;

enum class Handler { video, audio };

/// A track as the header describes it.
struct Track {
  std::uint32_t id = 1;  ///< from 1
  Handler handler = Handler::video;
  Size size;  ///< video only
  /// Decode-timeline tick that is shown at presentation time 0: pts - dts of the first picture.
  std::int64_t edit_ticks = 0;
  Bytes sample_description;  ///< a whole stsd box (mp4/sample_entry.hpp)
};

/// One sample of a track.
struct Sample {
  std::int64_t dts = 0;          ///< ticks on the track's decode timeline
  std::int32_t composition = 0;  ///< pts - dts, ticks
  std::uint32_t duration = 0;    ///< ticks; inside a file that is finished: the distance to the next sample
  std::uint32_t size = 0;        ///< bytes
  std::uint64_t offset = 0;      ///< from the start of the file
  bool keyframe = false;
};

struct Movie {
  /// Unix time in µs of presentation time 0; a frame's capture time is this + its pts.
  std::int64_t start_unix_us = 0;
  std::vector<Track> tracks;
};

/// ftyp: brands for both states of the file, fragmented and ordinary.
Bytes make_ftyp();

/// The header of a fragmented file: no samples, mvex (14496-12, 8.8). Begins with the moov box and ends with it.
Bytes make_init_moov(const Movie& movie);

/// The header of an ordinary file. `samples[i]` are those of `movie.tracks[i]`, in decode order, with increasing dts;
/// all durations but each track's last are taken from the distances. Chunk offsets are 64 bits wide.
Bytes make_final_moov(const Movie& movie, std::span<const std::vector<Sample>> samples);

/// What a moov box says about its movie; nothing when it is malformed. @param moov  The box's payload.
std::optional<Movie> parse_moov(std::span<const std::byte> moov);

/// Length and number of pictures of an ordinary file, from its moov's payload.
struct Summary {
  std::int64_t start_unix_us = 0;
  std::int64_t duration_us = 0;
  std::uint64_t frames = 0;  ///< of the first video track
};
std::optional<Summary> parse_summary(std::span<const std::byte> moov);

}  // namespace campipe::mp4
