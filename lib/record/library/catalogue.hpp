#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "record/segment/folder.hpp"
#include "record/segment/layout.hpp"

namespace campipe::record::library {

/// A published segment in ROOT/NAME/DAY/HOUR.
struct Published {
  segment::SegmentName name;
  std::uint64_t bytes = 0;

  std::string path() const;  ///< relative to ROOT/NAME
};

/// The published segments of one camera, oldest first, as the folders have them: names and sizes, no file is opened.
/// Used from one thread.
class Catalogue {
public:
  explicit Catalogue(const segment::Folder& top) : top_(top) {}

  /// Reads the folders anew.
  void read();

  void add(const Published& segment);
  /// Forgets a segment that is gone.
  void forget(const segment::SegmentName& name);

  std::vector<Published> oldest_first() const;
  std::uint64_t total_bytes() const noexcept { return total_bytes_; }
  std::size_t size() const noexcept { return segments_.size(); }
  /// Days that have segments.
  std::vector<std::string> days() const;

private:
  /// Two segments may begin in the same millisecond when the clock was set back.
  using Key = std::pair<std::int64_t, std::string>;
  static Key key(const segment::SegmentName& name) { return {name.start_ms, to_string(name)}; }

  void read_hour(const segment::Folder& hour);

  const segment::Folder& top_;
  std::map<Key, Published> segments_;
  std::uint64_t total_bytes_ = 0;
};

}  // namespace campipe::record::library
