#include "record/library/limits.hpp"

#include <fmt/format.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include "base/clock.hpp"
#include "base/units.hpp"

namespace campipe::record::library {

std::int64_t MinFree::of(std::int64_t file_system_bytes) const noexcept {
  return percent > 0 ? static_cast<std::int64_t>(static_cast<double>(file_system_bytes) * percent / 100) : bytes;
}

std::optional<MinFree> parse_min_free(std::string_view text) {
  if (!text.ends_with('%')) {
    const auto bytes = parse_bytes(text);
    if (!bytes) return std::nullopt;
    return MinFree{.percent = 0, .bytes = *bytes};
  }
  text.remove_suffix(1);
  // A percentage is a number without unit, which is what a size without unit is too, but it may have a fraction.
  const auto thousandths = parse_bytes(std::string(text) + "k");
  if (text.empty() || text.find_first_not_of("0123456789.") != std::string_view::npos || !thousandths ||
      *thousandths >= 100'000) {
    return std::nullopt;
  }
  return MinFree{.percent = static_cast<double>(*thousandths) / 1000, .bytes = 0};
}

std::string to_string(const MinFree& limit) {
  return limit.percent > 0 ? fmt::format("{:g}%", limit.percent) : format_bytes(limit.bytes);
}

std::optional<Space> space_of(const segment::Folder& folder) {
  struct statvfs info{};
  if (::fstatvfs(folder.fd(), &info) != 0) return std::nullopt;
  const auto block = static_cast<std::int64_t>(info.f_frsize);
  return Space{static_cast<std::int64_t>(info.f_blocks) * block, static_cast<std::int64_t>(info.f_bavail) * block};
}

bool clock_synchronised() {
  timex query{};
  const int state = ::adjtimex(&query);
  return state >= 0 && state != TIME_ERROR;
}

segment::Moment present_moment() {
  return {.unix_us = realtime_us(),
          .trusted = clock_synchronised(),
          .boot = boot_id(),
          .monotonic_us = monotonic_ns() / 1000};
}

}  // namespace campipe::record::library
