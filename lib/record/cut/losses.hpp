#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "record/segment/index.hpp"

namespace campipe::record::cut {

/// Counts the frames that came and are in no file, and joins those that follow each other to one gap.
class Losses {
public:
  /// A frame that no recording could begin with: nothing is missing that could be played.
  void skip() noexcept { ++skipped_; }
  /// @param from_us  pts of the first of them.
  void lose(std::uint64_t frames, std::int64_t from_us, const std::string& reason);

  /// A frame at `at_us` is in a file again, or nothing comes any more: the gap, unless there is none or it is later.
  std::optional<segment::GapRecord> end(std::int64_t at_us);
  bool open() const noexcept { return gap_.has_value(); }
  std::int64_t from_us() const noexcept { return gap_ ? gap_->from_us : 0; }  ///< of the open gap

  std::uint64_t skipped() const noexcept { return skipped_; }
  std::uint64_t lost() const noexcept { return lost_; }
  const std::string& first_reason() const noexcept { return first_reason_; }

private:
  std::uint64_t skipped_ = 0, lost_ = 0;
  std::string first_reason_;
  std::optional<segment::GapRecord> gap_;
};

}  // namespace campipe::record::cut
