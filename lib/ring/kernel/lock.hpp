#pragma once
#include <cstdint>

/// Open file description locks (fcntl(2), F_OFD_SETLK): the kernel drops them when the last descriptor of the open file
/// is closed, by whatever death. They hold against every other opening of the same file, in this process too.
namespace campipe::ring::kernel {

enum class LockKind { read, write };

/// Takes the lock on one byte, at once or not at all.
bool lock_byte(int fd, LockKind kind, std::int64_t byte) noexcept;
void unlock_byte(int fd, std::int64_t byte) noexcept;

/// Whether another opening holds a write lock there. Read locks, which anybody who may read can take, do not count.
bool write_locked(int fd, std::int64_t byte) noexcept;
/// Whether another opening holds any lock on one of `count` bytes.
bool any_locked(int fd, std::int64_t byte, std::int64_t count = 1) noexcept;

/// Takes the write lock on `byte`, or keeps it, when no other opening holds any lock on one of `count` bytes from there
/// on; else lets go of it. Of several that leave at once one gets it: who finds the byte taken may leave all to the one
/// that has it, which looks again after it let go.
bool lock_alone(int fd, std::int64_t byte, std::int64_t count) noexcept;

}  // namespace campipe::ring::kernel
