#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <sys/types.h>

#include "base/fd.hpp"
#include "ring/kernel/bus_guard.hpp"
#include "ring/kernel/fork_guard.hpp"

namespace campipe::ring::kernel {

/// One shared-memory object: its descriptor and, mostly, its mapping. Not kept by forked children.
class Object {
public:
  /// How much of it is wanted.
  enum class Access { read_only, read_write, unmapped };

  /// A new one of `bytes` bytes at `path`, all of them there and zero. Throws Error(cannot_create) when the file system
  /// has no room for them, `what` and the remedy in its message.
  static std::shared_ptr<Object> create(const std::string& path, std::uint64_t bytes, mode_t mode,
                                        std::optional<gid_t> group, const std::string& what);

  /// Nothing when there is none, or none that may be opened so (`error` says which: an errno).
  static std::shared_ptr<Object> open(const std::string& path, Access access, int& error);

  ~Object();
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  int fd() const noexcept { return fd_.get(); }
  /// nullptr when it is not mapped: not asked for, too small, or with holes in it.
  std::byte* data() const noexcept { return data_; }
  /// Whether this process opened it, and not one that we were forked from: then it is neither mapped nor open here.
  bool is_ours() const noexcept { return forks_ == fork_count(); }
  std::uint64_t size() const noexcept { return size_; }
  uid_t owner() const noexcept { return owner_; }
  /// Whether it was truncated under us: its bytes are zeros from then on.
  bool damaged() const noexcept { return damaged_.load(std::memory_order_acquire); }
  /// Whether `path` still leads to it.
  bool is_at(const std::string& path) const noexcept;

private:
  Object(Fd fd, std::uint64_t size);
  void map(int protection);

  ForkFd fd_;
  std::uint64_t size_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  uid_t owner_ = 0;
  std::uint32_t forks_;
  std::byte* data_ = nullptr;
  std::atomic<bool> damaged_{false};
  std::optional<BusGuard> guard_;
};

/// "root" or "1000".
std::string user_name(uid_t user);

}  // namespace campipe::ring::kernel
