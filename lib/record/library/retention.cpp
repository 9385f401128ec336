#include "record/library/retention.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/units.hpp"

namespace campipe::record::library {

namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kReadAgainNs = 3600 * kSecondNs;
constexpr std::int64_t kFirstRetryNs = 60 * kSecondNs;
constexpr std::int64_t kFreeingTakesNs = 10 * kSecondNs;

}  // namespace

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
  if (world_.monotonic_ns() - read_at_ns_ > kReadAgainNs) read_again();
  return delete_by_age() + delete_by_size(open_bytes) + delete_for_space(wanted);
}

void Retention::read_again() {
  world_.read ? world_.read() : catalogue_.read();
  read_at_ns_ = world_.monotonic_ns();
  forget_what_is_gone();
}

void Retention::announced(std::set<std::string> names) {
  announced_ = std::move(names);
  forget_what_is_gone();
}

void Retention::forget_what_is_gone() {
  std::erase_if(announced_, [this](const std::string& name) { return !catalogue_.has(name); });
  std::erase_if(failures_, [this](const auto& failure) { return !catalogue_.has(failure.first); });
}

segment::Moment Retention::now() const {
  return {.unix_us = world_.now_us(),
          .trusted = world_.clock_trusted(),
          .boot = world_.boot,
          .monotonic_us = world_.monotonic_ns() / 1000};
}

int Retention::delete_by_age() {
  if (limits_.keep.count() == 0 || catalogue_.size() == 0) return 0;
  std::vector<segment::Moment> moments;
  for (const Published& segment : catalogue_.oldest_first()) moments.push_back(segment.moment());
  const segment::Moment present = now();
  const auto times = recorded_us(moments, present);
  const std::int64_t keep_us = limits_.keep / std::chrono::microseconds(1);
  const auto old = [&](std::size_t i) { return times[i] && present.unix_us - *times[i] > keep_us; };
  const bool believed = trial_.believed(present, silence_before_boot_us(moments, times, present), keep_us);
  if (!old(0)) return 0;
  if (!believed) {
    tell_not_believed(present.trusted);
    return 0;
  }
  clock_warned_ = false;
  return delete_while("age", [&](std::size_t i) { return old(i); });
}

int Retention::delete_by_size(std::uint64_t open_bytes) {
  if (limits_.max_bytes == 0) return 0;
  const auto over = [&] {
    return catalogue_.total_bytes() + open_bytes > static_cast<std::uint64_t>(limits_.max_bytes);
  };
  const int deleted = delete_while("size", [&](std::size_t) { return over(); });
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
  const std::uint64_t before = catalogue_.total_bytes();
  const auto expected_now = [&] {
    return space->free_bytes + static_cast<std::int64_t>(before - catalogue_.total_bytes());
  };
  const int deleted = delete_while("space", [&](std::size_t) { return expected_now() < needed; });
  const std::int64_t expected = expected_now();
  if (deleted > 0) expect_free(space->free_bytes, expected, needed);
  const bool won = expected >= needed;
  if (!won && !space_warned_) {
    log::warning("{}: {} free, {} wanted, and nothing left to delete: free space on this file system by hand",
                 top_.path(), format_bytes(space->free_bytes), format_bytes(needed));
  }
  space_warned_ = !won;
  return deleted;
}

int Retention::delete_while(const std::string& reason, const std::function<bool(std::size_t)>& more) {
  int deleted = 0;
  auto segments = catalogue_.oldest_first();
  if (!segments.empty()) segments.pop_back();  // the newest stays, whatever the limits say
  for (std::size_t i = 0; i < segments.size() && more(i); ++i) {
    const Published& segment = segments[i];
    if (pinned(segment) || backs_off(to_string(segment.name))) continue;
    if (remove(segment, reason)) ++deleted;
  }
  return deleted;
}

bool Retention::pinned(const Published& segment) const {
  if (world_.pinned) return world_.pinned(segment);
  const auto info = top_.status(segment.path());
  return info && info->st_nlink > 1;
}

int Retention::unlink(const Published& segment) const {
  return world_.remove ? world_.remove(segment) : top_.remove(segment.path());
}

/// The line first: a crash in between leaves a file that the next pass deletes, never a line for a file that is gone.
bool Retention::remove(const Published& segment, const std::string& reason) {
  const std::string name = to_string(segment.name);
  if (announced_.insert(name).second) index_.deleted(segment.name, reason);
  const int error = unlink(segment);
  if (error != 0 && error != ENOENT) {
    failed(segment, error);
    return false;
  }
  log::debug("deleted {} ({})", segment.path(), reason);
  announced_.erase(name);
  failures_.erase(name);
  if (failures_.empty()) failure_warned_ = false;
  catalogue_.forget(segment.name);
  remove_empty_folders(segment.name);
  return true;
}

bool Retention::backs_off(const std::string& name) const {
  const auto failure = failures_.find(name);
  return failure != failures_.end() && world_.monotonic_ns() < failure->second.again_ns;
}

void Retention::failed(const Published& segment, int error) {
  Failure& failure = failures_[to_string(segment.name)];
  failure.delay_ns = std::clamp(2 * failure.delay_ns, kFirstRetryNs, kReadAgainNs);
  failure.again_ns = world_.monotonic_ns() + failure.delay_ns;
  if (std::exchange(failure_warned_, true)) return;
  log::warning("{}/{}: cannot delete: {}: it stays, younger files are deleted in its place; tried again later",
               top_.path(), segment.path(), errno_text(error));
}

void Retention::tell_not_believed(bool trusted) {
  if (std::exchange(clock_warned_, true)) return;
  if (trusted) {
    log::warning(
        "{}: by the clock nothing was recorded for longer than --keep: it has to stay so for an hour before "
        "files are deleted by age",
        top_.path());
  } else {
    log::warning("{}: the system's clock is not synchronised: nothing is deleted by age until it is", top_.path());
  }
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
