#include "record/library/catalogue.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>
#include <set>

namespace campipe::record::library {

namespace {

/// At its place a file with a stamp stands before those without.
constexpr std::int64_t kFirst = std::numeric_limits<std::int64_t>::min();

/// What one start of camrec has recorded.
struct Run {
  std::int64_t last_us = 0;                         // when it published last, as its clock had it
  std::map<std::uint32_t, std::uint64_t> in_order;  // place of its files that have a stamp, by their number

  /// Where a file of this number stands; nothing: no file of the run has a stamp.
  std::optional<std::uint64_t> place(std::uint32_t sequence) const {
    if (in_order.empty()) return std::nullopt;
    const auto after = in_order.upper_bound(sequence);
    return after == in_order.begin() ? after->second - 1 : std::prev(after)->second;
  }
};

std::map<std::string, Run> runs_of(const std::vector<Published>& all) {
  std::map<std::string, Run> runs;
  for (const Published& segment : all) {
    Run& run = runs[segment.name.run];
    run.last_us = std::max(run.last_us, segment.moment().unix_us);
    if (segment.stamp.known()) run.in_order.emplace(segment.name.sequence, segment.stamp.order);
  }
  return runs;
}

/// The places of files with a stamp, with the latest time that any up to there has.
std::vector<std::pair<std::int64_t, std::uint64_t>> timeline_of(const std::vector<Published>& all) {
  std::map<std::uint64_t, std::int64_t> by_order;
  for (const Published& segment : all) {
    if (segment.stamp.known()) by_order[segment.stamp.order] = segment.stamp.at.unix_us;
  }
  std::vector<std::pair<std::int64_t, std::uint64_t>> timeline;
  for (const auto& [order, time_us] : by_order) {
    timeline.emplace_back(timeline.empty() ? time_us : std::max(timeline.back().first, time_us), order);
  }
  return timeline;
}

std::uint64_t place_at(const std::vector<std::pair<std::int64_t, std::uint64_t>>& timeline, std::int64_t time_us) {
  const auto after = std::ranges::upper_bound(timeline, time_us, {}, &std::pair<std::int64_t, std::uint64_t>::first);
  return after == timeline.begin() ? 0 : std::prev(after)->second;
}

}  // namespace

std::string Published::path() const {
  return segment::day_folder(name.start_ms) + "/" + segment::hour_folder(name.start_ms) + "/" + to_string(name);
}

segment::Moment Published::moment() const {
  constexpr std::int64_t kAheadUs = 60'000'000;
  constexpr std::int64_t kLongestUs = 25 * std::int64_t{3'600'000'000};  // of a segment, and then some
  if (stamp.known()) return stamp.at;
  const std::int64_t begin_us = name.start_ms * 1000;
  const bool agree = begin_us <= modified_us + kAheadUs && modified_us - begin_us <= kLongestUs;
  return {.unix_us = std::max(begin_us, modified_us), .trusted = agree, .boot = {}, .monotonic_us = 0};
}

void Catalogue::read(const std::map<std::string, segment::Stamp>& stamps) {
  std::vector<Published> all = list();
  for (Published& segment : all) {
    const std::string file = to_string(segment.name);
    if (const auto known = keys_.find(file); known != keys_.end()) segment.stamp = segments_.at(known->second).stamp;
    if (const auto told = stamps.find(file); told != stamps.end()) segment.stamp = told->second;
  }
  arrange(std::move(all));
}

std::vector<Published> Catalogue::list() const {
  std::vector<Published> all;
  int error = 0;
  for (const std::string& day : top_.entries()) {
    if (!segment::is_day_folder(day)) continue;
    const auto day_dir = top_.open(day, false, error);
    if (!day_dir) continue;
    for (const std::string& hour : day_dir->entries()) {
      if (!segment::is_hour_folder(hour)) continue;
      if (const auto hour_dir = day_dir->open(hour, false, error)) read_hour(*hour_dir, all);
    }
  }
  return all;
}

void Catalogue::read_hour(const segment::Folder& hour, std::vector<Published>& into) const {
  for (const std::string& file : hour.entries()) {
    const auto name = segment::parse_segment_name(file);
    if (!name) continue;  // somebody else's file: never touched
    const auto info = hour.status(file);
    if (!info || !S_ISREG(info->st_mode)) continue;
    into.push_back({.name = *name,
                    .bytes = static_cast<std::uint64_t>(info->st_size),
                    .modified_us = info->st_mtim.tv_sec * std::int64_t{1'000'000} + info->st_mtim.tv_nsec / 1000});
  }
}

void Catalogue::arrange(std::vector<Published> all) {
  segments_.clear();
  keys_.clear();
  total_bytes_ = 0;
  const auto runs = runs_of(all);
  const auto timeline = timeline_of(all);
  for (const Published& segment : all) {
    const Run& run = runs.at(segment.name.run);
    const std::uint64_t place = segment.stamp.known()
                                    ? segment.stamp.order
                                    : run.place(segment.name.sequence).value_or(place_at(timeline, run.last_us));
    insert({place, segment.stamp.known() ? kFirst : run.last_us, segment.name.run, segment.name.sequence,
            to_string(segment.name)},
           segment);
  }
}

void Catalogue::insert(const Key& key, const Published& segment) {
  if (!keys_.emplace(to_string(segment.name), key).second) return;
  segments_.emplace(key, segment);
  total_bytes_ += segment.bytes;
  newest_order_ = std::max(newest_order_, std::get<0>(key));
}

void Catalogue::add(const Published& segment) {
  Published newest = segment;
  if (!newest.stamp.known()) newest.stamp.order = next_order();
  insert({newest.stamp.order, kFirst, newest.name.run, newest.name.sequence, to_string(newest.name)}, newest);
}

void Catalogue::forget(const segment::SegmentName& name) {
  const auto found = keys_.find(to_string(name));
  if (found == keys_.end()) return;
  const auto segment = segments_.find(found->second);
  total_bytes_ -= segment->second.bytes;
  segments_.erase(segment);
  keys_.erase(found);
}

std::vector<Published> Catalogue::oldest_first() const {
  std::vector<Published> all;
  all.reserve(segments_.size());
  for (const auto& [key, segment] : segments_) all.push_back(segment);
  return all;
}

std::vector<std::string> Catalogue::days() const {
  std::set<std::string> all;
  for (const auto& [key, segment] : segments_) all.insert(segment::day_folder(segment.name.start_ms));
  return {all.begin(), all.end()};
}

}  // namespace campipe::record::library
