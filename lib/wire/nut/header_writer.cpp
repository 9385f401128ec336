#include <utility>

#include "base/clock.hpp"
#include "wire/nut/headers.hpp"
#include "wire/nut/tags.hpp"

namespace campipe::wire::nut {

namespace {

using media::ColourMatrix;
using media::ColourRange;
using Pairs = std::vector<std::pair<std::string_view, std::string>>;

/// `count` frame codes with the same properties.
void write_codes(ByteWriter& out, unsigned flags, std::uint64_t reserved, int count) {
  constexpr int kFields = 6;
  out.v(flags);
  out.v(kFields);
  out.s(0);  // pts delta
  out.v(1);  // size multiplier
  out.v(0);  // stream
  out.v(0);  // low part of the size
  out.v(reserved);
  out.v(static_cast<std::uint64_t>(count));
}

void write_main(ByteWriter& out, std::size_t streams) {
  ByteWriter body;
  body.v(3);  // version
  body.v(streams);
  body.v(kMaxDistance);
  body.v(1);  // one time base: microseconds
  body.v(1);
  body.v(1'000'000);
  static_assert(kFrameCode < 'N', "the last run of codes counts one less for 'N', which is no code");
  write_codes(body, kInvalid, 0, kFrameCode);
  write_codes(body, kFrameCodeFlags, kFieldCount, 1);
  write_codes(body, kInvalid, 0, 256 - kFrameCode - 1 - 1);
  body.v(0);  // no elision headers
  body.raw(kMarker);
  out.packet(kMainStart, body);
}

/// NUT's colorspace_type; what it cannot say stands in the info packet alone.
std::uint64_t colour_space(const media::VideoFormat& format) {
  const bool full = format.range == ColourRange::full;
  if (format.range == ColourRange::unknown) return 0;
  if (format.matrix == ColourMatrix::bt601) return full ? 17 : 1;
  if (format.matrix == ColourMatrix::bt709) return full ? 18 : 2;
  return 0;
}

void start_stream(ByteWriter& body, std::uint64_t id, std::uint64_t kind, std::uint32_t tag, unsigned decode_delay,
                  std::span<const std::byte> extradata) {
  body.v(id);
  body.v(kind);
  body.v(4);
  for (int i = 0; i < 4; ++i) body.fixed(tag >> (8 * i) & 0xFF, 1);
  body.v(0);  // time base
  body.v(kPtsShift);
  body.v(0);  // max_pts_distance: every frame has a checksum
  body.v(decode_delay);
  body.v(0);  // stream flags: frame rate need not be constant
  body.vb(extradata);
}

void write_video(ByteWriter& out, const media::VideoFormat& format, unsigned decode_delay) {
  ByteWriter body;
  start_stream(body, 0, 0, video_tag(format), decode_delay, format.parameter_sets);
  body.v(static_cast<std::uint64_t>(format.size.width_px));
  body.v(static_cast<std::uint64_t>(format.size.height_px));
  body.v(0);  // sample aspect ratio unknown
  body.v(0);
  body.v(colour_space(format));
  out.packet(kStreamStart, body);
}

void write_audio(ByteWriter& out, const media::AudioFormat& format) {
  ByteWriter body;
  start_stream(body, 1, 1, audio_tag(format.codec), 0, format.extradata);
  body.v(static_cast<std::uint64_t>(format.sample_rate_hz));
  body.v(1);
  body.v(static_cast<std::uint64_t>(format.channels));
  out.packet(kStreamStart, body);
}

void write_info(ByteWriter& out, std::uint64_t stream_plus1, const Pairs& pairs) {
  if (pairs.empty()) return;
  ByteWriter body;
  body.v(stream_plus1);
  body.s(0);  // no chapter
  body.v(0);
  body.v(0);
  body.v(pairs.size());
  for (const auto& [key, value] : pairs) {
    body.vb(key);
    body.s(-1);  // UTF-8
    body.vb(value);
  }
  out.packet(kInfoStart, body);
}

Pairs stream_facts(const media::StreamFormat& format) {
  Pairs pairs{{kKeyVersion, CAMPIPE_VERSION}};
  if (format.clock) {
    pairs.emplace_back(kKeyClock, format.clock->to_string());
    if (format.clock->boot_id == boot_id()) {
      pairs.emplace_back(kKeyOffset, std::to_string(realtime_us() - format.clock->pts_us(monotonic_ns())));
    }
  }
  return pairs;
}

Pairs video_facts(const media::VideoFormat& format) {
  Pairs pairs;
  if (format.frame_rate) {
    pairs.emplace_back(kKeyFrameRate,
                       std::to_string(format.frame_rate.num) + "/" + std::to_string(format.frame_rate.den));
  }
  if (format.range != ColourRange::unknown) pairs.emplace_back(kKeyRange, media::name(format.range));
  if (format.matrix != ColourMatrix::unknown) pairs.emplace_back(kKeyMatrix, media::name(format.matrix));
  return pairs;
}

}  // namespace

void write_source(ByteWriter& out, const SourceStatus& status) {
  write_info(out, 0, {{kKeySource, to_text(status)}});
}

void write_headers(ByteWriter& out, const media::StreamFormat& format, unsigned decode_delay) {
  write_main(out, format.audio ? 2 : 1);
  write_video(out, format.video, decode_delay);
  if (format.audio) write_audio(out, *format.audio);
  write_info(out, 0, stream_facts(format));
  write_info(out, 1, video_facts(format.video));
}

}  // namespace campipe::wire::nut
