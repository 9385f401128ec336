#include "mp4/movie.hpp"

#include <algorithm>
#include <cassert>
#include <limits>

#include "mp4/movie_boxes.hpp"

namespace campipe::mp4 {

namespace {

using detail::Edit;

/// One entry of a run-length table: `count` samples or chunks with the same value.
template <class T>
struct Run {
  std::uint32_t count;
  T value;
};

template <class T>
void extend(std::vector<Run<T>>& runs, T value) {
  if (!runs.empty() && runs.back().value == value) {
    ++runs.back().count;
  } else {
    runs.push_back({1, value});
  }
}

/// A chunk is a run of samples that lie one behind the other in the file.
struct Chunk {
  std::uint64_t offset;
  std::uint32_t samples;
};

std::vector<Chunk> chunks_of(std::span<const Sample> samples) {
  std::vector<Chunk> chunks;
  std::uint64_t end = 0;
  for (const Sample& sample : samples) {
    if (chunks.empty() || sample.offset != end) chunks.push_back({sample.offset, 0});
    ++chunks.back().samples;
    end = sample.offset + sample.size;
  }
  return chunks;
}

std::uint32_t distance(std::int64_t from, std::int64_t to) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(to - from, 0, std::numeric_limits<std::uint32_t>::max()));
}

/// Each sample's duration: the distance to the next one; the last keeps its own.
std::vector<Run<std::uint32_t>> durations_of(std::span<const Sample> samples) {
  std::vector<Run<std::uint32_t>> runs;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    extend(runs, i + 1 < samples.size() ? distance(samples[i].dts, samples[i + 1].dts) : samples[i].duration);
  }
  return runs;
}

std::int64_t total(const std::vector<Run<std::uint32_t>>& durations) {
  std::int64_t sum = 0;
  for (const auto& run : durations) sum += std::int64_t{run.count} * run.value;
  return sum;
}

template <class T>
void write_runs(BoxWriter& out, std::string_view type, int version, const std::vector<Run<T>>& runs) {
  const auto box = out.full_box(type, version, 0);
  out.u32(runs.size());
  for (const auto& run : runs) {
    out.u32(run.count);
    out.u32(static_cast<std::uint32_t>(run.value));
  }
}

void write_composition(BoxWriter& out, std::span<const Sample> samples) {
  if (std::ranges::all_of(samples, [](const Sample& s) { return s.composition == 0; })) return;
  std::vector<Run<std::int32_t>> runs;
  for (const Sample& sample : samples) extend(runs, sample.composition);
  write_runs(out, "ctts", 1, runs);  // version 1: signed
}

void write_sync_samples(BoxWriter& out, const Track& track, std::span<const Sample> samples) {
  if (track.handler == Handler::audio) return;  // absent = all
  const auto stss = out.full_box("stss", 0, 0);
  const std::size_t count_at = out.position();
  out.u32(0);
  std::uint32_t count = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (samples[i].keyframe) out.u32(i + 1), ++count;
  }
  out.patch_u32(count_at, count);
}

void write_sizes(BoxWriter& out, std::span<const Sample> samples) {
  const auto stsz = out.full_box("stsz", 0, 0);
  out.u32(0);
  out.u32(samples.size());
  for (const Sample& sample : samples) out.u32(sample.size);
}

void write_chunks(BoxWriter& out, std::span<const Sample> samples) {
  const std::vector<Chunk> chunks = chunks_of(samples);
  {
    const auto stsc = out.full_box("stsc", 0, 0);
    const std::size_t count_at = out.position();
    out.u32(0);
    std::uint32_t count = 0;
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      if (i > 0 && chunks[i].samples == chunks[i - 1].samples) continue;
      out.u32(i + 1);
      out.u32(chunks[i].samples);
      out.u32(1);  // sample description
      ++count;
    }
    out.patch_u32(count_at, count);
  }
  const auto co64 = out.full_box("co64", 0, 0);
  out.u32(chunks.size());
  for (const Chunk& chunk : chunks) out.u64(chunk.offset);
}

void write_sample_table(BoxWriter& out, const Track& track, std::span<const Sample> samples,
                        const std::vector<Run<std::uint32_t>>& durations) {
  const auto stbl = out.box("stbl");
  out.bytes(track.sample_description);
  write_runs(out, "stts", 0, durations);
  write_composition(out, samples);
  write_sync_samples(out, track, samples);
  write_sizes(out, samples);
  write_chunks(out, samples);
}

/// The first sample is at tick 0 of an ordinary file's decode timeline; the edit puts it where it was.
Edit edit_of(const Track& track, std::span<const Sample> samples, std::int64_t duration) {
  const std::int64_t shift = (samples.empty() ? 0 : samples.front().dts) - track.edit_ticks;
  Edit edit;
  edit.delay = std::max<std::int64_t>(shift, 0);
  edit.media_time = std::max<std::int64_t>(-shift, 0);
  edit.duration = duration;
  // A picture is shown at dts + composition: where all are shown later than decoded, the end moves with them.
  if (!samples.empty()) {
    std::int64_t end = 0;
    const std::int64_t first = samples.front().dts;
    for (const Sample& sample : samples) end = std::max(end, sample.dts - first + sample.composition + sample.duration);
    edit.duration = std::max<std::int64_t>(std::max(duration, end) - edit.media_time, 0);
  }
  return edit;
}

void write_trak(BoxWriter& out, const Movie& movie, const Track& track, std::span<const Sample> samples) {
  const auto durations = durations_of(samples);
  const std::int64_t duration = total(durations);
  const auto trak = out.box("trak");
  detail::write_track_headers(out, movie, track, edit_of(track, samples, duration));
  const auto mdia = out.box("mdia");
  detail::write_mdhd(out, movie, duration);
  detail::write_handler(out, track);
  const auto minf = out.box("minf");
  detail::write_media_information(out, track);
  write_sample_table(out, track, samples, durations);
}

void write_init_trak(BoxWriter& out, const Movie& movie, const Track& track) {
  const auto trak = out.box("trak");
  detail::write_track_headers(out, movie, track, {.delay = 0, .media_time = track.edit_ticks, .duration = 0});
  const auto mdia = out.box("mdia");
  detail::write_mdhd(out, movie, 0);
  detail::write_handler(out, track);
  const auto minf = out.box("minf");
  detail::write_media_information(out, track);
  const auto stbl = out.box("stbl");
  out.bytes(track.sample_description);
  for (const auto* empty : {"stts", "stsc", "stco"}) {
    const auto box = out.full_box(empty, 0, 0);
    out.u32(0);
  }
  const auto stsz = out.full_box("stsz", 0, 0);
  out.zeros(8);
}

}  // namespace

Bytes make_init_moov(const Movie& movie) {
  Bytes bytes;
  BoxWriter out(bytes);
  {
    const auto moov = out.box("moov");
    detail::write_mvhd(out, movie, 0);
    for (const Track& track : movie.tracks) write_init_trak(out, movie, track);
    {
      const auto mvex = out.box("mvex");
      for (const Track& track : movie.tracks) {
        const auto trex = out.full_box("trex", 0, 0);
        out.u32(track.id);
        out.u32(1);  // sample description
        out.zeros(12);
      }
    }
    detail::write_metadata(out, movie);
  }
  return bytes;
}

Bytes make_final_moov(const Movie& movie, std::span<const std::vector<Sample>> samples) {
  assert(samples.size() == movie.tracks.size());
  std::int64_t longest = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const Edit edit = edit_of(movie.tracks[i], samples[i], total(durations_of(samples[i])));
    if (!samples[i].empty()) longest = std::max(longest, edit.delay + edit.duration);
  }
  Bytes bytes;
  BoxWriter out(bytes);
  {
    const auto moov = out.box("moov");
    detail::write_mvhd(out, movie, longest);
    for (std::size_t i = 0; i < samples.size(); ++i) {
      if (!samples[i].empty()) write_trak(out, movie, movie.tracks[i], samples[i]);
    }
    detail::write_metadata(out, movie);
  }
  return bytes;
}

}  // namespace campipe::mp4
