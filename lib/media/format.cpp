#include "media/format.hpp"

#include <fmt/format.h>

namespace campipe::media {

bool VideoFormat::same_stream(const VideoFormat& other) const {
  return codec == other.codec && pixel_format == other.pixel_format && size == other.size && range == other.range &&
         matrix == other.matrix && parameter_sets == other.parameter_sets;
}

std::string_view name(VideoCodec codec) noexcept {
  switch (codec) {
    case VideoCodec::raw:
      return "raw";
    case VideoCodec::mjpeg:
      return "mjpeg";
    case VideoCodec::h264:
      return "h264";
    case VideoCodec::h265:
      return "h265";
  }
  return "?";
}

std::string_view name(AudioCodec codec) noexcept {
  switch (codec) {
    case AudioCodec::aac:
      return "aac";
    case AudioCodec::pcm_alaw:
      return "pcm_alaw";
    case AudioCodec::pcm_mulaw:
      return "pcm_mulaw";
    case AudioCodec::opus:
      return "opus";
    case AudioCodec::mp3:
      return "mp3";
    case AudioCodec::pcm_s16le:
      return "pcm_s16le";
  }
  return "?";
}

std::string_view name(ColourRange range) noexcept {
  switch (range) {
    case ColourRange::unknown:
      return "unknown";
    case ColourRange::limited:
      return "limited";
    case ColourRange::full:
      return "full";
  }
  return "?";
}

std::string_view name(ColourMatrix matrix) noexcept {
  switch (matrix) {
    case ColourMatrix::unknown:
      return "unknown";
    case ColourMatrix::bt601:
      return "bt601";
    case ColourMatrix::bt709:
      return "bt709";
    case ColourMatrix::bt2020:
      return "bt2020";
  }
  return "?";
}

std::string describe(const VideoFormat& format) {
  std::string text(name(format.codec));
  if (format.codec == VideoCodec::raw) text += fmt::format(" {}", name(format.pixel_format));
  text += fmt::format(" {}x{}", format.size.width_px, format.size.height_px);
  if (format.frame_rate) text += fmt::format(" {} fps", format_rate(format.frame_rate));
  return text;
}

std::string describe(const StreamFormat& format) {
  std::string text = describe(format.video);
  if (format.audio) {
    text += fmt::format(" + {} {} Hz {} ch", name(format.audio->codec), format.audio->sample_rate_hz,
                        format.audio->channels);
  }
  return text;
}

}  // namespace campipe::media
