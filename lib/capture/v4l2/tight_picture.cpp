#include "capture/v4l2/tight_picture.hpp"

#include <algorithm>
#include <cstring>

namespace campipe::capture::v4l2 {

namespace {

struct PlaneView {
  const std::byte* data = nullptr;
  std::size_t stride = 0, row = 0, rows = 0;
};

/// Where plane `index` of the pixel format lies; nothing when it does not fit in what the driver filled.
std::optional<PlaneView> locate(const PaddedPicture& picture, int index) {
  const media::PixelFormat format = picture.format.pixel_format;
  const auto plane = [&](int i) {
    PlaneView view;
    view.row = media::row_bytes(format, i, picture.size.width_px);
    view.rows = static_cast<std::size_t>(media::plane_rows(format, i, picture.size.height_px));
    if (picture.format.split_planes) {
      view.stride = std::max<std::size_t>(picture.strides[static_cast<std::size_t>(i)], view.row);
    } else {
      // One bytesperline for all: that of the first plane; the others' in proportion (V4L2 spec, "Single- and
      // multi-planar").
      const std::size_t first_row = media::row_bytes(format, 0, picture.size.width_px);
      const std::size_t first = std::max<std::size_t>(picture.strides[0], first_row);
      view.stride =
          i == 0 || first == first_row ? std::max(view.row, i == 0 ? first : view.row) : first * view.row / first_row;
    }
    return view;
  };
  PlaneView view = plane(index);
  std::span<const std::byte> memory = picture.planes[picture.format.split_planes ? static_cast<std::size_t>(index) : 0];
  if (!picture.format.split_planes) {
    for (int i = 0; i < index; ++i) {
      const PlaneView before = plane(i);
      const std::size_t skip = before.stride * before.rows;
      if (skip > memory.size()) return std::nullopt;
      memory = memory.subspan(skip);
    }
  }
  if (view.rows == 0 || memory.size() < view.stride * (view.rows - 1) + view.row) return std::nullopt;
  view.data = memory.data();
  return view;
}

}  // namespace

std::optional<media::Payload> tight_copy(const PaddedPicture& picture, media::BufferPool& pool) {
  const media::PixelFormat format = picture.format.pixel_format;
  const int planes = media::info(format).planes;
  std::array<PlaneView, 3> views;
  for (int i = 0; i < planes; ++i) {
    const int from = picture.format.swap_chroma && i > 0 ? 3 - i : i;
    const auto view = locate(picture, from);
    if (!view) return std::nullopt;
    views[static_cast<std::size_t>(i)] = *view;
  }
  auto buffer = pool.get(media::picture_bytes(format, picture.size));
  std::byte* out = buffer->data();
  for (int i = 0; i < planes; ++i) {
    const PlaneView& view = views[static_cast<std::size_t>(i)];
    if (view.stride == view.row) {
      std::memcpy(out, view.data, view.row * view.rows);
    } else {
      for (std::size_t y = 0; y < view.rows; ++y)
        std::memcpy(out + y * view.row, view.data + y * view.stride, view.row);
    }
    out += view.row * view.rows;
  }
  return media::BufferPool::seal(std::move(buffer));
}

}  // namespace campipe::capture::v4l2
