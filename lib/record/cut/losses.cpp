#include "record/cut/losses.hpp"

#include <algorithm>
#include <utility>

namespace campipe::record::cut {

void Losses::lose(std::uint64_t frames, std::int64_t from_us, const std::string& reason) {
  if (frames == 0) return;
  lost_ += frames;
  if (first_reason_.empty()) first_reason_ = reason;
  if (!gap_) gap_ = segment::GapRecord{.from_us = from_us, .to_us = from_us, .frames = 0, .reason = reason};
  gap_->frames += frames;
}

std::optional<segment::GapRecord> Losses::end(std::int64_t at_us) {
  if (!gap_ || at_us < gap_->from_us) return std::nullopt;
  gap_->to_us = at_us;
  return std::exchange(gap_, std::nullopt);
}

}  // namespace campipe::record::cut
