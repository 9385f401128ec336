#pragma once
#include "mp4/movie.hpp"

/// Parts of moov that the fragmented and the ordinary header have in common.
namespace campipe::mp4::detail {

/// Name of the metadata value with Movie::start_unix_us; ffprobe shows it as a format tag.
inline constexpr std::string_view kStartKey = "campipe.start_unix_us";

/// A track's edit list: an empty edit of `delay` ticks (0 = none), then `duration` ticks from `media_time` on.
struct Edit {
  std::int64_t delay = 0;
  std::int64_t media_time = 0;
  std::int64_t duration = 0;  ///< 0 in a fragmented file: to the end
};

void write_mvhd(BoxWriter& out, const Movie& movie, std::int64_t duration);
void write_track_headers(BoxWriter& out, const Movie& movie, const Track& track, const Edit& edit);
void write_mdhd(BoxWriter& out, const Movie& movie, std::int64_t duration);
void write_handler(BoxWriter& out, const Track& track);
/// vmhd or smhd, and dinf.
void write_media_information(BoxWriter& out, const Track& track);
/// meta with the start time.
void write_metadata(BoxWriter& out, const Movie& movie);

}  // namespace campipe::mp4::detail
