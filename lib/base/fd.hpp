#pragma once
#include <cstddef>
#include <span>
#include <utility>

#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

namespace campipe {

/// Owns a descriptor; -1 is empty. Files whose data matters call close_checked(): close(2) can report a lost write.
class Fd {
public:
  Fd() noexcept = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    Fd old(std::move(other));
    std::swap(fd_, old.fd_);
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int release() noexcept { return std::exchange(fd_, -1); }
  void reset() noexcept { Fd gone(std::move(*this)); }

  /// Closes and returns 0 or the errno of close(2).
  int close_checked() noexcept;

private:
  int fd_ = -1;
};

/// Both ends of a pipe, close-on-exec. Throws Error.
struct Pipe {
  Fd read_end;
  Fd write_end;
};
Pipe make_pipe();

/// Sets the capacity of a pipe; what is no pipe, or a refusal (the per-user limit), is left as it is.
void set_pipe_size(int fd, int bytes) noexcept;

/// Writes all of `parts` to a blocking descriptor, restarting on EINTR and short writes. The parts are consumed.
/// Returns 0 or errno (EPIPE when the reader is gone; the caller must have SIGPIPE ignored).
int write_all(int fd, std::span<iovec> parts) noexcept;
int write_all(int fd, std::span<const std::byte> bytes) noexcept;

enum class Readable { ready, stopped, timeout };

/// Waits until `fd` can be read (or is at its end), `stop_fd` (may be -1) becomes readable, or the time is over.
/// @param timeout_ms  -1 waits without a limit. `stop_fd` wins when both are ready.
Readable wait_readable(int fd, int stop_fd, int timeout_ms);

}  // namespace campipe
