#include "serve/hub/history.hpp"

#include <cassert>

namespace campipe::serve::hub {

void History::push(UnitPtr unit) {
  assert(unit->index == end_);
  if (unit->is_video()) newest_video_ = unit->index;
  if (unit->is_keyframe()) {
    newest_key_ = unit->index;
    last_key_ = unit;
  }
  bytes_ += unit->packet.payload.size();
  units_.push_back(std::move(unit));
  ++end_;
  trim();
}

void History::clear() {
  units_.clear();
  last_key_ = nullptr;
  bytes_ = 0;
  newest_video_ = newest_key_ = kNone;
}

void History::trim() {
  const std::int64_t now = units_.back()->media_us;
  while (units_.size() > 1) {
    const Unit& oldest = *units_.front();
    const std::int64_t age = now - oldest.media_us;
    const bool over = bytes_ > limits_.max_bytes || (newest_key_ == kNone && age > limits_.max_age_us);
    const bool needed = newest_key_ == kNone || oldest.index >= newest_key_ || age <= limits_.window_us;
    if (!over && needed) return;
    bytes_ -= oldest.packet.payload.size();
    units_.pop_front();
  }
}

}  // namespace campipe::serve::hub
