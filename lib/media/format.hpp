#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/units.hpp"
#include "media/pixel_format.hpp"

namespace campipe::media {

enum class VideoCodec { raw, mjpeg, h264, h265 };
enum class AudioCodec { aac, pcm_alaw, pcm_mulaw, opus, mp3, pcm_s16le };
enum class Track { video, audio };

/// Colour range of YUV samples; JPEG's is full.
enum class ColourRange { unknown, limited, full };
enum class ColourMatrix { unknown, bt601, bt709, bt2020 };

/// A video track. Canonical payloads: H.264 and H.265 as Annex B with 4-byte start codes, AUD and filler removed, the
/// parameter sets before each IDR; JPEG as full interchange with its Huffman tables; raw pictures as tight planes.
struct VideoFormat {
  VideoCodec codec = VideoCodec::raw;
  PixelFormat pixel_format = PixelFormat::none;  ///< raw only
  Size size;
  Rational frame_rate;  ///< nominal; 0/1 = unknown or variable
  ColourRange range = ColourRange::unknown;
  ColourMatrix matrix = ColourMatrix::unknown;
  /// H.264: SPS and PPS, H.265: VPS, SPS and PPS, as Annex B with 4-byte start codes; empty while unknown. Others:
  /// empty.
  std::vector<std::byte> parameter_sets;

  /// Whether packets of `other` can follow without a decoder or a file starting anew. Frame rate does not count.
  bool same_stream(const VideoFormat& other) const;
  bool operator==(const VideoFormat&) const = default;
};

/// An audio track; carried and copied, never decoded. AAC: raw access units.
struct AudioFormat {
  AudioCodec codec = AudioCodec::aac;
  int sample_rate_hz = 0;
  int channels = 0;
  std::vector<std::byte> extradata;  ///< AAC: AudioSpecificConfig; Opus: OpusHead; others: empty
  bool operator==(const AudioFormat&) const = default;
};

/// What one link carries: one video track and at most one audio track, on one clock.
struct StreamFormat {
  VideoFormat video;
  std::optional<AudioFormat> audio;
  std::optional<StreamClock> clock;  ///< unknown for foreign input
  bool operator==(const StreamFormat&) const = default;
};

std::string_view name(VideoCodec codec) noexcept;  ///< "raw", "mjpeg", "h264", "h265"
std::string_view name(AudioCodec codec) noexcept;
std::string_view name(ColourRange range) noexcept;
std::string_view name(ColourMatrix matrix) noexcept;

/// "h264 1280x720 30 fps" or "raw yuyv422 640x480 30 fps", for messages.
std::string describe(const VideoFormat& format);
std::string describe(const StreamFormat& format);

}  // namespace campipe::media
