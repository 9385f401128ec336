#include "record/library/housekeeper.hpp"

#include <cerrno>
#include <utility>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/log.hpp"

namespace campipe::record::library {

namespace {

constexpr auto kRetentionEvery = std::chrono::minutes(1);
constexpr auto kRetryEvery = std::chrono::seconds(1);
constexpr int kLastTries = 4;

}  // namespace

Housekeeper::Housekeeper(const CameraFolder& camera, Publisher& publisher, segment::Index& index, Retention& retention)
    : camera_(camera), publisher_(publisher), index_(index), retention_(retention), thread_([this] { run(); }) {}

Housekeeper::~Housekeeper() {
  stop();
}

void Housekeeper::post(Job job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  wake_.notify_all();
}

void Housekeeper::publish(std::unique_ptr<segment::Writer> segment) {
  backlog_.fetch_add(1, std::memory_order_relaxed);
  // A std::function must be copyable.
  auto shared = std::make_shared<std::unique_ptr<segment::Writer>>(std::move(segment));
  post([this, shared] {
    unpublished_.push_back(std::move(*shared));
    try_publish();
  });
}

void Housekeeper::note_opened(segment::SegmentName name) {
  post([this, name = std::move(name)] { index_.opened(name); });
}

void Housekeeper::note_gap(segment::GapRecord gap) {
  post([this, gap = std::move(gap)] { index_.gap(gap); });
}

void Housekeeper::want_space(std::int64_t bytes) {
  post([this, bytes] {
    wanted_bytes_ = bytes;
    run_retention();
  });
}

void Housekeeper::read_again() {
  post([this] { retention_.read_again(); });
}

bool Housekeeper::wait_for_backlog_below(std::size_t most, std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return fewer_.wait_for(lock, limit, [&] { return backlog() < most; });
}

void Housekeeper::run() {
  auto retention_at = std::chrono::steady_clock::now() + kRetentionEvery;
  std::unique_lock lock(mutex_);
  while (!quit_ || !jobs_.empty()) {
    if (jobs_.empty()) {
      const auto retry_at = std::chrono::steady_clock::now() + kRetryEvery;
      wake_.wait_until(lock, unpublished_.empty() ? retention_at : std::min(retry_at, retention_at),
                       [this] { return quit_ || !jobs_.empty(); });
    }
    Job job;
    if (!jobs_.empty()) {
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    lock.unlock();
    if (job) {
      job();
    } else {
      try_publish();
    }
    if (std::chrono::steady_clock::now() >= retention_at) {
      run_retention();
      retention_at = std::chrono::steady_clock::now() + kRetentionEvery;
    }
    lock.lock();
  }
}

void Housekeeper::try_publish() {
  while (!unpublished_.empty() && try_publish(*unpublished_.front())) {
    unpublished_.pop_front();
    published_one();
    run_retention();
  }
}

void Housekeeper::published_one() {
  {
    const std::lock_guard lock(mutex_);
    backlog_.fetch_sub(1, std::memory_order_relaxed);
  }
  fewer_.notify_all();
}

void Housekeeper::gone(const segment::Writer& segment) {
  const segment::SegmentRecord& record = segment.record();
  log::error("{}: is gone: somebody deleted it while it was open: {} frames are lost", segment.file()->path(),
             record.frames);
  lost_frames_.fetch_add(record.frames, std::memory_order_relaxed);
  index_.gap({.from_us = record.start_us,
              .to_us = record.start_us + record.duration_us,
              .frames = record.frames,
              .reason = "deleted"});
}

/// Whether the segment needs no more tries.
bool Housekeeper::try_publish(segment::Writer& segment) {
  const std::shared_ptr<segment::File> file = segment.file();
  if (!segment.has_frames()) {
    if (file->created()) camera_.live().remove(file->name());
    return true;
  }
  int error = segment.finish();
  if (error == 0) error = publisher_.publish(file->name(), segment.record());
  const bool is_gone = error != 0 && !file->in_place();
  if (is_gone) gone(segment);
  if (error == 0 || is_gone) {
    told_ = false;
    return true;
  }
  if (!std::exchange(told_, true)) log::warning("{}: cannot be finished yet: {}", file->path(), errno_text(error));
  if (error == ENOSPC || error == EDQUOT) {
    wanted_bytes_ = std::max<std::int64_t>(wanted_bytes_, 16 << 20);
    run_retention();
  }
  return false;
}

void Housekeeper::run_retention() {
  retention_.run(open_bytes(), std::exchange(wanted_bytes_, 0));
}

std::uint64_t Housekeeper::open_bytes() const {
  std::uint64_t total = 0;
  for (const std::string& name : camera_.live().entries()) {
    if (const auto info = camera_.live().status(name)) total += static_cast<std::uint64_t>(info->st_size);
  }
  return total;
}

std::size_t Housekeeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    quit_ = true;
  }
  wake_.notify_all();
  if (!thread_.joinable()) return unpublished_.size();
  thread_.join();
  for (int i = 0; i < kLastTries && !unpublished_.empty(); ++i) {
    if (i > 0) std::this_thread::sleep_for(kRetryEvery);  // for the space that was just made
    try_publish();
  }
  for (const auto& segment : unpublished_) {
    log::error("{}: could not be finished: it stays there and is recovered at the next start", segment->file()->path());
  }
  return unpublished_.size();
}

}  // namespace campipe::record::library
