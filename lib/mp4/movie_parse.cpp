#include <charconv>
#include <string_view>

#include "mp4/box_reader.hpp"
#include "mp4/movie.hpp"
#include "mp4/movie_boxes.hpp"

namespace campipe::mp4 {

namespace {

/// The start time of a meta box that write_metadata() wrote.
std::optional<std::int64_t> parse_start(std::span<const std::byte> moov) {
  const auto meta = find_box(moov, {"meta"});
  if (!meta || meta->payload.size() < 4) return std::nullopt;
  const auto inside = meta->payload.subspan(4);
  const auto keys = find_box(inside, {"keys"});
  const auto ilst = find_box(inside, {"ilst"});
  if (!keys || !ilst || keys->payload.size() < 8) return std::nullopt;
  const auto key = BoxReader(keys->payload.subspan(8)).next();
  const auto item = BoxReader(ilst->payload).next();
  if (!key || !item) return std::nullopt;
  const std::string_view name(reinterpret_cast<const char*>(key->payload.data()), key->payload.size());
  const auto data = find_box(item->payload, {"data"});
  if (name != detail::kStartKey || !data || data->payload.size() < 8) return std::nullopt;
  const auto value = data->payload.subspan(8);
  const char* begin = reinterpret_cast<const char*>(value.data());
  const char* end = begin + value.size();
  std::int64_t start = 0;
  const auto [last, error] = std::from_chars(begin, end, start);
  constexpr std::int64_t kSane = std::int64_t{1} << 60;
  if (error != std::errc{} || last != end || start > kSane || start < -kSane) return std::nullopt;
  return start;
}

struct Times {
  std::uint32_t timescale = 0;
  std::uint64_t duration = 0;
};

/// mvhd and mdhd begin alike (14496-12, 8.2.2 and 8.4.2).
std::optional<Times> parse_times(std::span<const std::byte> payload) {
  FieldReader in(payload);
  const bool wide = in.u32() >> 24 == 1;
  in.skip(wide ? 16 : 8);
  Times times;
  times.timescale = in.u32();
  times.duration = wide ? in.u64() : in.u32();
  if (!in.ok() || times.timescale == 0 || times.duration >> 60 != 0) return std::nullopt;
  return times;
}

/// media_time of the last entry of the edit list, 0 without one.
std::int64_t parse_edit(std::span<const std::byte> trak) {
  const auto elst = find_box(trak, {"edts", "elst"});
  if (!elst) return 0;
  FieldReader in(elst->payload);
  const bool wide = in.u32() >> 24 == 1;
  const std::uint32_t entries = in.u32();
  if (entries == 0 || entries > 2) return 0;
  in.skip((entries - 1) * (wide ? 20U : 12U));
  in.skip(wide ? 8 : 4);
  const auto time = wide ? static_cast<std::int64_t>(in.u64()) : static_cast<std::int32_t>(in.u32());
  constexpr std::int64_t kSane = std::int64_t{1} << 40;
  return in.ok() && time > 0 && time < kSane ? time : 0;
}

std::optional<Track> parse_trak(std::span<const std::byte> trak) {
  const auto tkhd = find_box(trak, {"tkhd"});
  const auto hdlr = find_box(trak, {"mdia", "hdlr"});
  const auto mdhd = find_box(trak, {"mdia", "mdhd"});
  const auto stsd = find_box(trak, {"mdia", "minf", "stbl", "stsd"});
  if (!tkhd || !hdlr || !mdhd || !stsd) return std::nullopt;
  const auto times = parse_times(mdhd->payload);
  if (!times || times->timescale != kTimescale) return std::nullopt;

  Track track;
  FieldReader header(tkhd->payload);
  const bool wide = header.u32() >> 24 == 1;
  header.skip(wide ? 16 : 8);
  track.id = header.u32();
  header.skip((wide ? 12U : 8U) + 16 + 36);
  track.size = {static_cast<int>(header.u32() >> 16), static_cast<int>(header.u32() >> 16)};
  FieldReader handler(hdlr->payload);
  handler.skip(8);
  const std::uint32_t type = handler.u32();
  if (!header.ok() || !handler.ok() || (type != fourcc("vide") && type != fourcc("soun"))) return std::nullopt;
  track.handler = type == fourcc("vide") ? Handler::video : Handler::audio;
  track.edit_ticks = parse_edit(trak);
  track.sample_description.assign(stsd->whole.begin(), stsd->whole.end());
  return track;
}

}  // namespace

std::optional<Movie> parse_moov(std::span<const std::byte> moov) {
  constexpr std::size_t kMaxTracks = 2;
  const auto start = parse_start(moov);
  if (!start) return std::nullopt;
  Movie movie;
  movie.start_unix_us = *start;
  BoxReader reader(moov);
  while (const auto box = reader.next()) {
    if (box->type != fourcc("trak")) continue;
    auto track = parse_trak(box->payload);
    if (!track || movie.tracks.size() == kMaxTracks) return std::nullopt;
    movie.tracks.push_back(std::move(*track));
  }
  if (movie.tracks.empty()) return std::nullopt;
  return movie;
}

std::optional<Summary> parse_summary(std::span<const std::byte> moov) {
  const auto mvhd = find_box(moov, {"mvhd"});
  const auto start = parse_start(moov);
  if (!mvhd || !start) return std::nullopt;
  const auto times = parse_times(mvhd->payload);
  if (!times) return std::nullopt;
  Summary summary;
  summary.start_unix_us = *start;
  summary.duration_us = static_cast<std::int64_t>(static_cast<double>(times->duration) / times->timescale * 1e6);
  if (times->timescale == kTimescale) summary.duration_us = static_cast<std::int64_t>(times->duration);
  if (const auto stsz = find_box(moov, {"trak", "mdia", "minf", "stbl", "stsz"})) {  // the video track is the first
    FieldReader in(stsz->payload);
    in.skip(8);
    summary.frames = in.u32();
  }
  return summary;
}

}  // namespace campipe::mp4
