#include "media/picture.hpp"

#include <algorithm>
#include <cstring>

namespace campipe::media {

namespace {

std::size_t index(int plane) noexcept {
  return static_cast<std::size_t>(plane);
}

bool is_tight(const Picture& picture) noexcept {
  const std::byte* next = picture.plane[0];
  for (int p = 0; p < info(picture.format).planes; ++p) {
    const std::size_t row = row_bytes(picture.format, p, picture.size.width_px);
    if (picture.plane[index(p)] != next || static_cast<std::size_t>(picture.stride_bytes[index(p)]) != row)
      return false;
    next += row * static_cast<std::size_t>(plane_rows(picture.format, p, picture.size.height_px));
  }
  return true;
}

}  // namespace

Canvas make_canvas(BufferPool& pool, PixelFormat format, Size size, int align_bytes, Size padded) {
  Canvas canvas;
  Picture& picture = canvas.picture;
  picture.format = format;
  picture.size = size;
  const Size room{std::max(size.width_px, padded.width_px), std::max(size.height_px, padded.height_px)};
  std::array<std::size_t, 3> bytes{};
  const int planes = info(format).planes;
  for (int p = 0; p < planes; ++p) {
    const auto align = static_cast<std::size_t>(align_bytes);
    const std::size_t stride = (row_bytes(format, p, room.width_px) + align - 1) / align * align;
    picture.stride_bytes[index(p)] = static_cast<int>(stride);
    bytes[index(p)] = stride * static_cast<std::size_t>(plane_rows(format, p, room.height_px));
  }
  auto buffer = pool.get(bytes[0] + bytes[1] + bytes[2]);
  std::byte* at = buffer->data();
  for (int p = 0; p < planes; ++p) {
    canvas.plane[index(p)] = at;
    picture.plane[index(p)] = at;
    at += bytes[index(p)];
  }
  picture.owner = std::move(buffer);
  return canvas;
}

std::optional<Picture> picture_of(const Payload& payload, const VideoFormat& format) {
  if (payload.empty() || payload.size() != picture_bytes(format.pixel_format, format.size)) return std::nullopt;
  Picture picture{format.pixel_format, format.size, format.range, format.matrix, {}, {}, nullptr};
  const std::byte* at = payload.data();
  for (int p = 0; p < info(format.pixel_format).planes; ++p) {
    const std::size_t row = row_bytes(format.pixel_format, p, format.size.width_px);
    picture.plane[index(p)] = at;
    picture.stride_bytes[index(p)] = static_cast<int>(row);
    at += row * static_cast<std::size_t>(plane_rows(format.pixel_format, p, format.size.height_px));
  }
  picture.owner = std::make_shared<const Payload>(payload);
  return picture;
}

Payload tight_payload(const Picture& picture, BufferPool& pool) {
  const std::size_t total = picture_bytes(picture.format, picture.size);
  if (is_tight(picture)) return {picture.owner, {picture.plane[0], total}};
  auto buffer = pool.get(total);
  std::byte* out = buffer->data();
  for (int p = 0; p < info(picture.format).planes; ++p) {
    const std::size_t row = row_bytes(picture.format, p, picture.size.width_px);
    const std::byte* in = picture.plane[index(p)];
    for (int y = 0; y < plane_rows(picture.format, p, picture.size.height_px); ++y) {
      std::memcpy(out, in, row);
      out += row;
      in += picture.stride_bytes[index(p)];
    }
  }
  return BufferPool::seal(std::move(buffer));
}

Picture cropped(Picture picture, Size size) {
  picture.size = {std::min(size.width_px, picture.size.width_px), std::min(size.height_px, picture.size.height_px)};
  return picture;
}

}  // namespace campipe::media
