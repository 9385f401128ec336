#pragma once
#include "media/packet.hpp"
#include "media/picture.hpp"

namespace campipe::codec {

/// A decoded picture and what its packet said about it: times, sequence, flags. `about` has no payload.
struct Frame {
  media::Packet about;
  media::Picture picture;
};

}  // namespace campipe::codec
