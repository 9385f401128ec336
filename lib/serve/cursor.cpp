#include "serve/cursor.hpp"

#include <cstdlib>

namespace campipe::serve {

void Cursor::join() {
  if (stream_->rested()) return join_next();
  const History& history = stream_->history();
  const UnitPtr start = each_is_key() ? history.newest_video() : history.newest_keyframe();
  next_ = start ? start->index : history.end();
  needs_keyframe_ = true;
}

void Cursor::join_next() {
  next_ = stream_->history().end();
  needs_keyframe_ = true;
}

UnitPtr Cursor::next() {
  const History& history = stream_->history();
  catch_up();
  while (next_ < history.end()) {
    const UnitPtr& unit = history.at(next_++);
    if (!needs_keyframe_) return unit;
    if (unit->is_keyframe()) {
      needs_keyframe_ = false;
      return unit;
    }
    if (unit->is_video() && counters_.units > 0) ++counters_.skipped_units;  // between a loss and the keyframe after it
  }
  return nullptr;
}

void Cursor::catch_up() {
  const History& history = stream_->history();
  const bool lost = next_ < history.begin();  // what comes next is no longer there
  if (!lost && lag_us() <= policy_.max_lag_us) return;
  const UnitPtr target = each_is_key() ? history.newest_video() : history.newest_keyframe();
  if (target && target->index > next_) {
    skip_to(target->index);
  } else if (lost) {
    skip_to(history.begin());
  } else {
    return;
  }
  needs_keyframe_ = true;
}

void Cursor::skip_to(std::uint64_t index) {
  const History& history = stream_->history();
  ++counters_.skips;
  // Of what has left the history nobody knows which units were audio; with no audio all were video.
  if (next_ < history.begin()) {
    counters_.skipped_units += history.begin() - next_;
    next_ = history.begin();
  }
  for (; next_ < index; ++next_) {
    if (history.at(next_)->is_video()) ++counters_.skipped_units;
  }
}

void Cursor::sent(const Unit& unit, std::size_t bytes) noexcept {
  counters_.bytes += bytes;
  if (unit.is_video()) ++counters_.units;
}

std::int64_t Cursor::lag_us() const {
  const History& history = stream_->history();
  return history.contains(next_) ? history.lag_of(*history.at(next_)) : 0;
}

}  // namespace campipe::serve
