#include "mp4/movie_boxes.hpp"

#include <array>
#include <string>

namespace campipe::mp4 {

Bytes make_ftyp() {
  Bytes bytes;
  BoxWriter out(bytes);
  {
    const auto ftyp = out.box("ftyp");
    out.text("isom");
    out.u32(0x200);
    for (const auto* brand : {"isom", "iso2", "iso6", "mp41"}) out.text(brand);
  }
  return bytes;
}

namespace detail {

namespace {

/// Creation and modification times count from 1904 (14496-12, 8.2.2).
std::uint64_t since_1904(const Movie& movie) {
  constexpr std::int64_t kUnixEpoch = 2'082'844'800;
  const std::int64_t seconds = movie.start_unix_us / 1'000'000 + kUnixEpoch;
  return seconds < 0 ? 0 : static_cast<std::uint64_t>(seconds);
}

void write_times(BoxWriter& out, const Movie& movie) {
  out.u64(since_1904(movie));
  out.u64(since_1904(movie));
}

void write_matrix(BoxWriter& out) {
  for (const std::uint32_t value : {0x10000U, 0U, 0U, 0U, 0x10000U, 0U, 0U, 0U, 0x40000000U}) out.u32(value);
}

void write_edit_list(BoxWriter& out, const Edit& edit) {
  if (edit.delay == 0 && edit.media_time == 0) return;
  const auto edts = out.box("edts");
  const auto elst = out.full_box("elst", 1, 0);
  out.u32(edit.delay > 0 ? 2 : 1);
  if (edit.delay > 0) {
    out.u64(static_cast<std::uint64_t>(edit.delay));
    out.u64(~std::uint64_t{0});  // -1: an empty edit
    out.u32(0x10000);
  }
  out.u64(static_cast<std::uint64_t>(edit.duration));
  out.u64(static_cast<std::uint64_t>(edit.media_time));
  out.u32(0x10000);  // rate 1.0
}

}  // namespace

void write_mvhd(BoxWriter& out, const Movie& movie, std::int64_t duration) {
  const auto mvhd = out.full_box("mvhd", 1, 0);
  write_times(out, movie);
  out.u32(kTimescale);
  out.u64(static_cast<std::uint64_t>(duration));
  out.u32(0x10000);  // rate 1.0
  out.u16(0x100);    // volume 1.0
  out.zeros(10);
  write_matrix(out);
  out.zeros(24);
  out.u32(movie.tracks.size() + 1);  // next_track_ID
}

void write_track_headers(BoxWriter& out, const Movie& movie, const Track& track, const Edit& edit) {
  const bool video = track.handler == Handler::video;
  {
    const auto tkhd = out.full_box("tkhd", 1, 0x3);  // enabled, in the movie
    write_times(out, movie);
    out.u32(track.id);
    out.u32(0);
    out.u64(static_cast<std::uint64_t>(edit.delay + edit.duration));
    out.zeros(8);
    out.u16(0);                  // layer
    out.u16(0);                  // alternate group
    out.u16(video ? 0 : 0x100);  // volume
    out.u16(0);
    write_matrix(out);
    out.u32(static_cast<std::uint32_t>(track.size.width_px) << 16);
    out.u32(static_cast<std::uint32_t>(track.size.height_px) << 16);
  }
  write_edit_list(out, edit);
}

void write_mdhd(BoxWriter& out, const Movie& movie, std::int64_t duration) {
  const auto mdhd = out.full_box("mdhd", 1, 0);
  write_times(out, movie);
  out.u32(kTimescale);
  out.u64(static_cast<std::uint64_t>(duration));
  out.u16(0x55C4);  // language "und"
  out.u16(0);
}

void write_handler(BoxWriter& out, const Track& track) {
  const auto hdlr = out.full_box("hdlr", 0, 0);
  out.u32(0);
  out.text(track.handler == Handler::video ? "vide" : "soun");
  out.zeros(12);
  out.text(track.handler == Handler::video ? "video" : "audio");
  out.u8(0);
}

void write_media_information(BoxWriter& out, const Track& track) {
  if (track.handler == Handler::video) {
    const auto vmhd = out.full_box("vmhd", 0, 1);
    out.zeros(8);
  } else {
    const auto smhd = out.full_box("smhd", 0, 0);
    out.zeros(4);
  }
  const auto dinf = out.box("dinf");
  const auto dref = out.full_box("dref", 0, 0);
  out.u32(1);
  const auto url = out.full_box("url ", 0, 1);  // the media is in this file
}

void write_metadata(BoxWriter& out, const Movie& movie) {
  const std::string value = std::to_string(movie.start_unix_us);
  const auto meta = out.full_box("meta", 0, 0);
  {
    const auto hdlr = out.full_box("hdlr", 0, 0);
    out.u32(0);
    out.text("mdta");
    out.zeros(13);
  }
  {
    const auto keys = out.full_box("keys", 0, 0);
    out.u32(1);
    const auto key = out.box("mdta");
    out.text(kStartKey);
  }
  const auto ilst = out.box("ilst");
  const auto item = out.box(std::string_view("\0\0\0\1", 4));  // the key's number
  const auto data = out.box("data");
  out.u32(1);  // UTF-8
  out.u32(0);
  out.text(value);
}

}  // namespace detail

}  // namespace campipe::mp4
