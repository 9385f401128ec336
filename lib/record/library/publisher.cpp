#include "record/library/publisher.hpp"

#include <cerrno>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/units.hpp"

namespace campipe::record::library {

int Publisher::publish(const std::string& file, segment::SegmentRecord segment) {
  int error = 0;
  const auto day = camera_.top().open(segment::day_folder(segment.name.start_ms), true, error);
  if (!day) return error;
  const auto hour = day->open(segment::hour_folder(segment.name.start_ms), true, error);
  if (!hour) return error;
  const std::string name = to_string(segment.name);
  error = camera_.live().move(file, *hour, name);
  if (error == EEXIST) {
    log::warning("{}/{}: is there already: the new one goes to quarantine", hour->path(), name);
    quarantine(file);
    return 0;
  }
  if (error != 0) return error;
  hour->sync();
  camera_.live().sync();
  segment.stamp = {.order = catalogue_.next_order(), .at = now_()};
  index_.published(segment);
  catalogue_.add({.name = segment.name, .bytes = segment.bytes, .stamp = segment.stamp});
  log::info("wrote {}/{}: {}, {} frames, {} ({})", hour->path(), name,
            format_duration(std::chrono::milliseconds(segment.duration_us / 1000)), segment.frames,
            format_bytes(static_cast<std::int64_t>(segment.bytes)), segment.end_reason);
  return 0;
}

void Publisher::quarantine(const std::string& file) {
  constexpr std::int64_t kMostBytes = std::int64_t{1} << 30;
  const segment::Folder& folder = camera_.quarantine();
  const int error = camera_.live().move(file, folder, file);
  if (error == EEXIST) {
    camera_.live().remove(file);
  } else if (error != 0) {
    log::warning("{}/{}: cannot move to quarantine: {}", camera_.live().path(), file, errno_text(error));
  }
  const auto names = folder.entries();
  std::int64_t total = 0;
  for (const std::string& name : names) {
    if (const auto info = folder.status(name)) total += info->st_size;
  }
  for (const std::string& name : names) {  // sorted by name: oldest first
    if (total <= kMostBytes) break;
    const auto info = folder.status(name);
    if (info && S_ISREG(info->st_mode) && folder.remove(name) == 0) total -= info->st_size;
  }
}

}  // namespace campipe::record::library
