#include "ring/read/leases.hpp"

#include <algorithm>

#include "ring/kernel/lock.hpp"

namespace campipe::ring::read {

struct Leases::Lease {
  Lease(std::shared_ptr<Leases> o, std::uint32_t s) : of(std::move(o)), slot(s) {}
  ~Lease() { of->give_back(slot); }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  std::shared_ptr<Leases> of;
  std::uint32_t slot;
};

std::shared_ptr<const void> Leases::take(std::uint32_t slot, const layout::Record& record, std::uint64_t seq,
                                         std::uint32_t most) {
  {
    const std::lock_guard lock(mutex_);
    if (uses_[slot] == 0) {
      if (slots_ >= most || !kernel::lock_byte(object_->fd(), kernel::LockKind::read, slot)) return nullptr;
      ++slots_;
    }
    ++uses_[slot];
  }
  // A full fence between our lock and our look at the number, as the writer has one between taking the number away and
  // its look for locks: one of us sees the other. The load is an acquire as well: the picture is seen with its number.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (record.seq.load(std::memory_order_seq_cst) != seq) {
    give_back(slot);
    return nullptr;
  }
  return std::make_shared<Lease>(shared_from_this(), slot);
}

void Leases::give_back(std::uint32_t slot) noexcept {
  const std::lock_guard lock(mutex_);
  if (--uses_[slot] > 0) return;
  --slots_;
  // What we read of the slot is done before the writer finds the lock gone: the kernel's own lock around its list of
  // locks is released here and taken there.
  kernel::unlock_byte(object_->fd(), slot);
}

std::shared_ptr<std::uint64_t[]> Copies::get(std::size_t bytes) {
  constexpr std::size_t kKept = 4;
  const std::size_t words = (bytes + 7) / 8;
  std::unique_ptr<std::uint64_t[]> buffer;
  std::size_t size = words;
  {
    const std::lock_guard lock(idle_->mutex);
    for (auto& [has, idle] : idle_->buffers) {
      if (has < words || has > 2 * words + 8192) continue;
      size = has;
      buffer = std::move(idle);
      std::swap(idle_->buffers.back(), *std::find_if(idle_->buffers.begin(), idle_->buffers.end(),
                                                     [](const auto& one) { return one.second == nullptr; }));
      idle_->buffers.pop_back();
      break;
    }
  }
  if (!buffer) buffer = std::make_unique_for_overwrite<std::uint64_t[]>(words);
  std::uint64_t* const raw = buffer.release();
  return {raw, [idle = idle_, size](std::uint64_t* done) {
            std::unique_ptr<std::uint64_t[]> back(done);
            const std::lock_guard lock(idle->mutex);
            if (idle->buffers.size() < kKept) idle->buffers.emplace_back(size, std::move(back));
          }};
}

void copy_words(std::uint64_t* to, const std::byte* from, std::size_t bytes) noexcept {
  const auto* words = reinterpret_cast<const std::uint64_t*>(from);
  const std::size_t count = (bytes + 7) / 8;
  for (std::size_t i = 0; i < count; ++i) to[i] = __atomic_load_n(words + i, __ATOMIC_RELAXED);
}

}  // namespace campipe::ring::read
