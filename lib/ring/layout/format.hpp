#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ring/layout/layout.hpp"

namespace campipe::ring::layout {

/// FormatFields::codec. Payloads are canonical: Annex B with 4-byte start codes, JPEG with its Huffman tables.
enum class Codec : std::uint32_t { raw = 1, mjpeg = 2, h264 = 3, h265 = 4 };
enum class AudioCodec : std::uint32_t {
  none = 0,
  aac = 1,
  pcm_alaw = 2,
  pcm_mulaw = 3,
  opus = 4,
  mp3 = 5,
  pcm_s16le = 6
};
enum class Range : std::uint32_t { unknown = 0, limited = 1, full = 2 };
enum class Matrix : std::uint32_t { unknown = 0, bt601 = 1, bt709 = 2, bt2020 = 3 };

/// The format of a stream in a ring: one video track, and beside coded video at most one audio track.
struct Format {
  Codec codec = Codec::raw;
  std::string pixel_format;  ///< raw: FFmpeg's name, at most 23 letters
  std::uint32_t width_px = 0, height_px = 0;
  std::uint32_t rate_num = 0, rate_den = 1;  ///< frames a second; 0/1 = unknown or variable
  Range range = Range::unknown;
  Matrix matrix = Matrix::unknown;
  std::vector<std::byte> parameter_sets;  ///< Annex B

  AudioCodec audio_codec = AudioCodec::none;
  std::uint32_t audio_rate_hz = 0, audio_channels = 0;
  std::vector<std::byte> audio_extradata;

  std::int64_t anchor_realtime_us = 0, anchor_monotonic_ns = 0;  ///< the stream's clock
  std::string boot_id;                                           ///< empty = the clock is not known

  Kind kind() const noexcept { return codec == Codec::raw ? Kind::raw : Kind::coded; }
  bool operator==(const Format&) const = default;
};

/// As it lies in shared memory. Parameter sets and extradata that have no room together are left out (they also stand
/// before each keyframe).
FormatFields to_fields(const Format& format);

/// Answers false for what no writer of ours writes: unknown codecs, impossible sizes and lengths.
bool from_fields(const FormatFields& fields, Format& format);

/// "h264 1280x720 30 fps", "raw yuv420p 1920x1080 60 fps"
std::string describe(const Format& format);

std::string_view name(Codec codec) noexcept;

}  // namespace campipe::ring::layout
