#include "ffmpeg/h264_encoder.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "base/error.hpp"
#include "ffmpeg/convert.hpp"
#include "ffmpeg/error.hpp"
#include "ffmpeg/raii.hpp"

extern "C" {
#include <libavutil/dict.h>
#include <libavutil/opt.h>
}

namespace campipe::ffmpeg {

namespace {

/// The encoder's own keyframe distance: out of reach, for the caller decides by the clock when an IDR is due.
constexpr int kNoKeyframesOfItsOwn = 1 << 24;

/// A still scene would otherwise be refined to the bit rate long past what anyone can see.
constexpr int kFinest = 12;

/// x264 answers a preset that it does not have as it answers any other parameter that it cannot take.
void check_preset(std::string_view preset) {
  constexpr std::array<std::string_view, 10> kPresets{"ultrafast", "superfast", "veryfast", "faster",   "fast",
                                                      "medium",    "slow",      "slower",   "veryslow", "placebo"};
  if (std::ranges::find(kPresets, preset) != kPresets.end()) return;
  throw Error(ExitCode::usage,
              fmt::format("x264 has no preset '{}': it is one of {}", preset, fmt::join(kPresets, ", ")));
}

void set_option(AVCodecContext* context, const char* name, const char* value, const char* meaning) {
  if (const int error = av_opt_set(context->priv_data, name, value, 0); error < 0) {
    throw_error(error, ExitCode::unavailable, fmt::format("libx264: cannot set {} {}", meaning, value));
  }
}

/// Lets libavcodec hold our planes without a copy.
void borrow(AVFrame* frame, const media::Picture& picture) {
  for (std::size_t p = 0; p < 3; ++p) {
    frame->data[p] = const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(picture.plane[p]));
    frame->linesize[p] = picture.stride_bytes[p];
  }
  auto* owner = new std::shared_ptr<const void>(picture.owner);
  frame->buf[0] = av_buffer_create(
      frame->data[0], static_cast<std::size_t>(picture.stride_bytes[0]),
      [](void* opaque, std::uint8_t*) { delete static_cast<std::shared_ptr<const void>*>(opaque); }, owner,
      AV_BUFFER_FLAG_READONLY);
  if (frame->buf[0] == nullptr) {
    delete owner;
    throw std::bad_alloc();
  }
}

}  // namespace

struct H264Encoder::State {
  CodecContextPtr context;
  PacketPtr packet{av_packet_alloc()};
  FramePtr frame{av_frame_alloc()};
  std::int64_t count = 0;
};

H264Encoder::H264Encoder(const Settings& settings) : state_(std::make_unique<State>()) {
  check_preset(settings.preset);
  const AVCodec* codec = avcodec_find_encoder_by_name("libx264");
  if (codec == nullptr)
    throw Error(ExitCode::unavailable,
                "this libavcodec has no libx264: use -c mjpeg, or install an FFmpeg with libx264");
  state_->context.reset(avcodec_alloc_context3(codec));
  AVCodecContext* context = state_->context.get();
  if (context == nullptr || !state_->packet || !state_->frame) throw std::bad_alloc();
  context->width = settings.size.width_px;
  context->height = settings.size.height_px;
  context->pix_fmt = AV_PIX_FMT_YUV420P;
  // A stream may tell 64 bits of each, which x264 has not.
  av_reduce(&context->framerate.num, &context->framerate.den, settings.frame_rate.num, settings.frame_rate.den,
            INT32_MAX);
  if (context->framerate.num <= 0 || context->framerate.den <= 0) context->framerate = {30, 1};
  context->time_base = av_inv_q(context->framerate);
  context->color_range = to_av(settings.range);
  context->colorspace = to_av(settings.matrix);
  context->bit_rate = settings.bitrate;
  context->rc_max_rate = settings.bitrate;
  context->rc_buffer_size = static_cast<int>(std::min<std::int64_t>(settings.bitrate, INT32_MAX));
  context->qmin = kFinest;
  context->max_b_frames = 0;
  context->gop_size = kNoKeyframesOfItsOwn;
  context->thread_count = settings.threads;
  context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  set_option(context, "preset", settings.preset.c_str(), "preset");
  set_option(context, "tune", "zerolatency", "tune");
  set_option(context, "forced-idr", "1", "forced-idr");
  set_option(context, "x264-params", "scenecut=0:aud=0:annexb=1", "parameters");
  if (const int error = avcodec_open2(context, codec, nullptr); error < 0) {
    throw_error(error, ExitCode::unavailable,
                fmt::format("cannot open libx264 for {}x{} with preset {}", settings.size.width_px,
                            settings.size.height_px, settings.preset));
  }
}

H264Encoder::~H264Encoder() = default;

H264Encoder::AccessUnit H264Encoder::encode(const media::Picture& picture, bool idr) {
  AVFrame* frame = state_->frame.get();
  AVCodecContext* context = state_->context.get();
  av_frame_unref(frame);
  av_packet_unref(state_->packet.get());
  frame->width = context->width;
  frame->height = context->height;
  frame->format = AV_PIX_FMT_YUV420P;
  frame->pts = state_->count++;
  frame->pict_type = idr ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
  borrow(frame, picture);
  int error = avcodec_send_frame(context, frame);
  av_frame_unref(frame);
  if (error >= 0) error = avcodec_receive_packet(context, state_->packet.get());
  if (error < 0) throw_error(error, ExitCode::internal, "libx264 gave no picture back");
  const AVPacket& packet = *state_->packet;
  return {std::as_bytes(std::span(packet.data, static_cast<std::size_t>(packet.size))),
          (packet.flags & AV_PKT_FLAG_KEY) != 0};
}

std::span<const std::byte> H264Encoder::parameter_sets() const {
  const AVCodecContext& context = *state_->context;
  return std::as_bytes(std::span(context.extradata, static_cast<std::size_t>(context.extradata_size)));
}

}  // namespace campipe::ffmpeg
