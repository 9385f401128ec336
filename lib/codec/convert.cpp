#include "codec/convert.hpp"

#include <fmt/format.h>
#include <libyuv.h>

#include "base/error.hpp"

namespace campipe::codec {

namespace {

using media::ColourMatrix;
using media::ColourRange;
using media::PixelFormat;

constexpr int kStrideAlign = 64;

/// A plane as libyuv takes it.
struct In {
  const std::uint8_t* data;
  int stride;
};
struct Out {
  std::uint8_t* data;
  int stride;
};

In in(const media::Picture& picture, std::size_t plane) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(picture.plane[plane]), picture.stride_bytes[plane]};
}
Out out(const media::Canvas& canvas, std::size_t plane) noexcept {
  return {reinterpret_cast<std::uint8_t*>(canvas.plane[plane]), canvas.picture.stride_bytes[plane]};
}

/// The high bytes of 16-bit grey as luma, chroma neutral.
int gray16_to_i420(In from, Out y, Out u, Out v, int width, int height) {
  for (int line = 0; line < height; ++line) {
    const std::uint8_t* source = from.data + std::ptrdiff_t{line} * from.stride;
    std::uint8_t* to = y.data + std::ptrdiff_t{line} * y.stride;
    for (int x = 0; x < width; ++x) to[x] = source[2 * x + 1];
  }
  libyuv::SetPlane(u.data, u.stride, (width + 1) / 2, (height + 1) / 2, 128);
  libyuv::SetPlane(v.data, v.stride, (width + 1) / 2, (height + 1) / 2, 128);
  return 0;
}

using PackedToPlanes = int (*)(const std::uint8_t*, int, std::uint8_t*, int, std::uint8_t*, int, std::uint8_t*, int,
                               int, int);

/// libyuv's names go by the order in a little-endian word: its ARGB is B,G,R,A in memory, its RAW is R,G,B.
PackedToPlanes packed_rgb(PixelFormat format, bool full) noexcept {
  switch (format) {
    case PixelFormat::rgb24:
      return full ? libyuv::RAWToJ420 : libyuv::RAWToI420;
    case PixelFormat::bgr24:
      return full ? libyuv::RGB24ToJ420 : libyuv::RGB24ToI420;
    case PixelFormat::rgba:
    case PixelFormat::rgb0:
      return full ? libyuv::ABGRToJ420 : libyuv::ABGRToI420;
    case PixelFormat::bgra:
    case PixelFormat::bgr0:
      return full ? libyuv::ARGBToJ420 : libyuv::ARGBToI420;
    case PixelFormat::rgb565le:
      return full ? nullptr : libyuv::RGB565ToI420;
    default:
      return nullptr;
  }
}

/// The chroma of nv16 is that of a picture of nv12 with twice the rows: every second row is left out.
int nv16_to_i420(const media::Picture& picture, Out y, Out u, Out v) {
  const auto [width, height] = picture.size;
  const In luma = in(picture, 0);
  const In chroma = in(picture, 1);
  return libyuv::NV12ToI420(luma.data, luma.stride, chroma.data, chroma.stride * 2, y.data, y.stride, u.data, u.stride,
                            v.data, v.stride, width, height);
}

int yuv_to_i420(const media::Picture& picture, Out y, Out u, Out v) {
  const auto [width, height] = picture.size;
  const In a = in(picture, 0), b = in(picture, 1), c = in(picture, 2);
  switch (picture.format) {
    case PixelFormat::yuv422p:
      return libyuv::I422ToI420(a.data, a.stride, b.data, b.stride, c.data, c.stride, y.data, y.stride, u.data,
                                u.stride, v.data, v.stride, width, height);
    case PixelFormat::yuv444p:
      return libyuv::I444ToI420(a.data, a.stride, b.data, b.stride, c.data, c.stride, y.data, y.stride, u.data,
                                u.stride, v.data, v.stride, width, height);
    case PixelFormat::nv12:
      return libyuv::NV12ToI420(a.data, a.stride, b.data, b.stride, y.data, y.stride, u.data, u.stride, v.data,
                                v.stride, width, height);
    case PixelFormat::nv21:
      return libyuv::NV21ToI420(a.data, a.stride, b.data, b.stride, y.data, y.stride, u.data, u.stride, v.data,
                                v.stride, width, height);
    case PixelFormat::nv16:
      return nv16_to_i420(picture, y, u, v);
    case PixelFormat::yuyv422:
      return libyuv::YUY2ToI420(a.data, a.stride, y.data, y.stride, u.data, u.stride, v.data, v.stride, width, height);
    case PixelFormat::yvyu422:
      return libyuv::YUY2ToI420(a.data, a.stride, y.data, y.stride, v.data, v.stride, u.data, u.stride, width, height);
    case PixelFormat::uyvy422:
      return libyuv::UYVYToI420(a.data, a.stride, y.data, y.stride, u.data, u.stride, v.data, v.stride, width, height);
    case PixelFormat::gray:
      return libyuv::I400ToI420(a.data, a.stride, y.data, y.stride, u.data, u.stride, v.data, v.stride, width, height);
    case PixelFormat::gray16le:
      return gray16_to_i420(a, y, u, v, width, height);
    default:
      return -1;
  }
}

const libyuv::YuvConstants* constants_of(const media::Picture& picture) noexcept {
  const bool full = picture.range == ColourRange::full;
  switch (picture.matrix) {
    case ColourMatrix::bt709:
      return full ? &libyuv::kYuvF709Constants : &libyuv::kYuvH709Constants;
    case ColourMatrix::bt2020:
      return full ? &libyuv::kYuvV2020Constants : &libyuv::kYuv2020Constants;
    default:
      return full ? &libyuv::kYuvJPEGConstants : &libyuv::kYuvI601Constants;
  }
}

/// The same constants for the functions that get U and V swapped, which is how libyuv makes the R,G,B order.
const libyuv::YuvConstants* swapped_constants_of(const media::Picture& picture) noexcept {
  const bool full = picture.range == ColourRange::full;
  switch (picture.matrix) {
    case ColourMatrix::bt709:
      return full ? &libyuv::kYvuF709Constants : &libyuv::kYvuH709Constants;
    case ColourMatrix::bt2020:
      return full ? &libyuv::kYvuV2020Constants : &libyuv::kYvu2020Constants;
    default:
      return full ? &libyuv::kYvuJPEGConstants : &libyuv::kYvuI601Constants;
  }
}

int i420_to(const media::Picture& picture, media::Canvas& canvas) {
  const auto [width, height] = picture.size;
  const In y = in(picture, 0), u = in(picture, 1), v = in(picture, 2);
  const Out a = out(canvas, 0), b = out(canvas, 1);
  switch (canvas.picture.format) {
    case PixelFormat::bgr24:
      return libyuv::I420ToRGB24Matrix(y.data, y.stride, u.data, u.stride, v.data, v.stride, a.data, a.stride,
                                       constants_of(picture), width, height);
    case PixelFormat::rgb24:
      return libyuv::I420ToRGB24Matrix(y.data, y.stride, v.data, v.stride, u.data, u.stride, a.data, a.stride,
                                       swapped_constants_of(picture), width, height);
    case PixelFormat::bgra:
    case PixelFormat::bgr0:
      return libyuv::I420ToARGBMatrix(y.data, y.stride, u.data, u.stride, v.data, v.stride, a.data, a.stride,
                                      constants_of(picture), width, height);
    case PixelFormat::rgba:
    case PixelFormat::rgb0:
      return libyuv::I420ToARGBMatrix(y.data, y.stride, v.data, v.stride, u.data, u.stride, a.data, a.stride,
                                      swapped_constants_of(picture), width, height);
    case PixelFormat::nv12:
      return libyuv::I420ToNV12(y.data, y.stride, u.data, u.stride, v.data, v.stride, a.data, a.stride, b.data,
                                b.stride, width, height);
    case PixelFormat::nv21:
      return libyuv::I420ToNV21(y.data, y.stride, u.data, u.stride, v.data, v.stride, a.data, a.stride, b.data,
                                b.stride, width, height);
    case PixelFormat::yuyv422:
      return libyuv::I420ToYUY2(y.data, y.stride, u.data, u.stride, v.data, v.stride, a.data, a.stride, width, height);
    case PixelFormat::uyvy422:
      return libyuv::I420ToUYVY(y.data, y.stride, u.data, u.stride, v.data, v.stride, a.data, a.stride, width, height);
    case PixelFormat::gray:
      return libyuv::I400ToI400(y.data, y.stride, a.data, a.stride, width, height);
    default:
      return -1;
  }
}

bool has_way_to(PixelFormat format) noexcept {
  switch (format) {
    case PixelFormat::bgr24:
    case PixelFormat::rgb24:
    case PixelFormat::bgra:
    case PixelFormat::bgr0:
    case PixelFormat::rgba:
    case PixelFormat::rgb0:
    case PixelFormat::nv12:
    case PixelFormat::nv21:
    case PixelFormat::yuyv422:
    case PixelFormat::uyvy422:
    case PixelFormat::gray:
      return true;
    default:
      return false;
  }
}

[[noreturn]] void cannot(PixelFormat from, PixelFormat to) {
  throw Error(ExitCode::internal, fmt::format("libyuv does not make {} out of {}", media::name(to), media::name(from)));
}

}  // namespace

media::Picture to_yuv420p(const media::Picture& picture, ColourRange rgb_range, media::BufferPool& pool) {
  if (picture.format == PixelFormat::yuv420p) return picture;
  media::Canvas canvas = media::make_canvas(pool, PixelFormat::yuv420p, picture.size, kStrideAlign);
  const Out y = out(canvas, 0), u = out(canvas, 1), v = out(canvas, 2);
  canvas.picture.range = picture.range;
  canvas.picture.matrix = picture.matrix;
  int result = -1;
  if (media::info(picture.format).is_yuv) {
    result = yuv_to_i420(picture, y, u, v);
  } else {
    const auto in_full = rgb_range == ColourRange::full ? packed_rgb(picture.format, true) : nullptr;
    const auto convert = in_full != nullptr ? in_full : packed_rgb(picture.format, false);
    canvas.picture.range = in_full != nullptr ? ColourRange::full : ColourRange::limited;
    canvas.picture.matrix = ColourMatrix::bt601;
    if (convert != nullptr) {
      const In rgb = in(picture, 0);
      result = convert(rgb.data, rgb.stride, y.data, y.stride, u.data, u.stride, v.data, v.stride,
                       picture.size.width_px, picture.size.height_px);
    }
  }
  if (result != 0) cannot(picture.format, PixelFormat::yuv420p);
  return std::move(canvas).done();
}

std::optional<media::Picture> from_yuv420p(const media::Picture& picture, PixelFormat format, media::BufferPool& pool) {
  if (format == PixelFormat::yuv420p) return picture;
  if (!has_way_to(format)) return std::nullopt;
  media::Canvas canvas = media::make_canvas(pool, format, picture.size);
  const bool yuv = media::info(format).is_yuv;
  canvas.picture.range = yuv ? picture.range : ColourRange::full;
  canvas.picture.matrix = yuv ? picture.matrix : ColourMatrix::unknown;
  if (i420_to(picture, canvas) != 0) cannot(PixelFormat::yuv420p, format);
  return std::move(canvas).done();
}

media::Picture nv16_from_yuv422p(const media::Picture& picture, media::BufferPool& pool) {
  media::Canvas canvas = media::make_canvas(pool, PixelFormat::nv16, picture.size);
  canvas.picture.range = picture.range;
  canvas.picture.matrix = picture.matrix;
  const auto [width, height] = picture.size;
  const In y = in(picture, 0), u = in(picture, 1), v = in(picture, 2);
  const Out luma = out(canvas, 0), chroma = out(canvas, 1);
  libyuv::CopyPlane(y.data, y.stride, luma.data, luma.stride, width, height);
  libyuv::MergeUVPlane(u.data, u.stride, v.data, v.stride, chroma.data, chroma.stride, (width + 1) / 2, height);
  return std::move(canvas).done();
}

media::Picture yuv422p_from_nv16(const media::Picture& picture, media::BufferPool& pool) {
  media::Canvas canvas = media::make_canvas(pool, PixelFormat::yuv422p, picture.size, kStrideAlign);
  canvas.picture.range = picture.range;
  canvas.picture.matrix = picture.matrix;
  const auto [width, height] = picture.size;
  const In luma = in(picture, 0), chroma = in(picture, 1);
  const Out y = out(canvas, 0), u = out(canvas, 1), v = out(canvas, 2);
  libyuv::CopyPlane(luma.data, luma.stride, y.data, y.stride, width, height);
  libyuv::SplitUVPlane(chroma.data, chroma.stride, u.data, u.stride, v.data, v.stride, (width + 1) / 2, height);
  return std::move(canvas).done();
}

}  // namespace campipe::codec
