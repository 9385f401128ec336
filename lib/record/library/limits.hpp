#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "record/segment/folder.hpp"
#include "record/segment/stamp.hpp"

namespace campipe::record::library {

/// --min-free: a share of the file system or bytes; 0 = no limit.
struct MinFree {
  double percent = 0;
  std::int64_t bytes = 0;

  std::int64_t of(std::int64_t file_system_bytes) const noexcept;
};
/// "5%", "20G", "0"; nothing when it is neither, or a percentage of 100 and over.
std::optional<MinFree> parse_min_free(std::string_view text);
std::string to_string(const MinFree& limit);

struct Limits {
  std::chrono::nanoseconds keep{0};  ///< 0 = for ever
  std::int64_t max_bytes = 0;        ///< of this camera's folder; 0 = no limit
  MinFree min_free;
};

struct Space {
  std::int64_t total_bytes = 0;
  std::int64_t free_bytes = 0;  ///< to an ordinary user
};
std::optional<Space> space_of(const segment::Folder& folder);

/// Whether the system clock is synchronised (adjtimex(2)). A clock that is not may jump.
bool clock_synchronised();
/// What this machine's clocks say.
segment::Moment present_moment();

}  // namespace campipe::record::library
