#pragma once
#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace campipe::media {

/// Immutable bytes with shared ownership, passed on without a copy. Copying a Payload costs a reference count, from any
/// thread; whatever `owner` holds alive (a pool buffer, a V4L2 buffer, an AVPacket) is released with the last copy, in
/// that copy's thread.
class Payload {
public:
  Payload() = default;
  Payload(std::shared_ptr<const void> owner, std::span<const std::byte> bytes)
      : owner_(std::move(owner)), bytes_(bytes) {}

  /// Takes the vector over.
  static Payload from(std::vector<std::byte> bytes);
  static Payload copy_of(std::span<const std::byte> bytes);

  std::span<const std::byte> bytes() const noexcept { return bytes_; }
  const std::byte* data() const noexcept { return bytes_.data(); }
  std::size_t size() const noexcept { return bytes_.size(); }
  bool empty() const noexcept { return bytes_.empty(); }

  /// A part of it that shares the ownership.
  Payload part(std::size_t offset, std::size_t length) const { return {owner_, bytes_.subspan(offset, length)}; }

private:
  std::shared_ptr<const void> owner_;
  std::span<const std::byte> bytes_;
};

/// A buffer one thread fills and then turns into a Payload.
class Buffer {
public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : bytes_(std::move(other.bytes_)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    bytes_ = std::move(other.bytes_);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  /// Grows or shrinks; the first min(old, new) bytes stay. New bytes are not cleared.
  void resize(std::size_t bytes);
  std::byte* data() noexcept { return bytes_.get(); }
  const std::byte* data() const noexcept { return bytes_.get(); }
  std::size_t size() const noexcept { return size_; }
  std::span<std::byte> bytes() noexcept { return {bytes_.get(), size_}; }

private:
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t size_ = 0, capacity_ = 0;
};

/// Recycles buffers: a fresh 3 MB allocation per frame costs more in page faults than the copy into it. Thread-safe;
/// the pool may die before its payloads. Keeps at most `keep` idle buffers.
class BufferPool {
public:
  explicit BufferPool(std::size_t keep = 8);

  /// A buffer of `bytes` bytes, contents undefined.
  std::shared_ptr<Buffer> get(std::size_t bytes);

  /// Seals a buffer; the caller must not write to it any more.
  static Payload seal(std::shared_ptr<Buffer> buffer);

private:
  struct Idle {
    std::mutex mutex;
    std::vector<std::unique_ptr<Buffer>> buffers;
    std::size_t keep = 0;
  };
  std::shared_ptr<Idle> idle_;
};

}  // namespace campipe::media
