#include "record/segment/av_writer.hpp"

#include <cerrno>

#include "base/log.hpp"
#include "ffmpeg/error.hpp"

namespace campipe::record::segment {

namespace {

ffmpeg::MkvWriter::Format muxer_format(Container container) {
  return container == Container::ts ? ffmpeg::MkvWriter::Format::mpegts : ffmpeg::MkvWriter::Format::matroska;
}

/// errno of an AVERROR; libavformat's own codes are an I/O error to us.
int errno_of(int averror) {
  constexpr int kMaxErrno = 4095;
  if (averror >= 0) return 0;
  if (-averror <= kMaxErrno) return -averror;
  log::warning("libavformat: {}", ffmpeg::error_text(averror));
  return EIO;
}

}  // namespace

AvWriter::AvWriter(SegmentName name, std::shared_ptr<File> segment_file, const media::StreamFormat& format,
                   std::int64_t start_us)
    : Writer(name, std::move(segment_file), format, start_us),
      muxer_(muxer_format(name.container), format, start_us,
             [this](std::int64_t offset, std::span<const std::byte> bytes) {
               return file()->write_at(static_cast<std::uint64_t>(offset), bytes);
             }) {}

int AvWriter::write(std::span<const media::Packet> batch) {
  constexpr std::uint64_t kOverhead = 512 << 10;  // headers, and the trailer with its index
  if (batch.empty()) return 0;
  if (!file()->created()) {
    if (const int error = file()->create(); error != 0) return error;
  }
  std::uint64_t bytes = 0;
  for (const media::Packet& packet : batch) bytes += packet.payload.size();
  int error = file()->reserve(end_ + bytes + bytes / 16 + kOverhead);
  if (error == 0) error = errno_of(muxer_.write(batch));
  if (error != 0) {
    broken_ = true;
    file()->truncate(end_);
    return error;
  }
  const std::uint64_t before = end_;
  end_ = static_cast<std::uint64_t>(muxer_.size());
  count(batch, before, end_);
  return 0;
}

void AvWriter::mark() {
  Writer::mark();
  marked_end_ = end_;
}

void AvWriter::rollback() {
  Writer::rollback();
  end_ = marked_end_;
  broken_ = true;  // libavformat cannot go back: no trailer
  if (file()->created()) file()->truncate(end_);
}

int AvWriter::finish() {
  if (!closed_ && !broken_) {
    broken_ = muxer_.finish() != 0;
    if (!broken_) end_ = static_cast<std::uint64_t>(muxer_.size());
  }
  closed_ = true;
  count({}, 0, end_);
  if (const int error = file()->truncate(end_); error != 0) return error;
  return file()->sync();
}

}  // namespace campipe::record::segment
