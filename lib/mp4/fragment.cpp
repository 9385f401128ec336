#include "mp4/fragment.hpp"

#include "mp4/box_reader.hpp"

namespace campipe::mp4 {

namespace {

constexpr std::uint32_t kDefaultBaseIsMoof = 0x020000;
constexpr std::uint32_t kSync = 0x02000000;     // sample_depends_on = 2: nobody
constexpr std::uint32_t kNotSync = 0x01010000;  // depends on others, is_non_sync_sample

/// Bits of trun's flags (14496-12, 8.8.8).
enum TrunFlag : std::uint32_t {
  kDataOffset = 0x1,
  kFirstSampleFlags = 0x4,
  kDuration = 0x100,
  kSize = 0x200,
  kFlags = 0x400,
  kComposition = 0x800
};

/// Answers where in the bytes the run's data_offset stands.
std::size_t write_traf(BoxWriter& out, const TrackRun& run) {
  const auto traf = out.box("traf");
  {
    const auto tfhd = out.full_box("tfhd", 0, kDefaultBaseIsMoof);
    out.u32(run.track_id);
  }
  {
    const auto tfdt = out.full_box("tfdt", 1, 0);
    out.u64(static_cast<std::uint64_t>(run.samples.empty() ? 0 : run.samples.front().dts));
  }
  const auto trun = out.full_box("trun", 1, kDataOffset | kDuration | kSize | kFlags | kComposition);
  out.u32(run.samples.size());
  const std::size_t data_offset_at = out.position();
  out.u32(0);
  for (std::size_t i = 0; i < run.samples.size(); ++i) {
    const Sample& sample = run.samples[i];
    const bool last = i + 1 == run.samples.size();
    out.u32(last ? sample.duration : static_cast<std::uint32_t>(run.samples[i + 1].dts - sample.dts));
    out.u32(sample.size);
    out.u32(sample.keyframe ? kSync : kNotSync);
    out.u32(static_cast<std::uint32_t>(sample.composition));
  }
  return data_offset_at;
}

/// What tfhd says, and the fields it leaves out.
struct Defaults {
  std::uint32_t track_id = 0;
  std::uint32_t duration = 0;
  std::uint32_t size = 0;
  std::uint32_t flags = 0;
};

/// Only the form our own writer uses: offsets count from the moof.
std::optional<Defaults> parse_tfhd(std::span<const std::byte> payload) {
  FieldReader in(payload);
  const std::uint32_t flags = in.u32() & 0xFFFFFF;
  Defaults defaults;
  defaults.track_id = in.u32();
  if ((flags & 0x1) != 0) return std::nullopt;
  if ((flags & 0x2) != 0) in.u32();
  if ((flags & 0x8) != 0) defaults.duration = in.u32();
  if ((flags & 0x10) != 0) defaults.size = in.u32();
  if ((flags & 0x20) != 0) defaults.flags = in.u32();
  if (!in.ok()) return std::nullopt;
  return defaults;
}

struct Place {
  std::int64_t dts;
  std::uint64_t moof_at;
  std::uint64_t begin;
  std::uint64_t end;
};

bool parse_trun(std::span<const std::byte> payload, const Defaults& defaults, Place place,
                std::vector<Sample>& samples) {
  FieldReader in(payload);
  const std::uint32_t flags = in.u32() & 0xFFFFFF;
  const std::uint32_t count = in.u32();
  if ((flags & kDataOffset) == 0) return false;
  const auto data_offset = static_cast<std::int32_t>(in.u32());
  const bool has_first = (flags & kFirstSampleFlags) != 0;
  const std::uint32_t first_flags = has_first ? in.u32() : 0;
  if (data_offset < 0 || count > in.rest().size()) return false;  // a sample of ours takes 16 bytes, never none
  std::uint64_t offset = place.moof_at + static_cast<std::uint64_t>(data_offset);
  for (std::uint32_t i = 0; i < count; ++i) {
    Sample sample;
    sample.dts = place.dts;
    sample.duration = (flags & kDuration) != 0 ? in.u32() : defaults.duration;
    sample.size = (flags & kSize) != 0 ? in.u32() : defaults.size;
    std::uint32_t sample_flags = (flags & kFlags) != 0 ? in.u32() : defaults.flags;
    if (i == 0 && has_first) sample_flags = first_flags;
    if ((flags & kComposition) != 0) sample.composition = static_cast<std::int32_t>(in.u32());
    sample.keyframe = (sample_flags & 0x10000) == 0;
    sample.offset = offset;
    if (!in.ok() || offset < place.begin || offset > place.end || sample.size > place.end - offset) return false;
    offset += sample.size;
    place.dts += sample.duration;
    samples.push_back(sample);
  }
  return true;
}

std::optional<TrackRun> parse_traf(std::span<const std::byte> traf, Place place) {
  const auto tfhd = find_box(traf, {"tfhd"});
  const auto tfdt = find_box(traf, {"tfdt"});
  const auto trun = find_box(traf, {"trun"});
  if (!tfhd || !tfdt || !trun) return std::nullopt;
  const auto defaults = parse_tfhd(tfhd->payload);
  FieldReader time(tfdt->payload);
  const bool wide = time.u32() >> 24 == 1;
  const std::uint64_t dts = wide ? time.u64() : time.u32();
  constexpr std::uint64_t kSane = std::uint64_t{1} << 50;  // 35 years of µs: sums stay far from overflow
  if (!defaults || !time.ok() || dts > kSane) return std::nullopt;
  place.dts = static_cast<std::int64_t>(dts);
  TrackRun run;
  run.track_id = defaults->track_id;
  if (!parse_trun(trun->payload, *defaults, place, run.samples)) return std::nullopt;
  return run;
}

}  // namespace

Bytes make_fragment_head(std::uint32_t sequence, std::uint64_t at, std::span<TrackRun> runs) {
  Bytes bytes;
  BoxWriter out(bytes);
  std::vector<std::size_t> data_offsets;
  {
    const auto moof = out.box("moof");
    {
      const auto mfhd = out.full_box("mfhd", 0, 0);
      out.u32(sequence);
    }
    for (const TrackRun& run : runs) data_offsets.push_back(write_traf(out, run));
  }
  constexpr std::size_t kMdatHeader = 8;
  std::uint64_t offset = bytes.size() + kMdatHeader;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    out.patch_u32(data_offsets[i], static_cast<std::uint32_t>(offset));
    for (Sample& sample : runs[i].samples) {
      sample.offset = at + offset;
      offset += sample.size;
    }
  }
  out.u32(offset - (bytes.size()));
  out.text("mdat");
  return bytes;
}

std::optional<std::vector<TrackRun>> parse_fragment(std::span<const std::byte> moof, std::uint64_t at,
                                                    std::uint64_t payload_begin, std::uint64_t payload_end) {
  std::vector<TrackRun> runs;
  BoxReader reader(moof);
  while (const auto box = reader.next()) {
    if (box->type != fourcc("traf")) continue;
    auto run = parse_traf(box->payload, {.dts = 0, .moof_at = at, .begin = payload_begin, .end = payload_end});
    if (!run) return std::nullopt;
    runs.push_back(std::move(*run));
  }
  return runs;
}

}  // namespace campipe::mp4
