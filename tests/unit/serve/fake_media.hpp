#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "media/packet.hpp"
#include "serve/hub/cursor.hpp"
#include "serve/hub/hub.hpp"
#include "serve/hub/stream.hpp"

namespace campipe::serve::fake {

inline media::StreamFormat format(media::VideoCodec codec, int width = 640, int height = 360) {
  media::StreamFormat out;
  out.video.codec = codec;
  out.video.size = {width, height};
  out.video.frame_rate = {30, 1};
  return out;
}

/// A picture of `bytes` bytes; `number` gives its time at 30 a second.
inline media::Packet picture(std::int64_t number, bool keyframe = true, std::size_t bytes = 100) {
  media::Packet packet;
  packet.pts_us = 1'700'000'000'000'000 + number * 1'000'000 / 30;
  packet.captured_ns = number * 1'000'000'000 / 30;
  packet.sequence = static_cast<std::uint64_t>(number);
  packet.keyframe = keyframe;
  packet.payload = media::Payload::from(std::vector<std::byte>(bytes, std::byte{static_cast<unsigned char>(number)}));
  return packet;
}

inline media::Packet sound(std::int64_t number) {
  media::Packet packet = picture(number, true, 20);
  packet.track = media::Track::audio;
  packet.sequence.reset();
  return packet;
}

inline media::StreamFormat with_audio(media::StreamFormat format,
                                      media::AudioCodec codec = media::AudioCodec::pcm_mulaw) {
  format.audio = media::AudioFormat{codec, 8000, 1, {}};
  return format;
}

/// A clock that tests turn.
struct Clock {
  std::int64_t now_ns = 1'000'000'000;
  hub::Stream::Clock function() {
    return [this] { return now_ns; };
  }
};

/// Notes what it is told.
struct Source : hub::StreamSource {
  void set_wanted(bool wanted) noexcept override {
    now = wanted;
    ++changes;
  }
  void request_keyframe() noexcept override { ++keyframes; }
  bool now = false;
  int changes = 0, keyframes = 0;
};

/// A client that takes what it can and can be told to take nothing.
class Taker : public hub::Client {
public:
  Taker(hub::Stream& stream, hub::LagPolicy policy) : cursor(stream, policy), attachment(stream, *this) {}

  void take() {
    while (const hub::UnitPtr unit = cursor.next()) {
      cursor.sent(*unit, unit->packet.payload.size());
      taken.push_back(unit->index);
    }
  }
  void on_units_available() override {
    if (!stuck) take();
  }
  void on_format_changed() override { ++formats; }
  void on_stream_ended() override { ended = true; }
  void end(std::string_view) override { ended = true; }
  std::string_view protocol() const override { return "test"; }
  std::string peer() const override { return "192.0.2.1:1"; }
  std::int64_t connected_at_us() const override { return 0; }
  std::int64_t lag_us() const override { return cursor.lag_us(); }
  hub::ClientCounters counters() const override { return cursor.counters(); }

  hub::Cursor cursor;
  hub::Attachment attachment;
  std::vector<std::uint64_t> taken;
  int formats = 0;
  bool stuck = false, ended = false;
};

}  // namespace campipe::serve::fake
