#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "media/format.hpp"
#include "media/payload.hpp"

namespace campipe::capture {

/// Brings JPEG images and H.264 or H.265 access units of cameras, servers and files into canonical form and learns
/// size, colours and parameter sets from them. One track. Nothing is decoded.
class CodedVideo {
public:
  /// @param extradata  What the container or the server says ahead: avcC or hvcC, Annex B, or nothing.
  CodedVideo(media::VideoFormat format, std::span<const std::byte> extradata);

  enum class Verdict {
    good,
    format,   ///< good, and format() is new
    waiting,  ///< of no use before the first keyframe with its parameter sets
    damaged,  ///< cut off or no such thing: count it and leave it out
  };

  /// Takes the next one. After good and format, payload() and keyframe() are set.
  Verdict take(const media::Payload& payload);

  const media::VideoFormat& format() const noexcept { return format_; }  ///< complete after the first Verdict::format
  media::Payload& payload() noexcept { return payload_; }
  bool keyframe() const noexcept { return keyframe_; }
  /// The most pictures that may come between decoding and showing one; 0 promises that dts is pts.
  int reorder_depth() const noexcept { return reorder_depth_; }

  /// Something before the next one was lost.
  void restart() noexcept { waiting_ = true; }

private:
  Verdict take_jpeg(const media::Payload& payload);
  Verdict take_nals(const media::Payload& payload);
  bool learn(std::vector<std::byte> parameter_sets);

  media::VideoFormat format_;
  Rational container_rate_;
  media::Payload payload_;
  bool keyframe_ = false;
  bool told_ = false;     // format() was announced
  bool waiting_ = true;   // for a keyframe
  int length_bytes_ = 0;  // 0 = Annex B
  int reorder_depth_ = 0;
  int endless_ = 0;       // JPEGs without EOI in a row
  bool saw_end_ = false;  // a JPEG with EOI
};

}  // namespace campipe::capture
