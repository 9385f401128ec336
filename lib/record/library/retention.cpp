#include "record/library/retention.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>

#include <fmt/format.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/units.hpp"

namespace campipe::record::library {

namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kReadAgainNs = 3600 * kSecondNs;
constexpr std::int64_t kFreeingTakesNs = 10 * kSecondNs;

}  // namespace

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

Retention::Retention(Limits limits, const segment::Folder& top, Catalogue& catalogue, segment::Index& index,
                     World world)
    : limits_(limits),
      top_(top),
      catalogue_(catalogue),
      index_(index),
      world_(std::move(world)),
      read_at_ns_(world_.monotonic_ns()) {}

int Retention::run(std::uint64_t open_bytes, std::int64_t wanted) {
  // Files that others deleted or pinned would be counted for ever.
  if (world_.monotonic_ns() - read_at_ns_ > kReadAgainNs) {
    catalogue_.read();
    read_at_ns_ = world_.monotonic_ns();
  }
  return delete_by_age() + delete_by_size(open_bytes) + delete_for_space(wanted);
}

/// A clock that is not synchronised may have jumped years ahead: age counts from the newest segment then.
std::int64_t Retention::age_reference_ms() const {
  const std::int64_t now = world_.now_us() / 1000;
  if (world_.clock_trusted()) return now;
  const auto segments = catalogue_.oldest_first();
  return segments.empty() ? now : std::min(now, segments.back().name.start_ms);
}

int Retention::delete_by_age() {
  if (limits_.keep.count() == 0) return 0;
  const std::int64_t oldest_ms = age_reference_ms() - limits_.keep / std::chrono::milliseconds(1);
  return delete_while("age", [&](const Published& segment) { return segment.name.start_ms < oldest_ms; });
}

int Retention::delete_by_size(std::uint64_t open_bytes) {
  if (limits_.max_bytes == 0) return 0;
  const auto over = [&] {
    return catalogue_.total_bytes() + open_bytes > static_cast<std::uint64_t>(limits_.max_bytes);
  };
  const int deleted = delete_while("size", [&](const Published&) { return over(); });
  if (over() && !size_warned_) {
    log::warning("{}: over --max-size {} with nothing left to delete: pinned files, the newest and the open one stay",
                 top_.path(), format_bytes(limits_.max_bytes));
  }
  size_warned_ = over();
  return deleted;
}

bool Retention::freeing_pending(std::int64_t free_bytes) {
  if (free_bytes >= expected_free_ || world_.monotonic_ns() > expected_until_ns_) expected_free_ = 0;
  return expected_free_ > 0;
}

/// Looks whether the space is there at once, as on most file systems; else the next passes wait for it.
void Retention::expect_free(std::int64_t before, std::int64_t expected, std::int64_t needed) {
  const auto now = world_.space();
  if (now && now->free_bytes - before >= (expected - before) / 2) return;
  expected_free_ = std::min(expected, needed);
  expected_until_ns_ = world_.monotonic_ns() + kFreeingTakesNs;
}

int Retention::delete_for_space(std::int64_t wanted) {
  const auto space = world_.space();
  if (!space) return 0;
  const std::int64_t limit = limits_.min_free.of(space->total_bytes);
  // Who sets no such limit wants his files kept and gets gaps instead.
  const std::int64_t needed = limit > 0 ? std::max(limit, wanted) : 0;
  if (space->free_bytes >= needed) {
    space_warned_ = false;
    return 0;
  }
  if (freeing_pending(space->free_bytes)) return 0;
  std::int64_t expected = space->free_bytes;
  const int deleted = delete_while("space", [&](const Published& segment) {
    if (expected >= needed) return false;
    expected += static_cast<std::int64_t>(segment.bytes);
    return true;
  });
  if (deleted > 0) expect_free(space->free_bytes, expected, needed);
  const bool won = expected >= needed;
  if (!won && !space_warned_) {
    log::warning("{}: {} free, {} wanted, and nothing left to delete: free space on this file system by hand",
                 top_.path(), format_bytes(space->free_bytes), format_bytes(needed));
  }
  space_warned_ = !won;
  return deleted;
}

int Retention::delete_while(const std::string& reason, const std::function<bool(const Published&)>& more) {
  int deleted = 0;
  auto segments = catalogue_.oldest_first();
  if (!segments.empty()) segments.pop_back();  // the newest stays, whatever the limits say
  for (const Published& segment : segments) {
    const auto hour = top_.status(segment.path());
    if (hour && hour->st_nlink > 1) continue;  // pinned
    if (!more(segment)) break;
    if (remove(segment, reason)) ++deleted;
  }
  return deleted;
}

/// The line first: a crash in between leaves a file that the next pass deletes, never a line for a file that is gone.
bool Retention::remove(const Published& segment, const std::string& reason) {
  index_.deleted(segment.name, reason);
  const int error = top_.remove(segment.path());
  if (error != 0 && error != ENOENT) {
    log::warning("{}/{}: cannot delete: {}", top_.path(), segment.path(), errno_text(error));
    return false;
  }
  log::debug("deleted {} ({})", segment.path(), reason);
  catalogue_.forget(segment.name);
  remove_empty_folders(segment.name);
  return true;
}

void Retention::remove_empty_folders(const segment::SegmentName& name) {
  const std::string day = segment::day_folder(name.start_ms);
  const std::string hour = segment::hour_folder(name.start_ms);
  int error = 0;
  const auto day_dir = top_.open(day, false, error);
  if (!day_dir) return;
  if (const auto hour_dir = day_dir->open(hour, false, error)) hour_dir->sync();
  if (day_dir->remove_folder(hour) != 0) return;
  day_dir->sync();
  if (top_.remove_folder(day) != 0) return;
  index_.remove_day(day);
  top_.sync();
}

}  // namespace campipe::record::library
