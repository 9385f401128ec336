#include "record/library/catalogue.hpp"

#include <algorithm>

namespace campipe::record::library {

std::string Published::path() const {
  return segment::day_folder(name.start_ms) + "/" + segment::hour_folder(name.start_ms) + "/" + to_string(name);
}

void Catalogue::read() {
  segments_.clear();
  total_bytes_ = 0;
  int error = 0;
  for (const std::string& day : top_.entries()) {
    if (!segment::is_day_folder(day)) continue;
    const auto day_dir = top_.open(day, false, error);
    if (!day_dir) continue;
    for (const std::string& hour : day_dir->entries()) {
      if (!segment::is_hour_folder(hour)) continue;
      if (const auto hour_dir = day_dir->open(hour, false, error)) read_hour(*hour_dir);
    }
  }
}

void Catalogue::read_hour(const segment::Folder& hour) {
  for (const std::string& file : hour.entries()) {
    const auto name = segment::parse_segment_name(file);
    if (!name) continue;  // somebody else's file: never touched
    const auto info = hour.status(file);
    if (info && S_ISREG(info->st_mode)) add({*name, static_cast<std::uint64_t>(info->st_size)});
  }
}

void Catalogue::add(const Published& segment) {
  if (segments_.emplace(key(segment.name), segment).second) total_bytes_ += segment.bytes;
}

void Catalogue::forget(const segment::SegmentName& name) {
  const auto found = segments_.find(key(name));
  if (found == segments_.end()) return;
  total_bytes_ -= found->second.bytes;
  segments_.erase(found);
}

std::vector<Published> Catalogue::oldest_first() const {
  std::vector<Published> all;
  all.reserve(segments_.size());
  for (const auto& [key, segment] : segments_) all.push_back(segment);
  return all;
}

std::vector<std::string> Catalogue::days() const {
  std::vector<std::string> all;
  for (const auto& [key, segment] : segments_) {
    std::string day = segment::day_folder(segment.name.start_ms);
    if (all.empty() || all.back() != day) all.push_back(std::move(day));
  }
  return all;
}

}  // namespace campipe::record::library
