#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "record/segment/folder.hpp"
#include "record/segment/layout.hpp"
#include "record/segment/stamp.hpp"

namespace campipe::record::segment {

/// One published segment, as the index tells it.
struct SegmentRecord {
  SegmentName name;
  std::int64_t start_us = 0;  ///< Unix time of the first picture
  std::int64_t duration_us = 0;
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;
  std::string video;       ///< "h264 1280x720 30 fps"; empty when rebuilt
  std::string end_reason;  ///< see man camrec
  Stamp stamp;             ///< unknown: recorded by an earlier camrec, or rebuilt
  struct Key {
    std::int64_t time_us = 0;  ///< since start_us
    std::uint64_t offset = 0;  ///< in the file
  };
  std::vector<Key> keyframes;
};

/// A stretch that is in no segment.
struct GapRecord {
  std::int64_t from_us = 0;
  std::int64_t to_us = 0;
  std::uint64_t frames = 0;  ///< known to be lost; 0 when it is not known
  std::string reason;
};

/// ROOT/NAME/index/YYYY-MM-DD.jsonl: one JSON object a line, appended only, the last member a CRC-32C of the line
/// before it. Used from one thread. A failed write is told and not fatal: the index can always be made anew from the
/// files.
class Index {
public:
  explicit Index(const Folder& folder) : folder_(folder) {}

  void opened(const SegmentName& name);
  void published(const SegmentRecord& segment);
  void gap(const GapRecord& gap);
  void deleted(const SegmentName& name, const std::string& reason);

  /// What the lines tell about files, by their names.
  struct Contents {
    std::map<std::string, Stamp> stamps;
    std::set<std::string> deleted;
    int cut = 0;  ///< files that were cut
  };
  /// Reads all, and cuts what is behind the last good line off each file (a crash while appending).
  Contents repair();

  bool has_day(const std::string& day) const;
  void remove_day(const std::string& day);

private:
  void append(std::int64_t time_ms, std::string body);
  void repair(const std::string& name, Contents& contents);

  const Folder& folder_;
  bool failing_ = false;
};

/// A line of an index: `body` is a JSON object; answers it with the checksum as last member and a newline.
std::string with_checksum(std::string body);
/// How many bytes of `text` are whole lines with the right checksum.
std::size_t good_length(std::string_view text);

}  // namespace campipe::record::segment
