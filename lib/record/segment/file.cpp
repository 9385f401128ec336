#include "record/segment/file.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace campipe::record::segment {

namespace {

constexpr std::uint64_t kReserveStep = 8U << 20;

int allocate(int fd, std::uint64_t from, std::uint64_t to) {
  int result = 0;
  do {
    result = ::fallocate(fd, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(from), static_cast<off_t>(to - from));
  } while (result != 0 && errno == EINTR);
  return result == 0 ? 0 : errno;
}

}  // namespace

int File::create() {
  fd_ = Fd(::openat(folder_.fd(), name_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
  return fd_ ? 0 : errno;
}

int File::open_existing() {
  fd_ = Fd(::openat(folder_.fd(), name_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  return fd_ ? 0 : errno;
}

int File::reserve(std::uint64_t end) {
  if (end <= reserved_) return 0;
  for (const std::uint64_t goal : {end + kReserveStep, end}) {
    const int error = allocate(fd_.get(), reserved_, goal);
    if (error == EOPNOTSUPP || error == ENOSYS || error == EINVAL) return 0;
    if (error == 0) {
      reserved_ = goal;
      return 0;
    }
    if (goal == end) return error;
  }
  return 0;
}

int File::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  dirty_.store(true, std::memory_order_release);
  while (!bytes.empty()) {
    const ssize_t wrote = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return wrote < 0 ? errno : EIO;
    offset += static_cast<std::uint64_t>(wrote);
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
  }
  return 0;
}

bool File::read_at(std::uint64_t offset, std::span<std::byte> into) const {
  while (!into.empty()) {
    const ssize_t got = ::pread(fd_.get(), into.data(), into.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    offset += static_cast<std::uint64_t>(got);
    into = into.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

int File::truncate(std::uint64_t size) {
  dirty_.store(true, std::memory_order_release);
  if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) return errno;
  reserved_ = std::min(reserved_, size);
  return 0;
}

int File::sync() {
  dirty_.store(false, std::memory_order_release);
  if (::fdatasync(fd_.get()) == 0) return 0;
  int none = 0;
  sync_error_.compare_exchange_strong(none, errno);
  return errno;
}

bool File::in_place() const {
  struct stat ours{};
  if (::fstat(fd_.get(), &ours) != 0) return false;
  const auto there = folder_.status(name_);
  return there && there->st_dev == ours.st_dev && there->st_ino == ours.st_ino;
}

std::uint64_t File::size() const {
  struct stat info{};
  return ::fstat(fd_.get(), &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

}  // namespace campipe::record::segment
