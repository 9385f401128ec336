#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/fd.hpp"
#include "record/segment/folder.hpp"

namespace campipe::record::segment {

/// The file of an open segment. One thread writes; sync() may run in another at the same time. Errors are errno values.
class File {
public:
  /// @param folder  Where it will be; borrowed for the object's life. Nothing is created before create().
  File(const Folder& folder, std::string name) : folder_(folder), name_(std::move(name)) {}

  /// Makes the file; EEXIST when there is one.
  int create();
  /// Opens one that is there, for recovery.
  int open_existing();

  /// Sees to it that the bytes up to `end` can be written without the disk being full in between, in steps of some
  /// MiB ahead. ENOSPC, EDQUOT; what a file system cannot promise is taken as promised.
  int reserve(std::uint64_t end);

  /// All of it or an error; after an error an unknown part is written.
  int write_at(std::uint64_t offset, std::span<const std::byte> bytes);
  bool read_at(std::uint64_t offset, std::span<std::byte> into) const;

  /// Cuts or ends the file at `size`; what was reserved behind it is given back.
  int truncate(std::uint64_t size);

  int sync();  ///< fdatasync
  bool dirty() const noexcept { return dirty_.load(std::memory_order_acquire); }
  /// The first error of a sync(): what is on the disk is unknown then (the kernel tells only once).
  int sync_error() const noexcept { return sync_error_.load(std::memory_order_acquire); }

  /// Whether the folder still has this file under its name. False: somebody deleted or moved it, or the folder.
  bool in_place() const;

  std::uint64_t size() const;
  bool created() const noexcept { return static_cast<bool>(fd_); }
  const Folder& folder() const noexcept { return folder_; }
  const std::string& name() const noexcept { return name_; }
  std::string path() const { return folder_.path() + "/" + name_; }

private:
  const Folder& folder_;
  std::string name_;
  Fd fd_;
  std::uint64_t reserved_ = 0;
  std::atomic<bool> dirty_ = false;
  std::atomic<int> sync_error_ = 0;
};

}  // namespace campipe::record::segment
