#pragma once
#include "media/picture.hpp"

namespace campipe::codec {

/// A yuv420p picture with its samples in another range and matrix, exact to about one step: what a JPEG (full, BT.601)
/// or a video player (limited) will take them for. Unknown in the picture counts as limited and as the matrix wanted;
/// unknown as a wish keeps what is there. Answers the picture itself when nothing is to be done.
media::Picture recoloured(const media::Picture& picture, media::ColourRange range, media::ColourMatrix matrix,
                          media::BufferPool& pool);

}  // namespace campipe::codec
