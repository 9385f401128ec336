#include "mp4/hybrid.hpp"

#include <algorithm>
#include <array>

#include "mp4/box_reader.hpp"

namespace campipe::mp4 {

namespace {

constexpr std::uint64_t kBoxHeader = 8;
constexpr std::uint64_t kWideBoxHeader = 16;
constexpr std::uint64_t kMaxHeaderBox = 16U << 20;
constexpr std::size_t kMaxSamples = 8'000'000;

Bytes box_header(std::uint64_t size, std::string_view type) {
  Bytes bytes;
  BoxWriter out(bytes);
  out.u32(size);
  out.text(type);
  return bytes;
}

/// A box in the file: where its payload begins and where it ends.
struct Place {
  std::uint32_t type = 0;
  std::uint64_t begin = 0;
  std::uint64_t payload = 0;
  std::uint64_t end = 0;
};

/// The box at `at`; nothing when it is not wholly there.
std::optional<Place> box_at(const ReadAt& read, std::uint64_t size, std::uint64_t at) {
  std::array<std::byte, kWideBoxHeader> header{};
  const std::uint64_t left = size - std::min(at, size);
  const auto known = static_cast<std::size_t>(std::min<std::uint64_t>(left, header.size()));
  if (known < kBoxHeader || !read(at, std::span(header).first(known))) return std::nullopt;
  FieldReader in(std::span<const std::byte>(header).first(known));
  std::uint64_t length = in.u32();
  const std::uint32_t type = in.u32();
  std::uint64_t header_bytes = kBoxHeader;
  if (length == 1) length = in.u64(), header_bytes = kWideBoxHeader;
  if (!in.ok() || length < header_bytes || length > left) return std::nullopt;
  return Place{type, at, at + header_bytes, at + length};
}

std::optional<Bytes> load(const ReadAt& read, const Place& box) {
  if (box.end - box.payload > kMaxHeaderBox) return std::nullopt;
  Bytes bytes(static_cast<std::size_t>(box.end - box.payload));
  if (!read(box.payload, bytes)) return std::nullopt;
  return bytes;
}

/// Appends a fragment's samples; false when its tracks or times do not go on from what is there.
bool append(Scan& scan, std::vector<TrackRun>& runs) {
  for (const TrackRun& run : runs) {
    const auto track = std::ranges::find(scan.movie.tracks, run.track_id, &Track::id);
    if (track == scan.movie.tracks.end()) return false;
    auto& samples = scan.samples[static_cast<std::size_t>(track - scan.movie.tracks.begin())];
    if (samples.size() + run.samples.size() > kMaxSamples) return false;
    std::int64_t last = samples.empty() ? -1 : samples.back().dts;
    for (const Sample& sample : run.samples) {
      if (sample.dts <= last) return false;
      last = sample.dts;
    }
  }
  for (TrackRun& run : runs) {
    const auto track = std::ranges::find(scan.movie.tracks, run.track_id, &Track::id);
    auto& samples = scan.samples[static_cast<std::size_t>(track - scan.movie.tracks.begin())];
    samples.insert(samples.end(), run.samples.begin(), run.samples.end());
  }
  return true;
}

/// moof + mdat at `at`; answers where it ends, nothing when it is not whole and well.
std::optional<std::uint64_t> scan_fragment(const ReadAt& read, std::uint64_t size, std::uint64_t at, Scan& scan) {
  const auto moof = box_at(read, size, at);
  if (!moof || moof->type != fourcc("moof")) return std::nullopt;
  const auto mdat = box_at(read, size, moof->end);
  if (!mdat || mdat->type != fourcc("mdat")) return std::nullopt;
  const auto bytes = load(read, *moof);
  if (!bytes) return std::nullopt;
  auto runs = parse_fragment(*bytes, at, mdat->payload, mdat->end);
  if (!runs || !append(scan, *runs)) return std::nullopt;
  return mdat->end;
}

bool has_pictures(const Scan& scan) {
  for (std::size_t i = 0; i < scan.movie.tracks.size(); ++i) {
    if (scan.movie.tracks[i].handler == Handler::video && !scan.samples[i].empty()) return true;
  }
  return false;
}

}  // namespace

Bytes make_hybrid_head(const Movie& movie) {
  Bytes bytes = make_ftyp();
  const std::size_t reserve = bytes.size();
  const Bytes header = box_header(kReserveBytes, "free");
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.resize(reserve + kReserveBytes);
  const Bytes moov = make_init_moov(movie);
  bytes.insert(bytes.end(), moov.begin(), moov.end());
  return bytes;
}

Finish finish_hybrid(std::uint64_t data_end, const Bytes& moov) {
  const std::uint64_t reserve = make_ftyp().size();
  const std::uint64_t reserve_end = reserve + kReserveBytes;
  const std::uint64_t mdat = reserve_end - kWideBoxHeader;
  Bytes mdat_header = box_header(1, "mdat");
  BoxWriter(mdat_header).u64(data_end - mdat);

  Finish finish;
  const std::uint64_t room = mdat - reserve;
  const bool fits = moov.size() == room || moov.size() + kBoxHeader <= room;
  if (fits) {
    finish.content.push_back({reserve + kBoxHeader, Bytes(moov.begin() + kBoxHeader, moov.end())});
    if (moov.size() < room) finish.content.push_back({reserve + moov.size(), box_header(room - moov.size(), "free")});
    finish.flip.push_back({reserve, Bytes(moov.begin(), moov.begin() + kBoxHeader)});
    finish.size = data_end;
  } else {
    Bytes hidden = moov;
    std::ranges::copy(box_header(moov.size(), "free"), hidden.begin());
    finish.content.push_back({data_end, std::move(hidden)});
    finish.flip.push_back({reserve, box_header(room, "free")});
    finish.flip.push_back({data_end, Bytes(moov.begin(), moov.begin() + kBoxHeader)});
    finish.size = data_end + moov.size();
  }
  finish.content.push_back({mdat, std::move(mdat_header)});
  return finish;
}

Expected<Scan, ScanError> scan_hybrid(const ReadAt& read, std::uint64_t size) {
  const Bytes ftyp = make_ftyp();
  Bytes start(static_cast<std::size_t>(std::min<std::uint64_t>(size, ftyp.size())));
  const bool ours = read(0, start) && std::ranges::equal(start, std::span(ftyp).first(start.size()));
  if (!ours) return Unexpected(ScanError::not_ours);
  const auto init = box_at(read, size, ftyp.size() + kReserveBytes);
  if (!init || init->type != fourcc("moov")) return Unexpected(ScanError::no_frames);  // cut off within the first write
  const auto moov = load(read, *init);
  if (!moov) return Unexpected(ScanError::not_ours);
  auto movie = parse_moov(*moov);
  if (!movie) return Unexpected(ScanError::not_ours);

  Scan scan{.movie = std::move(*movie), .samples = {}, .end = init->end};
  scan.samples.resize(scan.movie.tracks.size());
  while (const auto end = scan_fragment(read, size, scan.end, scan)) scan.end = *end;
  if (!has_pictures(scan)) return Unexpected(ScanError::no_frames);
  return scan;
}

std::optional<Summary> summarise(const ReadAt& read, std::uint64_t size) {
  constexpr int kMaxBoxes = 16;  // a closed file has five at most
  std::uint64_t at = 0;
  for (int i = 0; i < kMaxBoxes; ++i) {
    const auto box = box_at(read, size, at);
    if (!box) return std::nullopt;
    if (box->type == fourcc("moov")) {
      const auto moov = load(read, *box);
      return moov ? parse_summary(*moov) : std::nullopt;
    }
    at = box->end;
  }
  return std::nullopt;
}

}  // namespace campipe::mp4
