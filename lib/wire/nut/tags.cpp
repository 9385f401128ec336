#include "wire/nut/tags.hpp"

#include <array>
#include <cctype>

#include <fmt/format.h>

namespace campipe::wire::nut {

namespace {

using media::AudioCodec;
using media::PixelFormat;
using media::VideoCodec;

constexpr std::uint32_t tag(char a, char b, char c, char d) {
  const auto byte = [](char letter) { return static_cast<std::uint32_t>(static_cast<unsigned char>(letter)); };
  return byte(a) | byte(b) << 8 | byte(c) << 16 | byte(d) << 24;
}

struct VideoTag {
  std::uint32_t tag;
  VideoCodec codec;
  PixelFormat pixel_format;
};

// The first entry of a kind is the one we write. gray16le's and rgb565le's tags end in the number of bits.
constexpr std::array kVideo = std::to_array<VideoTag>({
    {tag('H', '2', '6', '4'), VideoCodec::h264, PixelFormat::none},
    {tag('h', '2', '6', '4'), VideoCodec::h264, PixelFormat::none},
    {tag('a', 'v', 'c', '1'), VideoCodec::h264, PixelFormat::none},
    {tag('A', 'V', 'C', '1'), VideoCodec::h264, PixelFormat::none},
    {tag('X', '2', '6', '4'), VideoCodec::h264, PixelFormat::none},
    {tag('H', 'E', 'V', 'C'), VideoCodec::h265, PixelFormat::none},
    {tag('H', '2', '6', '5'), VideoCodec::h265, PixelFormat::none},
    {tag('h', 'v', 'c', '1'), VideoCodec::h265, PixelFormat::none},
    {tag('h', 'e', 'v', '1'), VideoCodec::h265, PixelFormat::none},
    {tag('M', 'J', 'P', 'G'), VideoCodec::mjpeg, PixelFormat::none},
    {tag('m', 'j', 'p', 'g'), VideoCodec::mjpeg, PixelFormat::none},
    {tag('j', 'p', 'e', 'g'), VideoCodec::mjpeg, PixelFormat::none},
    {tag('J', 'P', 'E', 'G'), VideoCodec::mjpeg, PixelFormat::none},
    {tag('I', '4', '2', '0'), VideoCodec::raw, PixelFormat::yuv420p},
    {tag('I', 'Y', 'U', 'V'), VideoCodec::raw, PixelFormat::yuv420p},
    {tag('Y', '4', '2', 'B'), VideoCodec::raw, PixelFormat::yuv422p},
    {tag('4', '2', '2', 'P'), VideoCodec::raw, PixelFormat::yuv422p},
    {tag('4', '4', '4', 'P'), VideoCodec::raw, PixelFormat::yuv444p},
    {tag('N', 'V', '1', '2'), VideoCodec::raw, PixelFormat::nv12},
    {tag('N', 'V', '2', '1'), VideoCodec::raw, PixelFormat::nv21},
    {tag('N', 'V', '1', '6'), VideoCodec::raw, PixelFormat::nv16},
    {tag('Y', 'U', 'Y', '2'), VideoCodec::raw, PixelFormat::yuyv422},
    {tag('Y', 'U', 'Y', 'V'), VideoCodec::raw, PixelFormat::yuyv422},
    {tag('Y', '4', '2', '2'), VideoCodec::raw, PixelFormat::yuyv422},
    {tag('U', 'Y', 'V', 'Y'), VideoCodec::raw, PixelFormat::uyvy422},
    {tag('Y', 'V', 'Y', 'U'), VideoCodec::raw, PixelFormat::yvyu422},
    {tag('Y', '8', '0', '0'), VideoCodec::raw, PixelFormat::gray},
    {tag('Y', '8', ' ', ' '), VideoCodec::raw, PixelFormat::gray},
    {tag('G', 'R', 'E', 'Y'), VideoCodec::raw, PixelFormat::gray},
    {tag('Y', '1', '\0', '\x10'), VideoCodec::raw, PixelFormat::gray16le},
    {tag('R', 'G', 'B', '\x18'), VideoCodec::raw, PixelFormat::rgb24},
    {tag('B', 'G', 'R', '\x18'), VideoCodec::raw, PixelFormat::bgr24},
    {tag('R', 'G', 'B', 'A'), VideoCodec::raw, PixelFormat::rgba},
    {tag('B', 'G', 'R', 'A'), VideoCodec::raw, PixelFormat::bgra},
    {tag('R', 'G', 'B', '\0'), VideoCodec::raw, PixelFormat::rgb0},
    {tag('B', 'G', 'R', '\0'), VideoCodec::raw, PixelFormat::bgr0},
    {tag('R', 'G', 'B', '\x10'), VideoCodec::raw, PixelFormat::rgb565le},
});

struct AudioTag {
  std::uint32_t tag;
  AudioCodec codec;
};

// Mostly the numbers of RIFF's WAVEFORMATEX, as libavformat writes them.
constexpr std::array kAudio = std::to_array<AudioTag>({
    {0x00FF, AudioCodec::aac},
    {0x1600, AudioCodec::aac},
    {tag('m', 'p', '4', 'a'), AudioCodec::aac},
    {0x0006, AudioCodec::pcm_alaw},
    {tag('A', 'L', 'A', 'W'), AudioCodec::pcm_alaw},
    {tag('a', 'l', 'a', 'w'), AudioCodec::pcm_alaw},
    {0x0007, AudioCodec::pcm_mulaw},
    {tag('U', 'L', 'A', 'W'), AudioCodec::pcm_mulaw},
    {tag('u', 'l', 'a', 'w'), AudioCodec::pcm_mulaw},
    {tag('O', 'p', 'u', 's'), AudioCodec::opus},
    {tag('O', 'P', 'U', 'S'), AudioCodec::opus},
    {0x0055, AudioCodec::mp3},
    {tag('M', 'P', '3', ' '), AudioCodec::mp3},
    {tag('m', 'p', '3', ' '), AudioCodec::mp3},
    {tag('P', 'S', 'D', '\x10'), AudioCodec::pcm_s16le},
});

}  // namespace

std::uint32_t video_tag(const media::VideoFormat& format) noexcept {
  const PixelFormat pixels = format.codec == VideoCodec::raw ? format.pixel_format : PixelFormat::none;
  for (const VideoTag& entry : kVideo) {
    if (entry.codec == format.codec && entry.pixel_format == pixels) return entry.tag;
  }
  return 0;
}

std::uint32_t audio_tag(AudioCodec codec) noexcept {
  for (const AudioTag& entry : kAudio) {
    if (entry.codec == codec) return entry.tag;
  }
  return 0;
}

std::optional<VideoKind> video_kind(std::uint32_t tag) noexcept {
  for (const VideoTag& entry : kVideo) {
    if (entry.tag == tag) return VideoKind{entry.codec, entry.pixel_format};
  }
  return std::nullopt;
}

std::optional<AudioCodec> audio_kind(std::uint32_t tag) noexcept {
  for (const AudioTag& entry : kAudio) {
    if (entry.tag == tag) return entry.codec;
  }
  return std::nullopt;
}

std::string tag_text(std::uint32_t tag) {
  std::string text;
  for (int i = 0; i < 4; ++i) {
    const unsigned letter = tag >> (8 * i) & 0xFF;
    text += std::isgraph(static_cast<int>(letter)) != 0 ? std::string(1, static_cast<char>(letter))
                                                        : fmt::format("[{}]", letter);
  }
  return text;
}

}  // namespace campipe::wire::nut
