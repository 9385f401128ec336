#pragma once
#include <chrono>

#include "base/fd.hpp"

namespace campipe::capture {

/// A descriptor that becomes readable when `stop_fd` is or, where `duration` is not zero, that time is over.
class StopAfter {
public:
  StopAfter(int stop_fd, std::chrono::nanoseconds duration);
  int fd() const noexcept { return either_.get(); }
  bool is_over() const noexcept;  ///< the time

private:
  Fd timer_;
  Fd either_;
};

}  // namespace campipe::capture
