#include "ffmpeg/decoder.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "base/error.hpp"
#include "ffmpeg/convert.hpp"
#include "ffmpeg/error.hpp"
#include "ffmpeg/raii.hpp"

extern "C" {
#include <libavutil/pixdesc.h>
}

namespace campipe::ffmpeg {

namespace {

constexpr std::int64_t kMaxPixels = 64 << 20;
constexpr int kMaxSide = 16384;

AVCodecID codec_id(media::VideoCodec codec) {
  if (codec == media::VideoCodec::h264) return AV_CODEC_ID_H264;
  if (codec == media::VideoCodec::h265) return AV_CODEC_ID_HEVC;
  throw Error(ExitCode::internal, fmt::format("no decoder is meant for {}", media::name(codec)));
}

bool is_annex_b(std::span<const std::byte> bytes) {
  constexpr std::array<std::byte, 4> kStart{std::byte{0}, std::byte{0}, std::byte{0}, std::byte{1}};
  return std::ranges::equal(bytes.first(std::min(bytes.size(), kStart.size())), kStart) ||
         std::ranges::equal(bytes.first(std::min(bytes.size(), kStart.size() - 1)), std::span(kStart).subspan(1));
}

}  // namespace

struct VideoDecoder::State {
  int open(const AVCodec* decoder, std::span<const std::byte> parameter_sets, int threads);
  bool take_pictures(std::vector<DecodedPicture>& out);
  media::Picture picture_of(FramePtr decoded);

  CodecContextPtr context;
  PacketPtr packet{av_packet_alloc()};
  ScalerPtr deep_scaler;  ///< for what has no PixelFormat of ours: 10 bits, alpha
  std::optional<media::BufferPool> deep_pool;
  Size deep_size;
  int deep_format = AV_PIX_FMT_NONE;
};

/// 0 or an AVERROR.
int VideoDecoder::State::open(const AVCodec* decoder, std::span<const std::byte> parameter_sets, int threads) {
  context.reset(avcodec_alloc_context3(decoder));
  if (!context || !packet) throw std::bad_alloc();
  context->flags |= AV_CODEC_FLAG_LOW_DELAY;
  context->thread_count = threads;
  context->thread_type = FF_THREAD_SLICE;
  context->max_pixels = kMaxPixels;
  context->pkt_timebase = {1, 1'000'000};
  if (!parameter_sets.empty()) {
    context->extradata = static_cast<std::uint8_t*>(av_mallocz(parameter_sets.size() + AV_INPUT_BUFFER_PADDING_SIZE));
    if (context->extradata == nullptr) throw std::bad_alloc();
    std::memcpy(context->extradata, parameter_sets.data(), parameter_sets.size());
    context->extradata_size = static_cast<int>(parameter_sets.size());
  }
  return avcodec_open2(context.get(), decoder, nullptr);
}

VideoDecoder::VideoDecoder(media::VideoCodec codec, std::span<const std::byte> parameter_sets, int threads)
    : state_(std::make_unique<State>()) {
  const AVCodec* decoder = avcodec_find_decoder(codec_id(codec));
  if (decoder == nullptr)
    throw Error(ExitCode::unavailable, fmt::format("this libavcodec has no decoder for {}", media::name(codec)));
  // What begins otherwise would be taken for another format, in which the access units are then looked for.
  if (!is_annex_b(parameter_sets)) parameter_sets = {};
  int error = state_->open(decoder, parameter_sets, threads);
  // Damaged sets make the H.265 decoder fail; the stream may bring better ones.
  if (error < 0 && !parameter_sets.empty()) error = state_->open(decoder, {}, threads);
  if (error < 0)
    throw_error(error, ExitCode::unavailable, fmt::format("cannot open the {} decoder", media::name(codec)));
}

VideoDecoder::~VideoDecoder() = default;

bool VideoDecoder::push(std::span<const std::byte> access_unit, std::int64_t id, std::vector<DecodedPicture>& out) {
  AVPacket* packet = state_->packet.get();
  av_packet_unref(packet);
  if (access_unit.empty() || access_unit.size() > INT32_MAX / 2) return false;
  // A copy, for libavcodec reads some bytes past the end and wants them zero.
  if (av_new_packet(packet, static_cast<int>(access_unit.size())) < 0) throw std::bad_alloc();
  std::memcpy(packet->data, access_unit.data(), access_unit.size());
  packet->pts = id;
  packet->dts = id;
  const int error = avcodec_send_packet(state_->context.get(), packet);
  av_packet_unref(packet);
  if (error == AVERROR(ENOMEM)) throw std::bad_alloc();
  const bool all_fit = state_->take_pictures(out);
  return error >= 0 && all_fit;
}

void VideoDecoder::flush(std::vector<DecodedPicture>& out) {
  avcodec_send_packet(state_->context.get(), nullptr);
  state_->take_pictures(out);
  avcodec_flush_buffers(state_->context.get());
}

/// Whether none had to be refused.
bool VideoDecoder::State::take_pictures(std::vector<DecodedPicture>& out) {
  for (bool all_fit = true;;) {
    FramePtr decoded(av_frame_alloc());
    if (!decoded) throw std::bad_alloc();
    if (avcodec_receive_frame(context.get(), decoded.get()) < 0) return all_fit;
    if (decoded->width > kMaxSide || decoded->height > kMaxSide) {
      all_fit = false;
      continue;
    }
    DecodedPicture result;
    result.id = decoded->pts;
    result.damaged = (decoded->flags & AV_FRAME_FLAG_CORRUPT) != 0 || decoded->decode_error_flags != 0;
    result.picture = picture_of(std::move(decoded));
    out.push_back(std::move(result));
  }
}

media::Picture VideoDecoder::State::picture_of(FramePtr decoded) {
  const Size size{decoded->width, decoded->height};
  const auto known = from_av(decoded->format);
  media::Picture picture;
  picture.size = size;
  picture.range = known && known->full_range ? media::ColourRange::full : range_from_av(decoded->color_range);
  picture.matrix = matrix_from_av(decoded->colorspace);
  if (known) {
    picture.format = known->format;
    for (std::size_t p = 0; p < 3; ++p) {
      picture.plane[p] = reinterpret_cast<const std::byte*>(decoded->data[p]);
      picture.stride_bytes[p] = decoded->linesize[p];
    }
    picture.owner = std::shared_ptr<AVFrame>(decoded.release(), FreeVia<av_frame_free>{});
    return picture;
  }
  if (deep_format != decoded->format || deep_size != size) {
    deep_scaler.reset(sws_getContext(size.width_px, size.height_px, static_cast<AVPixelFormat>(decoded->format),
                                     size.width_px, size.height_px, AV_PIX_FMT_YUV420P, SWS_BILINEAR, nullptr, nullptr,
                                     nullptr));
    deep_format = decoded->format;
    deep_size = size;
    deep_pool.emplace();
  }
  if (!deep_scaler) {
    const char* format = av_get_pix_fmt_name(static_cast<AVPixelFormat>(decoded->format));
    throw Error(ExitCode::bad_data,
                fmt::format("pictures of pixel format {} are not supported", format != nullptr ? format : "?"));
  }
  media::Canvas canvas = media::make_canvas(*deep_pool, media::PixelFormat::yuv420p, size, 64);
  std::array<std::uint8_t*, 4> to{};
  std::array<int, 4> stride{};
  for (std::size_t p = 0; p < 3; ++p) {
    to[p] = reinterpret_cast<std::uint8_t*>(canvas.plane[p]);
    stride[p] = canvas.picture.stride_bytes[p];
  }
  sws_scale(deep_scaler.get(), decoded->data, decoded->linesize, 0, size.height_px, to.data(), stride.data());
  canvas.picture.range = picture.range;
  canvas.picture.matrix = picture.matrix;
  return std::move(canvas).done();
}

}  // namespace campipe::ffmpeg
