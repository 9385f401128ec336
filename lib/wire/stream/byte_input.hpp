#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/fd.hpp"
#include "media/payload.hpp"

namespace campipe::wire::stream {

/// Buffered reading from a blocking descriptor, in one thread. What is buffered is the window; big payloads are read
/// past it, straight to where they shall be.
class ByteInput {
public:
  enum class Got { bytes, end, stopped };

  /// @param stop_fd  readable = give up waiting; -1 none; borrowed.
  ByteInput(Fd fd, std::string name, int stop_fd, std::function<void()> on_idle);

  /// What is read and not yet consumed; valid until the next more(), read_into() or replay().
  std::span<const std::byte> window() const noexcept;
  void consume(std::size_t bytes) noexcept { begin_ += bytes; }

  /// Waits for input and adds one read(2) of at most `at_most` bytes to the window. Throws Error(io_error).
  Got more(std::size_t at_most = kReadBytes);

  /// Whether there is input (or its end) within `timeout_ms`.
  Readable ready(int timeout_ms) const;

  /// One read(2) into `to`, past the window, which must be empty; `count` says how much came.
  Got read_into(std::span<std::byte> to, std::size_t& count);

  /// As read_into(), but gives up after `timeout_ms` without a byte: count = 0.
  Got read_into(std::span<std::byte> to, std::size_t& count, int timeout_ms);

  /// Puts bytes that were read into a buffer back before everything else; the window must be empty.
  void replay(media::Buffer buffer, std::size_t used) noexcept;

  /// Whether it is a file: then how fast it can be read says nothing about time.
  bool is_file() const noexcept;

  std::uint64_t bytes() const noexcept { return bytes_; }
  const std::string& name() const noexcept { return name_; }

  static constexpr std::size_t kReadBytes = 64 << 10;

private:
  Got wait();
  Got read_some(std::span<std::byte> to, std::size_t& count);
  void make_room(std::size_t bytes);

  Fd fd_;
  std::string name_;
  int stop_fd_;
  std::function<void()> on_idle_;
  media::Buffer buffer_;
  std::size_t begin_ = 0, end_ = 0;  // of the window
  std::uint64_t bytes_ = 0;
};

}  // namespace campipe::wire::stream
