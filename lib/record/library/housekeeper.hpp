#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "record/library/camera_folder.hpp"
#include "record/library/publisher.hpp"
#include "record/library/retention.hpp"
#include "record/segment/writer.hpp"

namespace campipe::record::library {

/// Finishes and publishes segments, keeps the index and deletes the oldest, in a thread of its own, so that the
/// recorder never waits for that. Retention runs after each segment, once a minute and when space is wanted.
class Housekeeper {
public:
  /// The references are used in this thread alone from here on until stop().
  Housekeeper(const CameraFolder& camera, Publisher& publisher, segment::Index& index, Retention& retention);
  ~Housekeeper();

  // Any thread; none of these blocks but the one that says so.
  using Job = std::function<void()>;
  void post(Job job);  ///< runs in this thread, in turn
  void publish(std::unique_ptr<segment::Writer> segment);
  void note_opened(segment::SegmentName name);
  void note_gap(segment::GapRecord gap);
  void want_space(std::int64_t bytes);
  /// The folders are others now: what is in them is read again.
  void read_again();
  /// Segments that are not published yet; they pile up while the disk is full or slow.
  std::size_t backlog() const noexcept { return backlog_.load(std::memory_order_relaxed); }
  /// Waits, at most for `limit`, until fewer than `most` are not published. The one call here that blocks.
  bool wait_for_backlog_below(std::size_t most, std::chrono::milliseconds limit);
  /// Pictures of segments that somebody deleted before they were published.
  std::uint64_t lost_frames() const noexcept { return lost_frames_.load(std::memory_order_relaxed); }

  /// Does what waits, tries for up to 4 s to publish what could not be, and ends. Answers how many segments stay in
  /// live/ for the next start.
  std::size_t stop();

private:
  void run();
  void try_publish();
  void published_one();
  void gone(const segment::Writer& segment);
  bool try_publish(segment::Writer& segment);
  void run_retention();
  std::uint64_t open_bytes() const;

  const CameraFolder& camera_;
  Publisher& publisher_;
  segment::Index& index_;
  Retention& retention_;
  std::atomic<std::size_t> backlog_ = 0;
  std::atomic<std::uint64_t> lost_frames_ = 0;

  std::mutex mutex_;
  std::condition_variable wake_, fewer_;
  std::deque<Job> jobs_;
  bool quit_ = false;

  std::deque<std::unique_ptr<segment::Writer>> unpublished_;  // this thread's
  std::int64_t wanted_bytes_ = 0;
  bool told_ = false;
  std::thread thread_;
};

}  // namespace campipe::record::library
