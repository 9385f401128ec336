#include "ffmpeg/scaler.hpp"

#include <array>
#include <optional>

#include <fmt/format.h>

#include "base/error.hpp"
#include "ffmpeg/convert.hpp"
#include "ffmpeg/raii.hpp"

namespace campipe::ffmpeg {

namespace {

constexpr int kStrideAlign = 64;

struct Key {
  Size from_size, to_size;
  media::PixelFormat from = media::PixelFormat::none, to = media::PixelFormat::none;
  media::ColourRange range = media::ColourRange::unknown;
  media::ColourMatrix matrix = media::ColourMatrix::unknown;
  bool operator==(const Key&) const = default;
};

int coefficients_index(media::ColourMatrix matrix) noexcept {
  switch (matrix) {
    case media::ColourMatrix::bt709:
      return SWS_CS_ITU709;
    case media::ColourMatrix::bt2020:
      return SWS_CS_BT2020;
    default:
      return SWS_CS_ITU601;
  }
}

}  // namespace

struct Scaler::State {
  void configure(const Key& wanted);

  Key key;
  ScalerPtr context;
  std::optional<media::BufferPool> pool;
};

Scaler::Scaler() : state_(std::make_unique<State>()) {}
Scaler::~Scaler() = default;

void Scaler::State::configure(const Key& wanted) {
  if (context && key == wanted) return;
  const bool down =
      wanted.to_size.width_px < wanted.from_size.width_px || wanted.to_size.height_px < wanted.from_size.height_px;
  const bool same_size = wanted.to_size == wanted.from_size;
  const int flags = same_size ? SWS_BILINEAR | SWS_ACCURATE_RND : (down ? SWS_AREA : SWS_BICUBIC);
  const AVPixelFormat from = to_av(wanted.from), to = to_av(wanted.to);
  context.reset();
  if (sws_isSupportedInput(from) != 0 && sws_isSupportedOutput(to) != 0) {  // swscale aborts on what it does not know
    context.reset(sws_getContext(wanted.from_size.width_px, wanted.from_size.height_px, from, wanted.to_size.width_px,
                                 wanted.to_size.height_px, to, flags, nullptr, nullptr, nullptr));
  }
  if (!context) {
    throw Error(ExitCode::internal,
                fmt::format("swscale cannot make {} {}x{} out of {} {}x{}", media::name(wanted.to),
                            wanted.to_size.width_px, wanted.to_size.height_px, media::name(wanted.from),
                            wanted.from_size.width_px, wanted.from_size.height_px));
  }
  const bool from_yuv = media::info(wanted.from).is_yuv;
  const bool to_yuv = media::info(wanted.to).is_yuv;
  const int full = wanted.range == media::ColourRange::full ? 1 : 0;
  const int* table = sws_getCoefficients(coefficients_index(wanted.matrix));
  sws_setColorspaceDetails(context.get(), table, from_yuv ? full : 1, table, to_yuv ? (from_yuv ? full : 0) : 1, 0,
                           1 << 16, 1 << 16);
  key = wanted;
  pool.emplace();
}

media::Picture Scaler::scale(const media::Picture& picture, Size size, media::PixelFormat format) {
  const bool from_yuv = media::info(picture.format).is_yuv;
  const auto matrix = from_yuv ? picture.matrix : media::ColourMatrix::bt601;
  state_->configure({picture.size, size, picture.format, format, picture.range, matrix});
  media::Canvas canvas = media::make_canvas(*state_->pool, format, size, kStrideAlign);
  std::array<const std::uint8_t*, 4> from{};
  std::array<std::uint8_t*, 4> to{};
  std::array<int, 4> from_stride{}, to_stride{};
  for (std::size_t p = 0; p < 3; ++p) {
    from[p] = reinterpret_cast<const std::uint8_t*>(picture.plane[p]);
    to[p] = reinterpret_cast<std::uint8_t*>(canvas.plane[p]);
    from_stride[p] = picture.stride_bytes[p];
    to_stride[p] = canvas.picture.stride_bytes[p];
  }
  sws_scale(state_->context.get(), from.data(), from_stride.data(), 0, picture.size.height_px, to.data(),
            to_stride.data());
  if (media::info(format).is_yuv) {
    canvas.picture.range = from_yuv ? picture.range : media::ColourRange::limited;
    canvas.picture.matrix = matrix;
  } else {
    canvas.picture.range = media::ColourRange::full;
  }
  return std::move(canvas).done();
}

}  // namespace campipe::ffmpeg
