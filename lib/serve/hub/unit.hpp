#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "media/packet.hpp"

namespace campipe::serve::hub {

/// What several clients need of one unit and only the first computes: the RTP split, a JPEG's tables. Kept with the
/// unit, one value per type. For the loop's thread.
class Derived {
public:
  /// The T of this unit; the first call makes it by make().
  template <class T, class Make>
  const T& get(Make&& make) const {
    for (const auto& [key, value] : values_) {
      if (key == &kKey<T>) return *static_cast<const T*>(value.get());
    }
    auto made = std::make_shared<const T>(std::forward<Make>(make)());
    const T& answer = *made;
    values_.emplace_back(&kKey<T>, std::move(made));
    return answer;
  }

private:
  template <class T>
  static constexpr char kKey = 0;
  mutable std::vector<std::pair<const char*, std::shared_ptr<const void>>> values_;
};

/// One access unit (or audio packet) as all clients of a stream share it. Immutable.
struct Unit {
  std::uint64_t index = 0;       ///< its place in the stream: from 0, without gaps, video and audio counted together
  std::uint32_t generation = 0;  ///< of the format it belongs to, Stream::generation() when it came
  std::int64_t arrived_ns = 0;   ///< CLOCK_MONOTONIC when it was read, or written where that is known (a ring)
  std::int64_t media_us = 0;     ///< its place in media time, without the steps of the source's clock
  media::Packet packet;
  Derived derived;

  /// From its capture until `now_ns` (CLOCK_MONOTONIC); from its arrival when the capture is not known, or is no time
  /// of ours that can be true.
  std::int64_t age_us(std::int64_t now_ns) const noexcept {
    return std::max<std::int64_t>(0, now_ns - taken_ns()) / 1000;
  }
  /// CLOCK_MONOTONIC of the capture, likewise.
  std::int64_t taken_ns() const noexcept {
    constexpr std::int64_t kMostNs = 60'000'000'000;  // on the way here
    const std::int64_t captured = packet.captured_ns.value_or(arrived_ns);
    return captured <= arrived_ns && arrived_ns - captured <= kMostNs ? captured : arrived_ns;
  }
  bool is_video() const noexcept { return packet.track == media::Track::video; }
  bool is_keyframe() const noexcept { return is_video() && packet.keyframe; }
};
using UnitPtr = std::shared_ptr<const Unit>;

}  // namespace campipe::serve::hub
