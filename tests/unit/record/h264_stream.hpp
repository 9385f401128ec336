#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "media/packet.hpp"

namespace campipe::record {

/// SPS and PPS of x264 for 320x240 and 640x480 at 30 fps.
inline std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}
inline std::vector<std::byte> small_parameter_sets() {
  return bytes_of({0,    0,    0,    1,    0x67, 0xf4, 0x00, 0x0d, 0x91, 0x96, 0x40, 0x50, 0x7e,
                   0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c,
                   0x50, 0xa9, 0x20, 0,    0,    0,    1,    0x68, 0xeb, 0xc3, 0xc4, 0x48, 0x44});
}
inline std::vector<std::byte> big_parameter_sets() {
  return bytes_of({0,    0,    0,    1,    0x67, 0xf4, 0x00, 0x1e, 0x91, 0x96, 0x40, 0x28, 0x0f,
                   0x6c, 0x04, 0x40, 0x00, 0x00, 0x03, 0x00, 0x40, 0x00, 0x00, 0x0f, 0x03, 0xc5,
                   0x8b, 0x92, 0,    0,    0,    1,    0x68, 0xeb, 0xc3, 0xc4, 0x48, 0x44});
}

inline media::StreamFormat h264_format() {
  media::StreamFormat format;
  format.video.codec = media::VideoCodec::h264;
  format.video.size = {320, 240};
  format.video.frame_rate = {30, 1};
  format.video.parameter_sets = small_parameter_sets();
  return format;
}

inline constexpr std::int64_t kStartUs = 1'763'689'440'040'123;
inline constexpr std::int64_t kFrameUs = 33'333;

/// Picture `number` of a stream of 30 a second; every 30th is a keyframe with its parameter sets. Not decodable.
inline media::Packet h264_picture(std::int64_t number, const std::vector<std::byte>& sets = small_parameter_sets(),
                                  int gop = 30) {
  media::Packet packet;
  packet.pts_us = kStartUs + number * kFrameUs;
  packet.keyframe = number % gop == 0;
  std::vector<std::byte> bytes = packet.keyframe ? sets : std::vector<std::byte>{};
  const auto slice = bytes_of(
      {0, 0, 0, 1, packet.keyframe ? 0x65 : 0x41, 0x88, static_cast<int>(number & 0x7F) | 0x80, 0x11, 0x22, 0x33});
  bytes.insert(bytes.end(), slice.begin(), slice.end());
  packet.payload = media::Payload::from(std::move(bytes));
  return packet;
}

}  // namespace campipe::record
