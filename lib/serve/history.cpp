#include "serve/history.hpp"

#include <cassert>
#include <cstdlib>

namespace campipe::serve {

void History::push(UnitPtr unit) {
  assert(unit->index == end_);
  if (unit->is_video()) newest_video_ = unit->index;
  if (unit->is_keyframe()) newest_key_ = unit->index;
  bytes_ += unit->packet.payload.size();
  units_.push_back(std::move(unit));
  ++end_;
  trim();
}

void History::clear() {
  units_.clear();
  bytes_ = 0;
  newest_video_ = newest_key_ = kNone;
}

void History::trim() {
  const std::int64_t now = units_.back()->packet.pts_us;
  while (units_.size() > 1) {
    const Unit& oldest = *units_.front();
    const std::int64_t age = std::abs(now - oldest.packet.pts_us);  // a clock that jumped back is far as well
    const bool over = bytes_ > limits_.max_bytes || age > limits_.max_age_us;
    const bool needed = newest_key_ == kNone || oldest.index >= newest_key_ || age <= limits_.window_us;
    if (!over && needed) return;
    bytes_ -= oldest.packet.payload.size();
    units_.pop_front();
  }
}

}  // namespace campipe::serve
