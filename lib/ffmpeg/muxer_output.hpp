#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "ffmpeg/raii.hpp"

namespace campipe::ffmpeg {

/// Writes bytes at a place of a file; 0 or an errno value.
using WriteAt = std::function<int(std::int64_t offset, std::span<const std::byte> bytes)>;

/// A muxer whose bytes go to a WriteAt. Its buffer is emptied by flush() and finish() alone and when it is full. Not
/// thread-safe. Errors are AVERROR values.
class MuxerOutput {
public:
  /// @param format  libavformat's name of the muxer. Throws Error(unavailable) when this libavformat has none such.
  MuxerOutput(const char* format, WriteAt sink);
  ~MuxerOutput();
  MuxerOutput(const MuxerOutput&) = delete;
  MuxerOutput& operator=(const MuxerOutput&) = delete;

  AVFormatContext* context() const noexcept { return context_.get(); }

  int begin(AVDictionary** options);
  int write(AVPacket* packet) { return av_write_frame(context_.get(), packet); }
  /// Ends the cluster that is open and hands all bytes over.
  int flush();
  /// Writes the trailer. Once; an error when begin() failed, for which libavformat would crash.
  int finish();

  /// The first error of the sink, as errno; 0 = none.
  int sink_error() const noexcept { return sink_error_; }
  std::int64_t size() const noexcept { return size_; }  ///< bytes handed over so far, counted to the highest place

private:
  int put(std::span<const std::byte> bytes) noexcept;
  std::int64_t seek(std::int64_t offset, int whence) noexcept;
  int result(int code) const noexcept;

  WriteAt sink_;
  OutputContextPtr context_;
  std::int64_t position_ = 0, size_ = 0;
  int sink_error_ = 0;
  bool begun_ = false;
};

}  // namespace campipe::ffmpeg
