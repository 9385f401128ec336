#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "media/format.hpp"

namespace campipe::wire::nut {

/// Four-byte codec tags, first character in the lowest byte. Those we write are the ones libavformat writes and maps
/// back to the same codec and pixel format; reading knows common others too.
std::uint32_t video_tag(const media::VideoFormat& format) noexcept;
std::uint32_t audio_tag(media::AudioCodec codec) noexcept;

struct VideoKind {
  media::VideoCodec codec = media::VideoCodec::raw;
  media::PixelFormat pixel_format = media::PixelFormat::none;
};
std::optional<VideoKind> video_kind(std::uint32_t tag) noexcept;
std::optional<media::AudioCodec> audio_kind(std::uint32_t tag) noexcept;

/// "VP90", bytes that are no letters as [18].
std::string tag_text(std::uint32_t tag);

}  // namespace campipe::wire::nut
