#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "media/format.hpp"
#include "stamp.hpp"

namespace fanout {

/// A short recording that is sent again and again, each frame with room for a stamp. MJPEG or H.264.
class Clip {
public:
  struct Frame {
    StampedFrame coded;
    bool keyframe = false;
  };

  /// Reads all of a NUT file. Throws campipe::Error when there is none, or no such picture in it.
  explicit Clip(const std::string& path);

  const campipe::media::StreamFormat& format() const noexcept { return format_; }
  std::int64_t frame_ns() const noexcept { return frame_ns_; }  ///< from one frame to the next
  std::size_t size() const noexcept { return frames_.size(); }
  /// The frame to send now, stamped with `now_ns`.
  const Frame& next(std::int64_t now_ns);

private:
  campipe::media::StreamFormat format_;
  std::vector<Frame> frames_;
  std::int64_t frame_ns_ = 0;
  std::size_t next_ = 0;
};

}  // namespace fanout
