#include "capture/network/audio_track.hpp"

#include <algorithm>
#include <array>

namespace campipe::capture::network {

namespace {

constexpr std::array<int, 13> kRates{96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                     22050, 16000, 12000, 11025, 8000,  7350};

std::vector<std::byte> specific_config(unsigned object_type, unsigned rate_index, unsigned channels) {
  return {static_cast<std::byte>(object_type << 3 | rate_index >> 1),
          static_cast<std::byte>((rate_index & 1) << 7 | channels << 3)};
}

/// AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1) of AAC-LC; empty for a rate or channels that it has no number for.
std::vector<std::byte> low_complexity_config(int sample_rate_hz, int channels) {
  const auto* rate = std::ranges::find(kRates, sample_rate_hz);
  if (rate == kRates.end() || channels > 6) return {};
  return specific_config(2, static_cast<unsigned>(rate - kRates.begin()), static_cast<unsigned>(channels));
}

}  // namespace

std::optional<Adts> parse_adts(std::span<const std::byte> bytes) {
  if (bytes.size() < 7) return std::nullopt;
  const auto at = [&](std::size_t i) { return std::to_integer<unsigned>(bytes[i]); };
  if (at(0) != 0xff || (at(1) & 0xf6) != 0xf0) return std::nullopt;
  const unsigned object_type = (at(2) >> 6) + 1, rate_index = at(2) >> 2 & 15, channels = (at(2) & 1) << 2 | at(3) >> 6;
  Adts adts;
  adts.header_bytes = (at(1) & 1) != 0 ? 7 : 9;  // with or without CRC
  adts.frame_bytes = (at(3) & 3) << 11 | at(4) << 3 | at(5) >> 5;
  if (rate_index >= kRates.size() || adts.frame_bytes <= adts.header_bytes || adts.frame_bytes > bytes.size())
    return std::nullopt;
  adts.sample_rate_hz = kRates[rate_index];
  adts.channels = channels == 7 ? 8 : static_cast<int>(channels);
  adts.audio_specific_config = specific_config(object_type, rate_index, channels);
  return adts;
}

AudioTrack::AudioTrack(media::AudioFormat format, std::vector<std::byte> extradata) : format_(std::move(format)) {
  if (format_.codec == media::AudioCodec::aac || format_.codec == media::AudioCodec::opus)
    format_.extradata = std::move(extradata);
  if (format_.sample_rate_hz <= 0 || format_.channels <= 0) return;
  if (format_.codec == media::AudioCodec::aac && format_.extradata.empty()) {
    // ADTS (a transport stream) tells with each frame; nearly all is AAC-LC, and a format told ahead need not be
    // changed.
    format_.extradata = low_complexity_config(format_.sample_rate_hz, format_.channels);
    if (format_.extradata.empty()) return;
  }
  complete_ = format_;
}

std::optional<media::Payload> AudioTrack::take(const media::Payload& payload) {
  const auto adts = format_.codec == media::AudioCodec::aac ? parse_adts(payload.bytes()) : std::nullopt;
  if (!adts || (adts->frame_bytes != payload.size() && complete_))
    return complete_ ? std::optional(payload) : std::nullopt;
  if (adts->channels > 0 && (!complete_ || adts->audio_specific_config != format_.extradata)) {
    format_.sample_rate_hz = adts->sample_rate_hz;
    format_.channels = adts->channels;
    format_.extradata = adts->audio_specific_config;
    complete_ = format_;
  }
  if (!complete_) return std::nullopt;
  return payload.part(adts->header_bytes, adts->frame_bytes - adts->header_bytes);
}

}  // namespace campipe::capture::network
