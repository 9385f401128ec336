#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "capture/v4l2/formats.hpp"
#include "media/payload.hpp"

namespace campipe::capture::v4l2 {

/// A raw picture as a driver gives it: rows padded to `strides`, planes in one piece of memory or in several.
struct PaddedPicture {
  DeviceFormat format;
  Size size;
  std::array<std::uint32_t, 3> strides{};  ///< of the memory planes; 0 = tight
  std::array<std::span<const std::byte>, 3> planes;
};

/// Copies it into a buffer with tight planes, U before V. Nothing when a plane is too short for the size (a picture cut
/// off on its way).
std::optional<media::Payload> tight_copy(const PaddedPicture& picture, media::BufferPool& pool);

}  // namespace campipe::capture::v4l2
