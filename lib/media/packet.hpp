#pragma once
#include <cstdint>
#include <optional>

#include "media/format.hpp"
#include "media/payload.hpp"

namespace campipe::media {

/// One raw picture or one access unit in transit. What is unknown (foreign input) is absent, never zero.
struct Packet {
  Track track = Track::video;
  std::int64_t pts_us = 0;                  ///< Unix time on the stream's clock
  std::optional<std::int64_t> dts_us;       ///< absent: equal to pts; strictly increasing per track
  std::optional<std::int64_t> captured_ns;  ///< CLOCK_MONOTONIC: start of exposure or first byte
  std::optional<std::uint64_t> sequence;    ///< the driver's count; a gap is a frame lost before us
  bool keyframe = false;                    ///< decodable alone; raw pictures, JPEG and audio always
  bool corrupt = false;                     ///< the source said so, or part of it is missing
  bool discontinuity = false;               ///< something before it is missing or the clock jumped
  Payload payload;
};

inline std::int64_t decode_time_us(const Packet& packet) noexcept {
  return packet.dts_us.value_or(packet.pts_us);
}

}  // namespace campipe::media
