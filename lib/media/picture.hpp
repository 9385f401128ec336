#pragma once
#include <array>
#include <cstddef>
#include <memory>
#include <optional>

#include "media/format.hpp"
#include "media/payload.hpp"

namespace campipe::media {

/// A raw picture in memory, read-only: up to three planes, each with its own stride; `owner` keeps them alive (a
/// payload, a pool buffer, a decoder's frame). Copying one costs a reference count.
struct Picture {
  PixelFormat format = PixelFormat::none;
  Size size;
  ColourRange range = ColourRange::unknown;
  ColourMatrix matrix = ColourMatrix::unknown;
  std::array<const std::byte*, 3> plane{};
  std::array<int, 3> stride_bytes{};  ///< from row to row, at least the row
  std::shared_ptr<const void> owner;
};

/// A picture being filled; becomes a Picture by `done()`, after which nothing may be written to it.
struct Canvas {
  Picture picture;
  std::array<std::byte*, 3> plane{};
  Picture done() && { return std::move(picture); }
};

/// Room for a picture out of `pool`, contents undefined.
/// @param align_bytes  Strides are rounded up to it; 1 = tight, as pipes carry it.
/// @param padded       Planes get the room of a picture of this size where it is the bigger one; `size` stays.
Canvas make_canvas(BufferPool& pool, PixelFormat format, Size size, int align_bytes = 1, Size padded = {});

/// The picture a raw packet carries, without a copy; nothing when the payload has not exactly the bytes of `format`.
std::optional<Picture> picture_of(const Payload& payload, const VideoFormat& format);

/// Tight planes one after the other: without a copy when they already lie so in memory.
Payload tight_payload(const Picture& picture, BufferPool& pool);

/// The upper left part of it; `size` at most that of the picture, in steps of the format's chroma.
Picture cropped(Picture picture, Size size);

}  // namespace campipe::media
