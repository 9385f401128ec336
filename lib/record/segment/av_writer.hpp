#pragma once
#include "ffmpeg/mkv_writer.hpp"
#include "record/segment/writer.hpp"

namespace campipe::record::segment {

/// A segment as Matroska or transport stream, a cluster per write(), through libavformat.
class AvWriter : public Writer {
public:
  AvWriter(SegmentName name, std::shared_ptr<File> file, const media::StreamFormat& format, std::int64_t start_us);

  int write(std::span<const media::Packet> batch) override;
  void mark() override;
  void rollback() override;
  /// When the trailer cannot be written the file ends behind its last cluster, which players take.
  int finish() override;

private:
  ffmpeg::MkvWriter muxer_;
  std::uint64_t end_ = 0;  // behind the last whole cluster
  std::uint64_t marked_end_ = 0;
  bool broken_ = false;
  bool closed_ = false;
};

}  // namespace campipe::record::segment
