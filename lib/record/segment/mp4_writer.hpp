#pragma once
#include <optional>
#include <vector>

#include "mp4/hybrid.hpp"
#include "record/segment/writer.hpp"

namespace campipe::record::segment {

/// A segment as MP4: a fragment per write(), an ordinary MP4 after finish() (mp4/hybrid.hpp).
class Mp4Writer : public Writer {
public:
  Mp4Writer(SegmentName name, std::shared_ptr<File> file, const media::StreamFormat& format, std::int64_t start_us);

  int write(std::span<const media::Packet> batch) override;
  void mark() override;
  void rollback() override;
  int finish() override;

private:
  /// What one write() adds.
  struct Part {
    std::vector<mp4::TrackRun> runs;
    mp4::Bytes payload;
  };
  void begin(const media::Packet& first);
  Part build(std::span<const media::Packet> batch);
  void add_samples(Part& part, std::size_t track, std::span<const media::Packet> batch);
  mp4::Sample sample_of(const media::Packet& packet, std::size_t track, std::int64_t last_dts);
  std::uint64_t closing_bytes(const Part& part) const;
  int put(const mp4::Bytes& bytes);

  mp4::Movie movie_;
  std::vector<std::vector<mp4::Sample>> samples_;  // per track of the movie
  std::int64_t video_zero_us_ = 0;                 // dts of the first picture
  std::uint64_t end_ = 0;                          // behind the last whole fragment
  std::uint32_t sequence_ = 0;
  std::uint64_t marked_end_ = 0;
  std::vector<std::size_t> marked_samples_;  // per track; empty: before the first write
};

/// Writes a finish to the file in its two steps, each synced. errno or 0.
int apply(File& file, const mp4::Finish& finish);

}  // namespace campipe::record::segment
