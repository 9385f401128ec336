#pragma once
#include <string>

#include "media/format.hpp"
#include "ring/layout/format.hpp"

namespace campipe::wire::shm {

/// A stream's format as a ring tells it. A ring of raw pictures carries no audio: the track is left out, and so is a
/// clock whose boot id has no room. Throws Error(bad_data) for what no ring can carry.
/// @param name  What messages call the ring: "shm:front.raw".
ring::layout::Format to_ring(const media::StreamFormat& format, const std::string& name);

/// The other way round. Throws Error(bad_data) for a pixel format that we do not know.
media::StreamFormat from_ring(const ring::layout::Format& format, const std::string& name);

}  // namespace campipe::wire::shm
