#pragma once
#include <cstdint>
#include <memory>
#include <span>

#include "media/packet.hpp"
#include "record/segment/file.hpp"
#include "record/segment/index.hpp"

namespace campipe::record::segment {

/// Writes one segment. write() is called in the recorder's thread, then finish() in the one that publishes; never at
/// the same time. Errors are errno values.
class Writer {
public:
  Writer(SegmentName name, std::shared_ptr<File> file, const media::StreamFormat& format, std::int64_t start_us);
  virtual ~Writer() = default;

  /// Appends the packets with one write, the file being made with the first. Both tracks, each in decode order; video
  /// begins with a keyframe. After an error the file is as it was before the call, and only finish() may follow.
  virtual int write(std::span<const media::Packet> batch) = 0;

  /// The next write() begins a group of pictures: rollback() ends the file in front of it.
  virtual void mark();
  /// Takes back what was written since mark(), which goes into another file. Only finish() may follow.
  virtual void rollback();

  /// Makes the file what is published, and syncs it. May be called again after an error (the disk was full).
  virtual int finish() = 0;

  /// What is written so far.
  const SegmentRecord& record() const noexcept { return record_; }
  bool has_frames() const noexcept { return record_.frames > 0; }
  void set_end_reason(std::string reason) { record_.end_reason = std::move(reason); }
  const std::shared_ptr<File>& file() const noexcept { return file_; }

protected:
  /// Counts packets that are written; `offset` where each keyframe's batch stands.
  void count(std::span<const media::Packet> batch, std::uint64_t offset, std::uint64_t bytes);
  /// The distance to go on with behind a track's last frame: the last distance seen, else the nominal one.
  std::int64_t nominal_us(media::Track track) const noexcept;

  const media::StreamFormat format_;

private:
  SegmentRecord record_;
  struct {
    std::uint64_t frames = 0, bytes = 0;
    std::int64_t duration_us = 0;
    std::size_t keyframes = 0;
  } marked_;
  std::shared_ptr<File> file_;
};

/// Makes the writer for a container. Throws Error(bad_data) when the container cannot hold the stream.
std::unique_ptr<Writer> make_segment_writer(const SegmentName& name, std::shared_ptr<File> file,
                                            const media::StreamFormat& format, std::int64_t start_us);

/// The container for a stream. `wanted` empty: MP4 for what players expect in it (H.264 and H.265, AAC and Opus),
/// Matroska for the rest. Throws Error(bad_data): raw pictures, or a `wanted` that cannot hold the codecs.
Container choose_container(const media::StreamFormat& format, std::optional<Container> wanted);

}  // namespace campipe::record::segment
