#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "media/picture.hpp"

namespace campipe::ffmpeg {

/// libx264 for live video: a picture in, its access unit out, no B-frames, no lookahead. One per thread.
class H264Encoder {
public:
  struct Settings {
    Size size;                   ///< even
    Rational frame_rate{30, 1};  ///< what the bit rate is spread over; frames may come at other times
    media::ColourRange range = media::ColourRange::limited;
    media::ColourMatrix matrix = media::ColourMatrix::unknown;
    std::int64_t bitrate = 0;  ///< bit/s: kept on average over about a second
    std::string preset;        ///< x264's name
    int threads = 1;           ///< slices of one picture side by side; never adds delay
  };

  /// Throws Error(unavailable) when libavcodec has no libx264, Error(usage) for a preset that x264 does not have.
  explicit H264Encoder(const Settings& settings);
  ~H264Encoder();
  H264Encoder(const H264Encoder&) = delete;
  H264Encoder& operator=(const H264Encoder&) = delete;

  struct AccessUnit {
    std::span<const std::byte> bytes;  ///< as x264 makes it: Annex B without parameter sets; until the next call
    bool idr = false;
  };

  /// Encodes a yuv420p picture of the size in the settings; `idr` asks for an IDR picture.
  AccessUnit encode(const media::Picture& picture, bool idr);

  /// SPS and PPS as Annex B, as x264 puts them.
  std::span<const std::byte> parameter_sets() const;

private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace campipe::ffmpeg
