#pragma once
#include <algorithm>
#include <cstring>

#include "mp4/hybrid.hpp"

/// A hybrid file in memory, for the tests.
namespace campipe::mp4 {

inline Bytes fake_sample_description() {
  Bytes bytes;
  BoxWriter out(bytes);
  {
    const auto stsd = out.full_box("stsd", 0, 0);
    out.u32(1);
    const auto entry = out.box("test");
    out.zeros(8);
  }
  return bytes;
}

inline Movie fake_movie(bool audio = false) {
  Movie movie{.start_unix_us = 1'763'689'440'040'123, .tracks = {}};
  movie.tracks.push_back({.id = 1,
                          .handler = Handler::video,
                          .size = {1280, 720},
                          .edit_ticks = 0,
                          .sample_description = fake_sample_description()});
  if (audio)
    movie.tracks.push_back({.id = 2,
                            .handler = Handler::audio,
                            .size = {},
                            .edit_ticks = 0,
                            .sample_description = fake_sample_description()});
  return movie;
}

struct FakeFile {
  explicit FakeFile(bool audio = false)
      : movie(fake_movie(audio)), bytes(make_hybrid_head(movie)), samples(movie.tracks.size()) {}

  /// A fragment of `frames` pictures of 33,333 µs, the first a keyframe; every byte of a picture is its number.
  void add_fragment(int frames, std::size_t frame_bytes = 100) {
    std::vector<TrackRun> runs(1);
    Bytes payload;
    for (int i = 0; i < frames; ++i) {
      runs[0].samples.push_back({.dts = 33'333 * next,
                                 .composition = 0,
                                 .duration = 33'333,
                                 .size = static_cast<std::uint32_t>(frame_bytes),
                                 .offset = 0,
                                 .keyframe = i == 0});
      payload.insert(payload.end(), frame_bytes, static_cast<std::byte>(next++));
    }
    if (movie.tracks.size() > 1) {
      runs.push_back({.track_id = 2,
                      .samples = {{.dts = 33'333 * (next - 1) + 5000,
                                   .composition = 0,
                                   .duration = 21'333,
                                   .size = 7,
                                   .offset = 0,
                                   .keyframe = true}}});
      payload.insert(payload.end(), 7, std::byte{0xAA});
    }
    const Bytes head = make_fragment_head(++sequence, bytes.size(), runs);
    bytes.insert(bytes.end(), head.begin(), head.end());
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    for (std::size_t i = 0; i < runs.size(); ++i)
      samples[i].insert(samples[i].end(), runs[i].samples.begin(), runs[i].samples.end());
    ends.push_back(bytes.size());
  }

  static void apply(Bytes& to, const std::vector<Patch>& patches) {
    for (const Patch& patch : patches) {
      to.resize(std::max<std::size_t>(to.size(), patch.offset + patch.bytes.size()));
      std::ranges::copy(patch.bytes, to.begin() + static_cast<std::ptrdiff_t>(patch.offset));
    }
  }

  Finish finish() const { return finish_hybrid(bytes.size(), make_final_moov(movie, samples)); }

  Movie movie;
  Bytes bytes;
  std::vector<std::vector<Sample>> samples;
  std::vector<std::size_t> ends;  ///< of each fragment
  std::int64_t next = 0;
  std::uint32_t sequence = 0;
};

inline ReadAt reader_of(const Bytes& bytes) {
  return [&bytes](std::uint64_t offset, std::span<std::byte> into) {
    if (offset > bytes.size() || into.size() > bytes.size() - offset) return false;
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), into.size(), into.begin());
    return true;
  };
}

inline Expected<Scan, ScanError> scan(const Bytes& bytes) {
  return scan_hybrid(reader_of(bytes), bytes.size());
}

}  // namespace campipe::mp4
