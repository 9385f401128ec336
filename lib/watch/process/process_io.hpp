#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include <sys/types.h>

namespace campipe::watch::process {

/// The present children of `pid` (of its main thread); at most 256.
std::vector<pid_t> children_of(pid_t pid);

/// Bytes that `pid` and its descendants have read and written by system calls so far (/proc/PID/io). Nothing when the
/// kernel does not tell (another user's, or no such process).
std::optional<std::uint64_t> io_bytes(pid_t pid);

}  // namespace campipe::watch::process
