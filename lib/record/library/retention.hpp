#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "record/library/catalogue.hpp"
#include "record/segment/folder.hpp"
#include "record/segment/index.hpp"

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

/// Deletes the oldest published segments so that the limits hold. Never an open file (those are elsewhere), never a
/// pinned one (more than one hard link), never the newest. Used from one thread.
class Retention {
public:
  /// Where time and space come from; tests replace them.
  struct World {
    std::function<std::int64_t()> now_us;  ///< Unix time
    std::function<bool()> clock_trusted;
    std::function<std::optional<Space>()> space;
    std::function<std::int64_t()> monotonic_ns;
  };

  Retention(Limits limits, const segment::Folder& top, Catalogue& catalogue, segment::Index& index, World world);

  /// @param open_bytes  What the open segments take, counted in --max-size.
  /// @param wanted      Bytes that must be free although --min-free does not ask for them: a write failed for want of
  /// space. Answers how many segments went. Tells by a warning when a limit cannot be met, once until it can.
  int run(std::uint64_t open_bytes, std::int64_t wanted = 0);

private:
  int delete_by_age();
  int delete_by_size(std::uint64_t open_bytes);
  int delete_for_space(std::int64_t wanted);
  /// Deletes the oldest while `more` says so; answers how many.
  int delete_while(const std::string& reason, const std::function<bool(const Published&)>& more);
  bool remove(const Published& segment, const std::string& reason);
  void remove_empty_folders(const segment::SegmentName& name);
  std::int64_t age_reference_ms() const;
  bool freeing_pending(std::int64_t free_bytes);
  void expect_free(std::int64_t before, std::int64_t expected, std::int64_t needed);

  Limits limits_;
  const segment::Folder& top_;
  Catalogue& catalogue_;
  segment::Index& index_;
  World world_;
  std::int64_t read_at_ns_ = 0;
  /// What the last deletion should bring: some file systems free space later, and deleting again at once would take too
  /// much.
  std::int64_t expected_free_ = 0;
  std::int64_t expected_until_ns_ = 0;
  bool size_warned_ = false, space_warned_ = false;
};

}  // namespace campipe::record::library
