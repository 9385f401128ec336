#pragma once
#include <optional>

#include "media/picture.hpp"

namespace campipe::codec {

/// Any picture as yuv420p, by libyuv. YUV keeps range and matrix; grey gets neutral chroma; RGB becomes BT.601 of
/// `rgb_range` (full or limited). Answers the picture itself when it is yuv420p.
media::Picture to_yuv420p(const media::Picture& picture, media::ColourRange rgb_range, media::BufferPool& pool);

/// A yuv420p picture in another format by libyuv; nothing for those libyuv has no direct way to. RGB comes out in full
/// range by the picture's own range and matrix (unknown: limited, BT.601).
std::optional<media::Picture> from_yuv420p(const media::Picture& picture, media::PixelFormat format,
                                           media::BufferPool& pool);

/// nv16, which swscale knows by name only, to and from yuv422p.
media::Picture nv16_from_yuv422p(const media::Picture& picture, media::BufferPool& pool);
media::Picture yuv422p_from_nv16(const media::Picture& picture, media::BufferPool& pool);

}  // namespace campipe::codec
