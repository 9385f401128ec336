#include "ring/layout/pixel_layout.hpp"

#include <algorithm>
#include <iterator>

namespace campipe::ring::layout {

namespace {

struct Divided {
  std::uint32_t x, y, bytes;
};
struct Known {
  std::string_view name;
  std::uint32_t planes;
  std::array<Divided, 3> plane;
};

// The same as media/pixel_format.cpp's, which the library for other programs does without; a test compares them.
constexpr Divided kFull{1, 1, 1};
constexpr Known kKnown[] = {
    {"yuv420p", 3, {kFull, {2, 2, 1}, {2, 2, 1}}},
    {"yuv422p", 3, {kFull, {2, 1, 1}, {2, 1, 1}}},
    {"yuv444p", 3, {kFull, kFull, kFull}},
    {"nv12", 2, {kFull, {2, 2, 2}}},
    {"nv21", 2, {kFull, {2, 2, 2}}},
    {"nv16", 2, {kFull, {2, 1, 2}}},
    {"yuyv422", 1, {Divided{2, 1, 4}}},
    {"uyvy422", 1, {Divided{2, 1, 4}}},
    {"yvyu422", 1, {Divided{2, 1, 4}}},
    {"gray", 1, {kFull}},
    {"gray16le", 1, {Divided{1, 1, 2}}},
    {"rgb24", 1, {Divided{1, 1, 3}}},
    {"bgr24", 1, {Divided{1, 1, 3}}},
    {"rgba", 1, {Divided{1, 1, 4}}},
    {"bgra", 1, {Divided{1, 1, 4}}},
    {"rgb0", 1, {Divided{1, 1, 4}}},
    {"bgr0", 1, {Divided{1, 1, 4}}},
    {"rgb565le", 1, {Divided{1, 1, 2}}},
};
constexpr std::uint32_t kMaxSide = 16384;

constexpr std::uint32_t divided_up(std::uint32_t value, std::uint32_t by) noexcept {
  return (value + by - 1) / by;
}

}  // namespace

PictureLayout picture_layout(std::string_view pixel_format, std::uint32_t width_px, std::uint32_t height_px) noexcept {
  PictureLayout layout;
  if (width_px == 0 || height_px == 0 || width_px > kMaxSide || height_px > kMaxSide) return layout;
  const auto* const known = std::ranges::find(kKnown, pixel_format, &Known::name);
  if (known == std::end(kKnown)) return layout;
  for (std::uint32_t i = 0; i < known->planes; ++i) {
    const Divided& by = known->plane[i];
    const std::uint32_t row = divided_up(width_px, by.x) * by.bytes;
    const std::uint32_t rows = divided_up(height_px, by.y);
    layout.plane[i] = {static_cast<std::uint32_t>(layout.bytes), row, row, rows};
    layout.bytes += std::uint64_t{row} * rows;
  }
  layout.planes = known->planes;
  return layout;
}

}  // namespace campipe::ring::layout
