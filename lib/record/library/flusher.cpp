#include "record/library/flusher.hpp"

#include "base/error.hpp"
#include "base/log.hpp"

namespace campipe::record::library {

Flusher::Flusher(std::chrono::milliseconds interval) : interval_(interval), thread_([this] { run(); }) {}

Flusher::~Flusher() {
  {
    const std::lock_guard lock(mutex_);
    quit_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Flusher::watch(const std::shared_ptr<segment::File>& file) {
  {
    const std::lock_guard lock(mutex_);
    files_.push_back(file);
  }
  wake_.notify_all();
}

void Flusher::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return quit_ || !files_.empty(); });
    if (wake_.wait_for(lock, interval_, [this] { return quit_; })) return;
    std::erase_if(files_, [](const auto& file) { return file.expired(); });
    const auto files = files_;
    lock.unlock();
    for (const auto& weak : files) {
      const auto file = weak.lock();
      if (!file || !file->dirty() || file->sync_error() != 0) continue;
      if (const int error = file->sync(); error != 0) {
        log::error("{}: cannot sync: {}: what is on the disk is unknown, a new segment begins", file->path(),
                   errno_text(error));
      }
    }
    lock.lock();
  }
}

}  // namespace campipe::record::library
