#include "media/payload.hpp"

#include <algorithm>
#include <cstring>

namespace campipe::media {

Payload Payload::from(std::vector<std::byte> bytes) {
  auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  const std::span<const std::byte> view(*owner);
  return {std::move(owner), view};
}

Payload Payload::copy_of(std::span<const std::byte> bytes) {
  return from(std::vector<std::byte>(bytes.begin(), bytes.end()));
}

void Buffer::resize(std::size_t bytes) {
  if (bytes > capacity_) {
    auto bigger = std::make_unique_for_overwrite<std::byte[]>(bytes);
    if (size_ > 0) std::memcpy(bigger.get(), data_, size_);
    bytes_ = std::move(bigger);
    lender_.reset();
    data_ = bytes_.get();
    capacity_ = bytes;
  }
  size_ = bytes;
}

BufferPool::BufferPool(std::size_t keep) : idle_(std::make_shared<Idle>()) {
  idle_->keep = keep;
}

std::shared_ptr<Buffer> BufferPool::get(std::size_t bytes) {
  if (source_) {
    if (auto buffer = source_(bytes)) return buffer;
  }
  std::unique_ptr<Buffer> buffer;
  {
    const std::lock_guard lock(idle_->mutex);
    if (!idle_->buffers.empty()) {
      buffer = std::move(idle_->buffers.back());
      idle_->buffers.pop_back();
    }
  }
  if (!buffer) buffer = std::make_unique<Buffer>();
  buffer->resize(0);  // what it held need not be copied when it grows
  buffer->resize(bytes);
  return {buffer.release(), [idle = std::weak_ptr(idle_)](Buffer* done) {
            std::unique_ptr<Buffer> owned(done);
            const auto pool = idle.lock();
            if (!pool) return;
            const std::lock_guard lock(pool->mutex);
            if (pool->buffers.size() < pool->keep) pool->buffers.push_back(std::move(owned));
          }};
}

Payload BufferPool::seal(std::shared_ptr<Buffer> buffer) {
  const std::span<const std::byte> view = buffer->bytes();
  return {std::move(buffer), view};
}

}  // namespace campipe::media
