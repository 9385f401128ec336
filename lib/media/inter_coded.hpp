#pragma once
#include "media/format.hpp"

namespace campipe::media {

/// Whether frames need others before them, so that a decoder can begin at a keyframe only.
constexpr bool is_inter_coded(VideoCodec codec) noexcept {
  return codec == VideoCodec::h264 || codec == VideoCodec::h265;
}

}  // namespace campipe::media
