#pragma once
#include <cstdint>

namespace campipe::ring::kernel {

/// A descriptor that a forked child does not keep: locks on it would outlive us in there. Closed in the child before
/// fork() returns to it; get() answers -1 there.
class ForkFd {
public:
  ForkFd() noexcept = default;
  /// Takes `fd` over. Throws Error(os_error) when there are more than 1024 at a time.
  explicit ForkFd(int fd);
  ~ForkFd();
  ForkFd(const ForkFd&) = delete;
  ForkFd& operator=(const ForkFd&) = delete;

  int get() const noexcept;

private:
  int place_ = -1;
};

/// Counts the forks between the first process of the library and this one: what was made under another count is not
/// ours.
std::uint32_t fork_count() noexcept;

}  // namespace campipe::ring::kernel
