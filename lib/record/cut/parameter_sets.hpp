#pragma once
#include "media/packet.hpp"

namespace campipe::record::cut {

/// Whether a keyframe brings parameter sets that `video` does not have.
bool parameter_sets_changed(const media::VideoFormat& video, const media::Packet& keyframe);

/// Takes new parameter sets over from a keyframe. Answers whether the format is complete.
bool learn_format(media::VideoFormat& video, const media::Packet& keyframe);

}  // namespace campipe::record::cut
