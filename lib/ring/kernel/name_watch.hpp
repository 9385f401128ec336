#pragma once
#include <string>

#include "base/fd.hpp"

namespace campipe::ring::kernel {

/// Tells when rings appear or go: watches the directory that they live in. One thread.
class NameWatch {
public:
  /// Without inotify (its limit may be reached) it merely waits.
  NameWatch();

  /// Until something changed, `wake_fd` (an eventfd; emptied) became readable, or the time is over; may return early.
  void wait(int wake_fd, int timeout_ms);

  /// Readable when something changed, until wait(); -1 without inotify.
  int fd() const noexcept { return fd_.get(); }

private:
  Fd fd_;
};

}  // namespace campipe::ring::kernel
