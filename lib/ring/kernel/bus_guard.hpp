#pragma once
#include <atomic>
#include <cstddef>

namespace campipe::ring::kernel {

/// While it lives, a SIGBUS inside the mapping (somebody truncated the file, or the machine has no memory for it) sets
/// `damaged` and puts zeros in the mapping's place, instead of ending the process. Other SIGBUS go where they went.
class BusGuard {
public:
  /// Throws Error(os_error) when there are more than 256 at a time. `damaged` must outlive it.
  BusGuard(std::byte* begin, std::size_t bytes, std::atomic<bool>& damaged);
  ~BusGuard();
  BusGuard(const BusGuard&) = delete;
  BusGuard& operator=(const BusGuard&) = delete;

private:
  std::size_t place_;
};

}  // namespace campipe::ring::kernel
