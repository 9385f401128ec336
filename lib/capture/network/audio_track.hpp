#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "media/format.hpp"
#include "media/payload.hpp"

namespace campipe::capture::network {

/// Brings a source's audio into canonical form: AAC as raw access units with its AudioSpecificConfig (ADTS headers,
/// ISO/IEC 13818-7, 6.2, are taken off), the rest as it is.
class AudioTrack {
public:
  AudioTrack(media::AudioFormat format, std::vector<std::byte> extradata);

  /// The format once it is complete: for AAC without extradata only after the first ADTS frame.
  const std::optional<media::AudioFormat>& format() const noexcept { return complete_; }
  /// The canonical payload, or nothing for what is damaged or comes before the format is known.
  std::optional<media::Payload> take(const media::Payload& payload);

private:
  media::AudioFormat format_;
  std::optional<media::AudioFormat> complete_;
};

/// An ADTS frame's header.
struct Adts {
  std::size_t header_bytes = 0, frame_bytes = 0;
  int sample_rate_hz = 0, channels = 0;
  std::vector<std::byte> audio_specific_config;
};
std::optional<Adts> parse_adts(std::span<const std::byte> bytes);

}  // namespace campipe::capture::network
