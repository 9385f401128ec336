#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace campipe::ring::kernel {

/// Whether it is a ring's name: [A-Za-z0-9_-]{1,64} and at most one .SUFFIX of the same letters, which is not "ctl".
bool is_name(std::string_view name) noexcept;
/// Throws Error(usage) with the rule when it is none.
void require_name(std::string_view name);
/// Whether it is a pattern over names: letters of names, `*` and `?`, at least one of these two.
bool is_pattern(std::string_view pattern) noexcept;
bool matches(std::string_view pattern, std::string_view name) noexcept;

/// Where rings live: /dev/shm, or $CAMPIPE_RING_DIR (for tests and for containers that share a folder).
const std::string& directory();
std::string object_path(std::string_view name);   ///< DIRECTORY/campipe.NAME
std::string control_path(std::string_view name);  ///< DIRECTORY/campipe.NAME.ctl

/// Names of the rings that are there, sorted; none when there is no such folder. Throws Error when the folder cannot be
/// read (no descriptors are left): then nobody knows.
std::vector<std::string> all_names();

}  // namespace campipe::ring::kernel
