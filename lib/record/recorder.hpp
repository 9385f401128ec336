#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "media/packet.hpp"
#include "record/segment/writer.hpp"

namespace campipe::record {

/// Where the recorder gets its segments and leaves them.
class Store {
public:
  virtual ~Store() = default;
  /// A writer for a new segment whose first picture is at `start_us` (Unix time). Throws Error when the container
  /// cannot hold the stream. Null while too many segments wait to be published (the disk is full).
  virtual std::unique_ptr<segment::Writer> open(const media::StreamFormat& format, std::int64_t start_us) = 0;
  /// The first bytes of the segment are on their way to the disk.
  virtual void opened(const segment::Writer& segment) = 0;
  virtual void close(std::unique_ptr<segment::Writer> segment) = 0;
  virtual void gap(const segment::GapRecord& gap) = 0;
  /// A write failed for want of space: see that there is some.
  virtual void want_space(std::int64_t bytes) = 0;
};

/// Cuts a stream into segments: at a keyframe once a segment is long enough; at once when the format changes, the clock
/// jumps or the disk fails. Gathers packets for 200 ms and hands them to the segment in one go. One thread; knows
/// neither disk nor clock.
class Recorder {
public:
  struct Options {
    std::chrono::microseconds segment{std::chrono::minutes(10)};
  };
  struct Counts {
    std::uint64_t written = 0;  ///< pictures that are in a file
    std::uint64_t dropped = 0;  ///< pictures that are in none
    int last_error = 0;         ///< errno of the last write that failed; 0 = none did
  };

  Recorder(Options options, Store& store) : options_(options), store_(store) {}

  void set_format(const media::StreamFormat& format);
  /// @param now_ns  CLOCK_MONOTONIC.
  void add(media::Packet packet, std::int64_t now_ns);
  /// Pictures that were lost before they came here (the queue was full).
  void lost(std::uint64_t frames, std::int64_t from_us);

  /// When tick() has something to do; nothing: not before the next packet.
  std::optional<std::int64_t> deadline_ns() const noexcept { return deadline_ns_; }
  void tick(std::int64_t now_ns);

  /// Closes what is open. No add() after it.
  void finish(std::int64_t now_ns);

  const Counts& counts() const noexcept { return counts_; }
  const segment::Writer* current() const noexcept { return current_.writer.get(); }

private:
  /// A segment and what waits to be written to it.
  struct Open {
    std::unique_ptr<segment::Writer> writer;
    std::vector<media::Packet> batch;
    std::size_t batch_bytes = 0;
    std::int64_t start_us = 0;
  };

  void add_video(media::Packet packet, std::int64_t now_ns);
  void add_audio(media::Packet packet, std::int64_t now_ns);
  /// Why the open segment must end before this packet; empty: it goes on.
  std::string reason_to_cut(const media::Packet& packet);
  bool parameter_sets_changed(const media::Packet& packet) const;
  bool learn_format(const media::Packet& packet);
  bool open_segment(const media::Packet& first, std::int64_t now_ns);
  void append(Open& segment, media::Packet packet, std::int64_t now_ns);
  bool flush(Open& segment, std::int64_t now_ns);
  void failed(Open& segment, int error, std::int64_t now_ns);
  void cut(const std::string& reason, std::int64_t now_ns);
  void close(Open& segment, const std::string& reason);
  void end_previous(std::int64_t now_ns);
  void drop(const media::Packet& packet, const std::string& reason);
  void end_gap(std::int64_t at_us);

  Options options_;
  Store& store_;
  media::StreamFormat format_;
  bool has_format_ = false;
  Open current_;
  Open previous_;  // cut, but audio that belongs to it may still come
  std::optional<std::int64_t> deadline_ns_;
  std::optional<std::int64_t> last_dts_us_;
  std::int64_t last_distance_us_ = 0;
  std::string cut_at_keyframe_;  // a reason that can wait for one
  std::optional<segment::GapRecord> gap_;
  std::int64_t retry_at_ns_ = 0;  // no try to open a segment before
  int failing_ = 0;               // errno of the failure that was told
  std::int64_t told_at_ns_ = 0;
  Counts counts_;
};

}  // namespace campipe::record
