#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "record/segment/folder.hpp"
#include "record/segment/layout.hpp"
#include "record/segment/stamp.hpp"

namespace campipe::record::library {

/// A published segment in ROOT/NAME/DAY/HOUR.
struct Published {
  segment::SegmentName name;
  std::uint64_t bytes = 0;
  segment::Stamp stamp = {};
  std::int64_t modified_us = 0;  ///< the file's mtime, Unix time

  std::string path() const;  ///< relative to ROOT/NAME
  /// When it was recorded. Without a stamp the file's mtime, believed where the name agrees with it.
  segment::Moment moment() const;
};

/// The published segments of one camera in the order in which they were recorded: names, sizes and times from the
/// folders, the order from the index. Where that has nothing, files of one run of camrec stand by their numbers, beside
/// those of the run that the index knows, and runs by their files' mtime. Used from one thread.
class Catalogue {
public:
  explicit Catalogue(const segment::Folder& top) : top_(top) {}

  /// Reads the folders anew. What is known of files that are still there stays.
  void read() { read({}); }
  /// @param stamps  What the index tells, by file name.
  void read(const std::map<std::string, segment::Stamp>& stamps);

  /// The newest.
  void add(const Published& segment);
  /// Forgets a segment that is gone.
  void forget(const segment::SegmentName& name);
  bool has(const std::string& file_name) const { return keys_.contains(file_name); }
  /// For the next segment.
  std::uint64_t next_order() const noexcept { return newest_order_ + 1; }

  std::vector<Published> oldest_first() const;
  std::uint64_t total_bytes() const noexcept { return total_bytes_; }
  std::size_t size() const noexcept { return segments_.size(); }
  /// Days that have segments, sorted.
  std::vector<std::string> days() const;

private:
  /// Place in the order; beside a file with a stamp stand those without one that belong there.
  using Key = std::tuple<std::uint64_t, std::int64_t, std::string, std::uint32_t, std::string>;

  std::vector<Published> list() const;
  void read_hour(const segment::Folder& hour, std::vector<Published>& into) const;
  void arrange(std::vector<Published> all);
  void insert(const Key& key, const Published& segment);

  const segment::Folder& top_;
  std::map<Key, Published> segments_;
  std::map<std::string, Key> keys_;  // by name
  std::uint64_t total_bytes_ = 0;
  std::uint64_t newest_order_ = 0;
};

}  // namespace campipe::record::library
