#include "codec/shaper.hpp"

#include "codec/convert.hpp"
#include "codec/recolour.hpp"

namespace campipe::codec {

using media::PixelFormat;

/// A pool keeps its buffers at the biggest size it ever gave out: another size starts anew.
void Shaper::use_pools_for(const media::Picture& picture, const Shape& wanted) {
  if (pool_ && from_ == picture.size && to_ == wanted.size) return;
  pool_.emplace();
  from_ = picture.size;
  to_ = wanted.size;
}

media::Picture Shaper::as_yuv420p(const media::Picture& picture, const Shape& wanted) {
  media::Picture planar = to_yuv420p(picture, wanted.range, *pool_);
  const Size even{planar.size.width_px & ~1, planar.size.height_px & ~1};
  if (wanted.size == even) {
    planar = media::cropped(std::move(planar), even);
  } else {
    planar = scaler_.scale(planar, wanted.size, PixelFormat::yuv420p);
  }
  return recoloured(planar, wanted.range, wanted.matrix, *pool_);
}

media::Picture Shaper::shape(const media::Picture& picture, const Shape& wanted) {
  use_pools_for(picture, wanted);
  const bool as_it_comes = wanted.range == media::ColourRange::unknown && wanted.matrix == media::ColourMatrix::unknown;
  if (as_it_comes && picture.format == wanted.format && picture.size == wanted.size) return picture;
  if (wanted.format == PixelFormat::yuv420p) return as_yuv420p(picture, wanted);
  if (picture.format == PixelFormat::yuv420p) {
    const media::Picture planar =
        picture.size == wanted.size ? picture : scaler_.scale(picture, wanted.size, PixelFormat::yuv420p);
    if (auto converted = from_yuv420p(planar, wanted.format, *pool_)) return *std::move(converted);
  }
  // Between other formats straight on: a way by yuv420p would cost chroma.
  const media::Picture source = picture.format == PixelFormat::nv16 ? yuv422p_from_nv16(picture, *pool_) : picture;
  if (wanted.format != PixelFormat::nv16) return scaler_.scale(source, wanted.size, wanted.format);
  return nv16_from_yuv422p(scaler_.scale(source, wanted.size, PixelFormat::yuv422p), *pool_);
}

}  // namespace campipe::codec
