#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/units.hpp"
#include "media/format.hpp"

namespace campipe::codec {

enum class Target { mjpeg, h264, raw, copy };
std::optional<Target> target_by_name(std::string_view name) noexcept;
std::string_view name(Target target) noexcept;

/// -s: both sides, or one and the other by the picture's shape ("1280x720", "1280x", "x720").
struct SizeRequest {
  int width_px = 0;   ///< 0: by the height
  int height_px = 0;  ///< 0: by the width

  /// The size for a source: even, at least 16, at most 16384.
  Size resolve(Size source) const noexcept;
  bool operator==(const SizeRequest&) const = default;
};
std::optional<SizeRequest> parse_size_request(std::string_view text) noexcept;

/// What is asked of the encoder; what is absent is chosen.
struct Settings {
  Target target = Target::mjpeg;
  std::optional<SizeRequest> size;
  std::optional<Rational> rate;
  std::optional<int> quality;                      ///< MJPEG: 1 to 100
  std::optional<std::int64_t> bitrate;             ///< H.264: bit/s
  std::optional<int> gop_frames;                   ///< H.264; absent: an IDR a second
  std::optional<std::string> preset;               ///< H.264: x264's
  std::optional<media::PixelFormat> pixel_format;  ///< raw
  int threads = 0;                                 ///< 0: as many as the pictures need and the machine has
};

constexpr int kDefaultQuality = 80;

/// About a tenth of a bit a pixel at 30 fps, less for each frame of a higher rate.
std::int64_t default_bitrate(Size size, Rational rate) noexcept;

/// superfast up to 720p30, above it ultrafast, which takes half the time: of a noisy 1080p scene 13 ms instead of 25 on
/// one core at 2.5 GHz, which has the rest of a chain to run too (bench/codec_bench.cpp).
std::string_view default_preset(Size size, Rational rate) noexcept;

/// One thread up to 720p30, then one for each such load, at most the machine's.
int default_threads(Size size, Rational rate, int cores) noexcept;

/// Whether packets of `source` already are what is asked for, so that they can be passed on as they are. `thin`: but
/// for the rate, which pictures that stand alone are simply thinned out to.
enum class Way { pass, thin, transcode };
Way way_for(const media::VideoFormat& source, const Settings& settings) noexcept;

}  // namespace campipe::codec
