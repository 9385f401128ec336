#include "ring/kernel/lock.hpp"

#include <fcntl.h>

namespace campipe::ring::kernel {

namespace {

struct flock range(short type, std::int64_t byte, std::int64_t count) noexcept {
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = count;
  return lock;
}

/// Whether a lock of `type` could not be taken. A descriptor that cannot be asked is closed or none: nobody holds it.
bool refused(int fd, short type, std::int64_t byte, std::int64_t count) noexcept {
  struct flock lock = range(type, byte, count);
  return ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace

bool lock_byte(int fd, LockKind kind, std::int64_t byte) noexcept {
  struct flock lock = range(kind == LockKind::read ? F_RDLCK : F_WRLCK, byte, 1);
  return ::fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

void unlock_byte(int fd, std::int64_t byte) noexcept {
  struct flock lock = range(F_UNLCK, byte, 1);
  ::fcntl(fd, F_OFD_SETLK, &lock);
}

bool write_locked(int fd, std::int64_t byte) noexcept {
  return refused(fd, F_RDLCK, byte, 1);
}

bool any_locked(int fd, std::int64_t byte, std::int64_t count) noexcept {
  return refused(fd, F_WRLCK, byte, count);
}

bool lock_alone(int fd, std::int64_t byte, std::int64_t count) noexcept {
  while (lock_byte(fd, LockKind::write, byte)) {
    if (!any_locked(fd, byte, count)) return true;
    unlock_byte(fd, byte);
    if (any_locked(fd, byte, count)) return false;
  }
  return false;
}

}  // namespace campipe::ring::kernel
