#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "ring/layout/layout.hpp"

namespace campipe::ring::layout {

/// How a raw picture lies in memory: what programs that know only the ring's format need to find its rows.
struct PictureLayout {
  struct Rows {
    std::uint32_t offset = 0;        ///< of tight planes, one after the other
    std::uint32_t stride_bytes = 0;  ///< the same as row_bytes
    std::uint32_t row_bytes = 0;
    std::uint32_t rows = 0;
  };
  std::uint32_t planes = 0;  ///< 0 = a pixel format that we do not know, or a size of nothing
  std::array<Rows, kMaxPlanes> plane{};
  std::uint64_t bytes = 0;  ///< of the whole picture
};

/// @param pixel_format  FFmpeg's name. @param width_px, height_px  at most 16384 each.
PictureLayout picture_layout(std::string_view pixel_format, std::uint32_t width_px, std::uint32_t height_px) noexcept;

}  // namespace campipe::ring::layout
