#pragma once
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "record/segment/file.hpp"

namespace campipe::record::library {

/// Syncs open segments every two seconds in a thread of its own: a power cut costs no more, and the recorder never
/// waits for the disk. An error stays in the file (segment::File::sync_error()).
class Flusher {
public:
  explicit Flusher(std::chrono::milliseconds interval = std::chrono::seconds(2));
  ~Flusher();

  /// Syncs the file as long as somebody holds it.
  void watch(const std::shared_ptr<segment::File>& file);

private:
  void run();

  std::chrono::milliseconds interval_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::weak_ptr<segment::File>> files_;
  bool quit_ = false;
  std::thread thread_;
};

}  // namespace campipe::record::library
