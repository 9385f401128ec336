#pragma once
extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/frame.h>
#include <libswscale/swscale.h>
}

#include <memory>

/// FFmpeg's objects with owners.
namespace campipe::ffmpeg {

/// For the functions that take a pointer to the pointer and clear it.
template <auto Free>
struct FreeVia {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(&object);
  }
};

/// For those that take the pointer.
template <auto Free>
struct FreeBy {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

using PacketPtr = std::unique_ptr<AVPacket, FreeVia<av_packet_free>>;
using FramePtr = std::unique_ptr<AVFrame, FreeVia<av_frame_free>>;
using CodecContextPtr = std::unique_ptr<AVCodecContext, FreeVia<avcodec_free_context>>;
using CodecParametersPtr = std::unique_ptr<AVCodecParameters, FreeVia<avcodec_parameters_free>>;
using InputContextPtr = std::unique_ptr<AVFormatContext, FreeVia<avformat_close_input>>;
using OutputContextPtr = std::unique_ptr<AVFormatContext, FreeBy<avformat_free_context>>;
using ScalerPtr = std::unique_ptr<SwsContext, FreeBy<sws_freeContext>>;

}  // namespace campipe::ffmpeg
