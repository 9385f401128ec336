#include "ffmpeg/muxer_output.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "ffmpeg/error.hpp"

namespace campipe::ffmpeg {

namespace {

constexpr int kBufferBytes = 256 << 10;

}  // namespace

MuxerOutput::MuxerOutput(const char* format, WriteAt sink) : sink_(std::move(sink)) {
  AVFormatContext* raw = nullptr;
  if (const int error = avformat_alloc_output_context2(&raw, nullptr, format, nullptr); error < 0) {
    throw_error(error, ExitCode::unavailable, std::string("libavformat has no muxer ") + format);
  }
  context_.reset(raw);
  auto* buffer = static_cast<unsigned char*>(av_malloc(kBufferBytes));
  const auto write = [](void* self, std::uint8_t* data, int size) noexcept {
    return static_cast<MuxerOutput*>(self)->put(std::as_bytes(std::span(data, static_cast<std::size_t>(size))));
  };
  const auto seek_to = [](void* self, std::int64_t offset, int whence) noexcept {
    return static_cast<MuxerOutput*>(self)->seek(offset, whence);
  };
  raw->pb = buffer == nullptr ? nullptr : avio_alloc_context(buffer, kBufferBytes, 1, this, nullptr, write, seek_to);
  if (raw->pb == nullptr) {
    av_free(buffer);
    throw Error(ExitCode::os_error, "out of memory");
  }
  raw->flags |= AVFMT_FLAG_CUSTOM_IO;
}

MuxerOutput::~MuxerOutput() {
  if (context_->pb != nullptr) av_freep(&context_->pb->buffer);
  avio_context_free(&context_->pb);
}

int MuxerOutput::begin(AVDictionary** options) {
  const int code = avformat_write_header(context_.get(), options);
  begun_ = code >= 0;
  return result(code);
}

int MuxerOutput::flush() {
  const int code = av_write_frame(context_.get(), nullptr);
  avio_flush(context_->pb);
  return result(code);
}

int MuxerOutput::finish() {
  if (!std::exchange(begun_, false)) return result(AVERROR(EINVAL));
  const int code = av_write_trailer(context_.get());
  avio_flush(context_->pb);
  return result(code);
}

int MuxerOutput::put(std::span<const std::byte> bytes) noexcept {
  if (sink_error_ == 0) sink_error_ = sink_(position_, bytes);
  if (sink_error_ != 0) return AVERROR(sink_error_);
  position_ += static_cast<std::int64_t>(bytes.size());
  size_ = std::max(size_, position_);
  return static_cast<int>(bytes.size());
}

std::int64_t MuxerOutput::seek(std::int64_t offset, int whence) noexcept {
  switch (whence & ~AVSEEK_FORCE) {
    case AVSEEK_SIZE:
      return size_;
    case SEEK_SET:
      position_ = offset;
      break;
    case SEEK_CUR:
      position_ += offset;
      break;
    case SEEK_END:
      position_ = size_ + offset;
      break;
    default:
      return AVERROR(EINVAL);
  }
  return position_;
}

/// libavformat often answers success and keeps the error in its I/O context.
int MuxerOutput::result(int code) const noexcept {
  if (sink_error_ != 0) return AVERROR(sink_error_);
  return code < 0 ? code : 0;
}

}  // namespace campipe::ffmpeg
