#pragma once
extern "C" {
#include <libavutil/log.h>
}

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ffmpeg/h264_encoder.hpp"
#include "ffmpeg/input.hpp"
#include "media/h264.hpp"
#include "media/packet.hpp"
#include "media/picture.hpp"

namespace campipe::ffmpeg {

/// What libavformat says about the damage done on purpose would hide what a test says.
inline const bool kQuiet = [] {
  av_log_set_level(AV_LOG_QUIET);
  return true;
}();

inline std::string data_path(const std::string& name) {
  return std::string(CAMPIPE_TEST_DATA) + "/media/" + name;
}

inline std::uint8_t byte_of(const media::Picture& picture, int plane, int x, int y) {
  const auto p = static_cast<std::size_t>(plane);
  return static_cast<std::uint8_t>(picture.plane[p][std::ptrdiff_t{y} * picture.stride_bytes[p] + x]);
}

/// yuv420p: a ramp of luma that moves with `number`, chroma of its own in each.
inline media::Picture ramp(media::BufferPool& pool, Size size, int number) {
  auto canvas = media::make_canvas(pool, media::PixelFormat::yuv420p, size);
  for (int p = 0; p < 3; ++p) {
    const auto plane = static_cast<std::size_t>(p);
    const auto width = static_cast<int>(media::row_bytes(media::PixelFormat::yuv420p, p, size.width_px));
    for (int y = 0; y < media::plane_rows(media::PixelFormat::yuv420p, p, size.height_px); ++y) {
      for (int x = 0; x < width; ++x) {
        const int value = p == 0 ? 32 + (x + 2 * y + 8 * number) % 192 : 96 + 32 * (p - 1) + number % 32;
        canvas.plane[plane][std::ptrdiff_t{y} * canvas.picture.stride_bytes[plane] + x] = static_cast<std::byte>(value);
      }
    }
  }
  return std::move(canvas).done();
}

/// The mean distance of two pictures' samples of one plane.
inline double distance(const media::Picture& a, const media::Picture& b, int plane) {
  double sum = 0;
  const auto width = static_cast<int>(media::row_bytes(a.format, plane, a.size.width_px));
  const int rows = media::plane_rows(a.format, plane, a.size.height_px);
  for (int y = 0; y < rows; ++y) {
    for (int x = 0; x < width; ++x) sum += std::abs(byte_of(a, plane, x, y) - byte_of(b, plane, x, y));
  }
  return sum / (static_cast<double>(width) * rows);
}

/// A stream and its packets, 25 a second.
struct Clip {
  media::StreamFormat format;
  std::vector<media::Packet> packets;
};

inline constexpr std::int64_t kStartUs = 1'763'689'440'040'123;
inline constexpr std::int64_t kFrameUs = 40'000;

inline H264Encoder::Settings small_settings(Size size = {160, 96}) {
  return {.size = size, .frame_rate = {25, 1}, .bitrate = 500'000, .preset = "ultrafast"};
}

/// H.264 of `ramp`, canonical packets, an IDR every `gop` frames.
inline Clip h264_clip(int frames, int gop = 10, Size size = {160, 96}) {
  media::BufferPool pool;
  H264Encoder encoder(small_settings(size));
  Clip clip;
  clip.format.video = {.codec = media::VideoCodec::h264,
                       .size = size,
                       .frame_rate = {25, 1},
                       .parameter_sets = media::h264::parameter_sets_of(encoder.parameter_sets())};
  for (int i = 0; i < frames; ++i) {
    const auto unit = encoder.encode(ramp(pool, size, i), i % gop == 0);
    media::Packet packet;
    packet.pts_us = kStartUs + i * kFrameUs;
    packet.keyframe = unit.idr;
    packet.payload = media::Payload::from(media::h264::canonical(unit.bytes, clip.format.video.parameter_sets));
    clip.packets.push_back(packet);
  }
  return clip;
}

/// All packets of a file until its end or a failure; `last` says which.
inline std::vector<InputPacket> packets_of(Input& input, InputRead* last = nullptr) {
  std::vector<InputPacket> packets;
  InputPacket packet;
  InputRead result = InputRead::packet;
  while ((result = input.read(packet)) == InputRead::packet) packets.push_back(packet);
  if (last != nullptr) *last = result;
  return packets;
}

inline std::unique_ptr<Input> open_file(const std::string& path) {
  int error = 0;
  auto input = Input::open("file:" + path, {.protocols = "file"}, error);
  EXPECT_NE(input, nullptr) << path << ": " << error;
  return input;
}

}  // namespace campipe::ffmpeg
