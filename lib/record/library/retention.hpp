#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "record/library/ages.hpp"
#include "record/library/catalogue.hpp"
#include "record/library/limits.hpp"
#include "record/segment/folder.hpp"
#include "record/segment/index.hpp"

namespace campipe::record::library {

/// Deletes the published segments that were recorded first so that the limits hold. Never an open file (those are
/// elsewhere), never a pinned one (more than one hard link), never the newest. By age only what is as old for sure
/// (ages.hpp), and nothing while the clock is not synchronised. Used from one thread.
class Retention {
public:
  /// Where time and space come from; tests replace them.
  struct World {
    std::function<std::int64_t()> now_us;  ///< Unix time
    std::function<bool()> clock_trusted;
    std::function<std::optional<Space>()> space;
    std::function<std::int64_t()> monotonic_ns;
    std::string boot = {};  ///< boot id
    /// Empty: in the folder. Whether a segment has another hard link, and deletes it: errno or 0.
    std::function<bool(const Published&)> pinned = {};
    std::function<int(const Published&)> remove = {};
    std::function<void()> read = {};  ///< reads the catalogue anew
  };

  Retention(Limits limits, const segment::Folder& top, Catalogue& catalogue, segment::Index& index, World world);

  /// @param open_bytes  What the open segments take, counted in --max-size.
  /// @param wanted      Bytes that must be free although --min-free does not ask for them: a write failed for want of
  /// space. Answers how many segments went. Tells by a warning when a limit cannot be met, once until it can.
  int run(std::uint64_t open_bytes, std::int64_t wanted = 0);

  /// Reads the folders anew: they are others now.
  void read_again();
  /// The index says already that these are deleted.
  void announced(std::set<std::string> names);

private:
  struct Failure {
    std::int64_t again_ns = 0;
    std::int64_t delay_ns = 0;
  };
  segment::Moment now() const;
  void forget_what_is_gone();
  int delete_by_age();
  int delete_by_size(std::uint64_t open_bytes);
  int delete_for_space(std::int64_t wanted);
  /// Deletes the oldest while `more` says so; answers how many.
  /// @param more  Gets how many there were before it.
  int delete_while(const std::string& reason, const std::function<bool(std::size_t)>& more);
  bool remove(const Published& segment, const std::string& reason);
  int unlink(const Published& segment) const;
  bool pinned(const Published& segment) const;
  bool backs_off(const std::string& name) const;
  void failed(const Published& segment, int error);
  void tell_not_believed(bool trusted);
  void remove_empty_folders(const segment::SegmentName& name);
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
  bool size_warned_ = false, space_warned_ = false, clock_warned_ = false, failure_warned_ = false;
  ClockTrial trial_;
  std::set<std::string> announced_;          // what the index says is deleted, and is still there
  std::map<std::string, Failure> failures_;  // what could not be deleted
};

}  // namespace campipe::record::library
