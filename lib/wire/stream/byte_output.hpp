#pragma once
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>

#include <sys/uio.h>

#include "base/fd.hpp"
#include "media/format.hpp"

namespace campipe::wire::stream {

/// A descriptor that bytes of a stream are written to; blocking, in one thread.
class ByteOutput {
public:
  /// @param blocking  Called with true before and false after each write.
  ByteOutput(Fd fd, std::string name, std::function<void(bool)> blocking);

  /// Writes all of `parts`, which are consumed. Throws OutputClosed, Error(cannot_create) when there is no room,
  /// Error(io_error).
  void write(std::span<iovec> parts);

  /// From another thread while write() is stuck: `blocking` is not called any more.
  void abandon() noexcept;

  /// Gives a pipe the capacity that fits a codec.
  void fit_pipe(media::VideoCodec codec) noexcept;

  std::uint64_t bytes() const noexcept { return bytes_; }
  const std::string& name() const noexcept { return name_; }

private:
  void tell(bool blocked);

  Fd fd_;
  std::string name_;
  std::mutex mutex_;  // over blocking_
  std::function<void(bool)> blocking_;
  std::uint64_t bytes_ = 0;
};

/// An iovec over bytes that are only read.
inline iovec part(std::span<const std::byte> bytes) noexcept {
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}

}  // namespace campipe::wire::stream
