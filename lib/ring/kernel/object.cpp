#include "ring/kernel/object.hpp"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/units.hpp"
#include "ring/kernel/names.hpp"
#include "ring/kernel/page.hpp"

namespace campipe::ring::kernel {

namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{64} << 30;

[[noreturn]] void no_room(const std::string& what, std::uint64_t bytes, const std::string& path) {
  ::unlink(path.c_str());
  struct statvfs room{};
  const bool known = ::statvfs(directory().c_str(), &room) == 0;
  const auto free = known ? static_cast<std::int64_t>(room.f_bavail * room.f_frsize) : 0;
  const auto all = known ? static_cast<std::int64_t>(room.f_blocks * room.f_frsize) : 0;
  const auto needed = static_cast<std::int64_t>(bytes);
  throw Error(
      ExitCode::cannot_create,
      fmt::format("{}: needs {} of {}, which has {} left of {}: give fewer --ring-slots or a smaller picture, or "
                  "make it bigger: mount -o remount,size={}M {} (docker run --shm-size={}m)",
                  what, format_bytes(needed), directory(), format_bytes(free), format_bytes(all),
                  ((all + needed) >> 20) + 16, directory(), ((all + needed) >> 20) + 16));
}

}  // namespace

std::string user_name(uid_t user) {
  std::array<char, 1024> text{};
  struct passwd entry{};
  struct passwd* found = nullptr;
  if (::getpwuid_r(user, &entry, text.data(), text.size(), &found) == 0 && found != nullptr) return entry.pw_name;
  return std::to_string(user);
}

Object::Object(Fd fd, std::uint64_t size) : fd_(fd.release()), size_(size), forks_(fork_count()) {
  struct stat about{};
  if (::fstat(fd_.get(), &about) != 0) throw_errno(errno, "ring: cannot look at it");
  device_ = about.st_dev;
  inode_ = about.st_ino;
  owner_ = about.st_uid;
}

void Object::map(int protection) {
  // Populated at once: without it the first lap costs a page fault for each 4 KiB.
  void* const place = ::mmap(nullptr, size_, protection, MAP_SHARED | MAP_POPULATE, fd_.get(), 0);
  if (place == MAP_FAILED) throw_errno(errno, "ring: cannot map it");
  data_ = static_cast<std::byte*>(place);
  ::madvise(place, size_, MADV_DONTFORK);
  guard_.emplace(data_, size_, damaged_);
}

std::shared_ptr<Object> Object::create(const std::string& path, std::uint64_t bytes, mode_t mode,
                                       std::optional<gid_t> group, const std::string& what) {
  constexpr mode_t kNobodyYet = 0600;
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kNobodyYet));
  if (!fd) {
    const ExitCode code = errno == ENOENT ? ExitCode::cannot_create : exit_code_for_errno(errno);
    throw Error(code, fmt::format("{}: cannot create {}: {}", what, path, errno_text(errno)));
  }
  // Not ftruncate(2): that succeeds on a full file system, and the first touch of a page is a SIGBUS.
  int error = 0;
  do {
    error = ::posix_fallocate(fd.get(), 0, static_cast<off_t>(bytes));
  } while (error == EINTR);
  if (error == ENOSPC || error == EFBIG || error == ENOMEM) no_room(what, bytes, path);
  if (error != 0) throw_errno(error, what + ": cannot make room in " + path);
  if (group && ::fchown(fd.get(), static_cast<uid_t>(-1), *group) != 0) {
    const int reason = errno;
    ::unlink(path.c_str());
    throw Error(ExitCode::permission,
                fmt::format("{}: --ring-group {}: {}: you must be in that group", what, *group, errno_text(reason)));
  }
  if (::fchmod(fd.get(), mode) != 0) throw_errno(errno, what + ": cannot set the mode of " + path);
  std::shared_ptr<Object> object(new Object(std::move(fd), bytes));
  object->map(PROT_READ | PROT_WRITE);
  return object;
}

std::shared_ptr<Object> Object::open(const std::string& path, Access access, int& error) {
  const int flags = access == Access::read_write ? O_RDWR : O_RDONLY;
  Fd fd(::open(path.c_str(), flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!fd) {
    error = errno;
    return nullptr;
  }
  struct stat about{};
  if (::fstat(fd.get(), &about) != 0 || !S_ISREG(about.st_mode) ||
      static_cast<std::uint64_t>(about.st_size) > kMostBytes) {
    error = EINVAL;
    return nullptr;
  }
  error = 0;
  const auto size = static_cast<std::uint64_t>(about.st_size);
  std::shared_ptr<Object> object(new Object(std::move(fd), size));
  if (access == Access::unmapped || size < kPage) return object;
  // All of a ring was allocated as it was made. One with holes is none: to look at it would fill this machine's memory.
  constexpr std::uint64_t kBlock = 512;
  if (static_cast<std::uint64_t>(about.st_blocks) * kBlock < size) return object;
  object->map(access == Access::read_write ? PROT_READ | PROT_WRITE : PROT_READ);
  return object;
}

Object::~Object() {
  guard_.reset();
  // In a forked child the mapping is not there, and something else may be in its place.
  if (data_ != nullptr && forks_ == fork_count()) ::munmap(data_, size_);
}

bool Object::is_at(const std::string& path) const noexcept {
  struct stat about{};
  return ::lstat(path.c_str(), &about) == 0 && about.st_dev == device_ && about.st_ino == inode_;
}

}  // namespace campipe::ring::kernel
