#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "media/packet.hpp"
#include "record/cut/keyframe_watch.hpp"
#include "record/cut/losses.hpp"
#include "record/cut/open_segment.hpp"
#include "record/segment/writer.hpp"

namespace campipe::record {

/// Where the recorder gets its segments and leaves them.
class Store {
public:
  virtual ~Store() = default;
  /// A writer for a new segment whose first picture is at `start_us` (Unix time). Throws Error when the container
  /// cannot hold the stream. May wait for a second while too many segments wait to be published; null when they still
  /// do.
  virtual std::unique_ptr<segment::Writer> open(const media::StreamFormat& format, std::int64_t start_us) = 0;
  /// The first bytes of the segment are on their way to the disk.
  virtual void opened(const segment::Writer& segment) = 0;
  virtual void close(std::unique_ptr<segment::Writer> segment) = 0;
  virtual void gap(const segment::GapRecord& gap) = 0;
  /// A write failed for want of space: see that there is some.
  virtual void want_space(std::int64_t bytes) = 0;
  /// Looks whether the folders are still those behind their paths, and takes those that are. Answers whether one
  /// is another now. Called once a second and after a failed write.
  virtual bool look() { return false; }
  /// Whether the segment's file is still where it was made.
  virtual bool in_place(const segment::Writer&) { return true; }
};

/// Cuts a stream into segments: at a keyframe once a segment is long enough; at once when the format changes, the clock
/// jumps or the disk fails. Gathers packets for 200 ms and hands them to the segment in one go. One thread; knows
/// neither disk nor clock.
///
/// When a write fails the segment ends before its last group of pictures, which waits in memory (held_until_ns()) and
/// begins the next one: nothing is lost as long as memory holds what comes meanwhile.
class Recorder {
public:
  struct Options {
    std::chrono::microseconds segment{std::chrono::minutes(10)};
  };
  struct Counts {
    std::uint64_t written = 0;  ///< pictures that are in a file
    std::uint64_t skipped = 0;  ///< pictures in front of the first keyframe
    std::uint64_t lost = 0;     ///< pictures that should be in a file and are in none
    int last_error = 0;         ///< errno of the last write that failed; 0 = none did
  };

  Recorder(Options options, Store& store) : options_(options), store_(store), keyframes_(options.segment) {}

  void set_format(const media::StreamFormat& format);
  /// @param now_ns  CLOCK_MONOTONIC. While held_until_ns() it is kept in memory too: better leave it where it is.
  void add(media::Packet packet, std::int64_t now_ns);
  /// Pictures that were lost before they came here (the queue was full).
  void lost(std::uint64_t frames, std::int64_t from_us);

  /// When tick() has something to do; nothing: not before the next packet.
  std::optional<std::int64_t> deadline_ns() const noexcept { return deadline_ns_; }
  /// Writes what has waited for long enough; once a second also looks after the folders.
  void tick(std::int64_t now_ns);

  /// Set while what could not be written waits in memory: when to call resume().
  std::optional<std::int64_t> held_until_ns() const noexcept { return held_until_ns_; }
  void resume(std::int64_t now_ns);
  /// Counts what waits as lost.
  void give_up_waiting();
  /// Only because too many segments wait to be published: that goes by.
  bool held_by_backlog() const noexcept { return held_until_ns_ && held_by_backlog_; }
  /// Since when nothing can be written; nothing: it can.
  std::optional<std::int64_t> failing_since_ns() const noexcept { return failing_since_ns_; }

  /// Closes what is open; what is still held is lost. No add() after it.
  void finish(std::int64_t now_ns);

  Counts counts() const noexcept {
    return {.written = written_, .skipped = losses_.skipped(), .lost = losses_.lost(), .last_error = last_error_};
  }
  const std::string& first_loss() const noexcept { return losses_.first_reason(); }
  const segment::Writer* current() const noexcept { return current_.get(); }

private:
  void add_video(media::Packet packet, std::int64_t now_ns);
  void add_audio(media::Packet packet, std::int64_t now_ns);
  /// Why the open segment must end before this packet; empty: it goes on.
  std::string reason_to_cut(const media::Packet& packet);
  bool open_segment(media::Packet& first, std::int64_t now_ns);
  void append(cut::OpenSegment& segment, media::Packet packet, std::int64_t now_ns);
  bool flush(cut::OpenSegment& segment, std::int64_t now_ns);
  void wrote(const segment::Writer& segment, bool first, std::optional<std::int64_t> picture_us);
  void failed(cut::OpenSegment& segment, int error, std::int64_t now_ns);
  void tell_failure(const segment::Writer& segment, int error, bool held, std::int64_t now_ns);
  void look_after_files(std::int64_t now_ns);
  void gone(cut::OpenSegment& segment, std::int64_t now_ns);
  void hold(std::vector<media::Packet> packets, std::int64_t until_ns, std::int64_t now_ns);
  void lose(const std::vector<media::Packet>& packets, const std::string& reason);
  void cut(const std::string& reason, std::int64_t now_ns);
  void close(cut::OpenSegment& segment, const std::string& reason);
  void end_previous(std::int64_t now_ns);
  void end_gap(std::int64_t at_us);

  Options options_;
  Store& store_;
  media::StreamFormat format_;
  bool has_format_ = false;
  cut::OpenSegment current_;
  cut::OpenSegment previous_;  // cut, but audio that belongs to it may still come
  std::optional<std::int64_t> deadline_ns_;
  std::optional<std::int64_t> last_dts_us_;
  std::int64_t last_distance_us_ = 0;
  std::int64_t last_pts_us_ = 0;
  std::string cut_at_keyframe_;  // a reason that can wait for one
  cut::KeyframeWatch keyframes_;

  std::vector<media::Packet> held_;
  std::optional<std::int64_t> held_until_ns_;
  std::optional<std::int64_t> failing_since_ns_;
  bool held_by_backlog_ = false;
  std::int64_t retry_at_ns_ = 0;  // no try to open a segment before
  std::string lost_reason_;       // why frames up to the next keyframe are lost
  std::int64_t look_at_ns_ = 0;
  int told_error_ = 0;  // errno of the failure that was told
  std::int64_t told_at_ns_ = 0;
  bool told_too_large_ = false;

  cut::Losses losses_;
  std::uint64_t written_ = 0;
  int last_error_ = 0;
};

}  // namespace campipe::record
