#include "wire/nut/headers.hpp"

#include <algorithm>
#include <cstring>

#include "wire/stream/limits.hpp"

namespace campipe::wire::nut {

namespace {

constexpr std::uint64_t kMaxTimeBase = std::uint64_t{1} << 31;
constexpr std::size_t kMaxFrameHeadBytes = 4096;

bool parse_time_bases(ByteReader& in, MainHeader& header) {
  constexpr std::uint64_t kMaxTimeBases = 256;
  const std::uint64_t count = in.v();
  if (!in.ok() || count == 0 || count > kMaxTimeBases) return false;
  for (std::uint64_t i = 0; i < count; ++i) {
    const TimeBase base{in.v(), in.v()};
    if (!in.ok() || base.num == 0 || base.den == 0 || base.num >= kMaxTimeBase || base.den >= kMaxTimeBase)
      return false;
    header.time_bases.push_back(base);
  }
  return true;
}

/// One run of frame codes that share their properties; `next` is the first code it is for.
bool parse_code_run(ByteReader& in, MainHeader& header, FrameCode& code, std::size_t& next) {
  code.flags = static_cast<unsigned>(in.v() & 0xFFFF);
  const std::uint64_t fields = in.v();
  if (fields > 0) code.pts_delta = in.s();
  if (fields > 1) code.size_mul = in.v();
  if (fields > 2) code.stream = in.v();
  const std::uint64_t size = fields > 3 ? in.v() : 0;
  code.reserved_count = fields > 4 ? in.v() : 0;
  const std::uint64_t count = fields > 5 ? in.v() : code.size_mul - size;
  if (fields > 6) in.s();  // match_time_delta
  if (fields > 7) code.header_idx = in.v();
  for (std::uint64_t i = 8; i < fields && in.ok(); ++i) in.v();
  if (!in.ok() || count == 0 || count > 256 || code.size_mul > stream::kMaxFrameBytes || size > stream::kMaxFrameBytes)
    return false;
  for (std::uint64_t i = 0; i < count && next < header.codes.size(); ++next) {
    if (next == 'N') continue;  // start codes begin with it
    header.codes[next] = code;
    header.codes[next].size_lsb = size + i++;
  }
  return true;
}

bool parse_elision(ByteReader& in, MainHeader& header) {
  constexpr std::uint64_t kMaxHeaders = 128;
  constexpr std::size_t kMaxElisionBytes = 255;
  if (in.rest().empty()) return true;  // the earliest writers end here
  const std::uint64_t count = in.v();
  if (!in.ok() || count >= kMaxHeaders) return false;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto bytes = in.vb();
    if (!in.ok() || bytes.size() > kMaxElisionBytes) return false;
    header.elision.emplace_back(bytes.begin(), bytes.end());
  }
  return true;
}

bool ends_with_marker(std::span<const std::byte> rest) {
  return rest.size() >= kMarker.size() && std::memcmp(rest.data(), kMarker.data(), kMarker.size()) == 0;
}

bool parse_video(ByteReader& in, StreamHeader& header) {
  constexpr std::uint64_t kMaxSide = 16384;
  const std::uint64_t width = in.v();
  const std::uint64_t height = in.v();
  in.v();  // sample aspect ratio
  in.v();
  header.colour_space = in.v();
  if (!in.ok() || width > kMaxSide || height > kMaxSide) return false;
  header.size = {static_cast<int>(width), static_cast<int>(height)};
  return true;
}

bool parse_audio(ByteReader& in, StreamHeader& header) {
  constexpr std::uint64_t kMaxRate = 1'000'000;
  constexpr std::uint64_t kMaxChannels = 64;
  const std::uint64_t num = in.v();
  const std::uint64_t den = in.v();
  const std::uint64_t channels = in.v();
  if (!in.ok() || den == 0 || num / den == 0 || num / den > kMaxRate || channels == 0 || channels > kMaxChannels)
    return false;
  header.sample_rate_hz = static_cast<int>(num / den);
  header.channels = static_cast<int>(channels);
  return true;
}

/// The value of one info entry or side data item; text comes back, all else is passed over.
std::optional<std::string> read_value(ByteReader& in) {
  const std::int64_t kind = in.s();
  if (kind == -1) return in.text();
  if (kind == -2) {
    in.vb();
    in.vb();
  } else if (kind <= -3) {
    in.v();
  }
  return std::nullopt;
}

void take_info(Info& info, std::size_t stream_plus1, const std::string& key, const std::string& value) {
  constexpr std::size_t kMaxValue = 256;
  if (value.size() > kMaxValue) return;
  if (stream_plus1 == 0) {
    if (key == kKeyClock) info.clock = value;
    if (key == kKeyVersion) info.version = value;
    if (key == kKeySource) info.source = parse_source_status(value);
    return;
  }
  if (stream_plus1 > kMaxStreams) return;
  if (info.streams.size() < stream_plus1) info.streams.resize(stream_plus1);
  Info::Stream& stream = info.streams[stream_plus1 - 1];
  if (key == kKeyFrameRate) stream.frame_rate = value;
  if (key == kKeyRange) stream.range = value;
  if (key == kKeyMatrix) stream.matrix = value;
}

}  // namespace

std::optional<MainHeader> parse_main(std::span<const std::byte> body) {
  constexpr std::uint64_t kOldest = 2;
  constexpr std::uint64_t kNewest = 4;
  ByteReader in(body);
  MainHeader header;
  header.version = in.v();
  if (!in.ok() || header.version < kOldest || header.version > kNewest) return std::nullopt;
  if (header.version > 3) in.v();  // minor version
  header.stream_count = in.v();
  in.v();  // max_distance: only says where a writer must put syncpoints
  if (!in.ok() || header.stream_count == 0 || header.stream_count > kMaxStreams) return std::nullopt;
  if (!parse_time_bases(in, header)) return std::nullopt;
  FrameCode code;
  for (std::size_t next = 0; next < header.codes.size();) {
    if (!parse_code_run(in, header, code, next)) return std::nullopt;
  }
  if (!parse_elision(in, header)) return std::nullopt;
  if (header.version > 3 && !in.rest().empty()) header.flags = static_cast<unsigned>(in.v() & 0xFFFF);
  header.ours = header.version == 3 && ends_with_marker(in.rest());
  return in.ok() ? std::optional(std::move(header)) : std::nullopt;
}

std::optional<StreamHeader> parse_stream(std::span<const std::byte> body, const MainHeader& main) {
  constexpr unsigned kMaxDecodeDelay = 64;
  ByteReader in(body);
  StreamHeader header;
  header.id = in.v();
  header.kind = static_cast<unsigned>(std::min<std::uint64_t>(in.v(), 0xFF));
  const auto tag = in.vb();
  header.time_base = in.v();
  header.pts_shift = static_cast<unsigned>(std::min<std::uint64_t>(in.v(), 0xFF));
  in.v();  // max_pts_distance: says which frames must have a checksum
  const std::uint64_t delay = in.v();
  in.v();  // stream_flags
  const auto extradata = in.vb();
  if (!in.ok() || header.id >= main.stream_count || header.time_base >= main.time_bases.size() ||
      header.pts_shift >= 16 || delay > kMaxDecodeDelay || (tag.size() != 2 && tag.size() != 4)) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < tag.size(); ++i) header.tag |= static_cast<std::uint32_t>(tag[i]) << (8 * i);
  header.decode_delay = static_cast<unsigned>(delay);
  header.extradata.assign(extradata.begin(), extradata.end());
  if (header.kind == 0 && !parse_video(in, header)) return std::nullopt;
  if (header.kind == 1 && !parse_audio(in, header)) return std::nullopt;
  return header;
}

bool parse_info(std::span<const std::byte> body, Info& info) {
  ByteReader in(body);
  const std::uint64_t stream_plus1 = in.v();
  const std::int64_t chapter = in.s();
  in.v();  // start and length of the chapter
  in.v();
  const std::uint64_t count = in.v();
  Info taken = info;
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    const std::string key = in.text();
    const auto value = read_value(in);
    if (in.ok() && value && chapter == 0) take_info(taken, stream_plus1, key, *value);
  }
  if (!in.ok()) return false;
  info = std::move(taken);
  return true;
}

std::optional<Timestamp> parse_syncpoint(std::span<const std::byte> body, const MainHeader& main) {
  ByteReader in(body);
  const std::uint64_t coded = in.v();
  in.v();  // back pointer: for seeking
  if (!in.ok()) return std::nullopt;
  const std::size_t bases = main.time_bases.size();
  return Timestamp{coded / bases, main.time_bases[coded % bases]};
}

HeadResult parse_frame_head(std::span<const std::byte> bytes, const MainHeader& main, FrameHead& head) {
  ByteReader in(bytes.first(std::min(bytes.size(), kMaxFrameHeadBytes)));
  const FrameCode& code = main.codes[in.fixed(1)];
  if (!in.ok()) return HeadResult::more;
  head = {};
  head.flags = code.flags;
  if ((head.flags & kInvalid) != 0) return HeadResult::bad;
  if ((head.flags & kCoded) != 0) head.flags ^= static_cast<unsigned>(in.v() & 0xFFFF);
  head.stream = (head.flags & kStreamId) != 0 ? in.v() : code.stream;
  head.pts_coded = (head.flags & kCodedPts) != 0;
  if (head.pts_coded) head.coded_pts = in.v();
  head.pts_delta = code.pts_delta;
  const std::uint64_t msb = (head.flags & kSizeMsb) != 0 ? in.v() : 0;
  if ((head.flags & kMatchTime) != 0) in.s();
  head.header_idx = (head.flags & kHeaderIdx) != 0 ? in.v() : code.header_idx;
  head.reserved_count = (head.flags & kReserved) != 0 ? in.v() : code.reserved_count;
  for (std::size_t i = 0; i < head.reserved_count && in.ok(); ++i) {
    const std::uint64_t value = in.v();
    if (i < head.reserved.size()) head.reserved[i] = value;
  }
  const auto covered = bytes.first(in.position());
  const std::uint64_t expected = (head.flags & kChecksum) != 0 ? in.fixed(4) : checksum(covered);
  if (!in.enough()) return bytes.size() < kMaxFrameHeadBytes ? HeadResult::more : HeadResult::bad;
  if (!in.ok() || expected != checksum(covered) || head.stream >= main.stream_count ||
      head.header_idx >= main.elision.size()) {
    return HeadResult::bad;
  }
  std::uint64_t size = 0;
  if (__builtin_mul_overflow(msb, code.size_mul, &size) || __builtin_add_overflow(size, code.size_lsb, &size) ||
      size > stream::kMaxFrameBytes || size < main.elision[head.header_idx].size()) {
    return HeadResult::bad;
  }
  head.size = size - main.elision[head.header_idx].size();
  head.bytes = in.position();
  return HeadResult::ok;
}

std::optional<std::size_t> side_data_bytes(std::span<const std::byte> payload) {
  ByteReader in(payload);
  for (int part = 0; part < 2; ++part) {  // side data, then meta data
    const std::uint64_t count = in.v();
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
      in.vb();  // name
      read_value(in);
    }
  }
  return in.ok() ? std::optional(in.position()) : std::nullopt;
}

}  // namespace campipe::wire::nut
