#pragma once
#include <cstddef>
#include <functional>
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
  /// Memory of somebody else's, which `owner` keeps: a slot of a ring. Growing past it moves to memory of our own.
  Buffer(std::span<std::byte> memory, std::shared_ptr<void> owner) noexcept
      : lender_(std::move(owner)), data_(memory.data()), size_(memory.size()), capacity_(memory.size()) {}
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    bytes_ = std::move(other.bytes_);
    lender_ = std::move(other.lender_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  /// Grows or shrinks; the first min(old, new) bytes stay. New bytes are not cleared.
  void resize(std::size_t bytes);
  std::byte* data() noexcept { return data_; }
  const std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  std::span<std::byte> bytes() noexcept { return {data_, size_}; }

private:
  std::unique_ptr<std::byte[]> bytes_;
  std::shared_ptr<void> lender_;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0, capacity_ = 0;
};

/// Where the memory of a picture that will go out comes from: a slot of the ring it goes to, so that it is drawn where
/// its readers see it. Answers nothing when there is none to be had.
using BufferSource = std::function<std::shared_ptr<Buffer>(std::size_t bytes)>;

/// Recycles buffers: a fresh 3 MB allocation per frame costs more in page faults than the copy into it. Thread-safe;
/// the pool may die before its payloads. Keeps at most `keep` idle buffers.
class BufferPool {
public:
  explicit BufferPool(std::size_t keep = 8);

  /// A buffer of `bytes` bytes, contents undefined.
  std::shared_ptr<Buffer> get(std::size_t bytes);

  /// Asked first by get(), in its thread. Not while another thread is in get().
  void set_source(BufferSource source) { source_ = std::move(source); }

  /// Seals a buffer; the caller must not write to it any more.
  static Payload seal(std::shared_ptr<Buffer> buffer);

private:
  struct Idle {
    std::mutex mutex;
    std::vector<std::unique_ptr<Buffer>> buffers;
    std::size_t keep = 0;
  };
  std::shared_ptr<Idle> idle_;
  BufferSource source_;
};

}  // namespace campipe::media
