#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "ring/kernel/object.hpp"
#include "ring/layout/layout.hpp"

namespace campipe::ring::read {

/// A reader's leases on one raw ring: a read lock on byte i of the ring means that slot i is in use. The kernel drops
/// them when the reader dies. Thread-safe; lives as long as its last lease.
class Leases : public std::enable_shared_from_this<Leases> {
public:
  explicit Leases(std::shared_ptr<kernel::Object> object) : object_(std::move(object)) {}

  /// Leases `slot` if record `record` still has number `seq` after that; nothing otherwise. At most `most` slots at a
  /// time.
  std::shared_ptr<const void> take(std::uint32_t slot, const layout::Record& record, std::uint64_t seq,
                                   std::uint32_t most);

private:
  struct Lease;
  void give_back(std::uint32_t slot) noexcept;

  std::shared_ptr<kernel::Object> object_;
  std::mutex mutex_;  // over both below
  std::array<std::uint32_t, layout::kMaxSlots> uses_{};
  std::uint32_t slots_ = 0;
};

/// Buffers for copies, used again: a fresh allocation of a picture costs more in page faults than the copy.
class Copies {
public:
  /// A buffer of at least `bytes` bytes, in whole words.
  std::shared_ptr<std::uint64_t[]> get(std::size_t bytes);

private:
  struct Idle {
    std::mutex mutex;
    std::vector<std::pair<std::size_t, std::unique_ptr<std::uint64_t[]>>> buffers;
  };
  std::shared_ptr<Idle> idle_ = std::make_shared<Idle>();
};

/// Copies what may be overwritten meanwhile, in words that are each whole (relaxed: whether they belong together is for
/// the caller to find out, with an acquire fence after it). `from` is aligned to 8 bytes and readable up to the next
/// multiple of 8.
void copy_words(std::uint64_t* to, const std::byte* from, std::size_t bytes) noexcept;

}  // namespace campipe::ring::read
