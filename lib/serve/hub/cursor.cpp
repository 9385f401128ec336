#include "serve/hub/cursor.hpp"

#include <algorithm>
#include <cstdlib>

namespace campipe::serve::hub {

namespace {

/// Sound comes sooner than the picture of its time, which is coded for longer, but not by more than this.
constexpr std::int64_t kMostEarlyUs = 2'000'000;

}  // namespace

void Cursor::join() {
  if (stream_->rested()) return join_next();
  const History& history = stream_->history();
  const UnitPtr start = each_is_key() ? history.newest_video() : history.newest_keyframe();
  join_next();
  if (start) next_ = start->index;
}

void Cursor::join_next() {
  next_ = stream_->history().end();
  early_ = early_end_ = 0;
  needs_keyframe_ = joining_ = true;
}

UnitPtr Cursor::next() {
  const History& history = stream_->history();
  catch_up();
  if (UnitPtr sound = take_early_sound()) return sound;
  while (next_ < history.end()) {
    const UnitPtr& unit = history.at(next_++);
    if (needs_keyframe_) {
      if (unit->is_keyframe()) {
        begin_with(*unit);
        return unit;
      }
      if (unit->is_video() && !joining_) ++counters_.skipped_units;  // between a loss and the keyframe after it
    } else if (is_due(*unit)) {
      if (!unit->is_video()) after_sound_ = next_;
      return unit;
    }
  }
  return nullptr;
}

void Cursor::begin_with(const Unit& keyframe) {
  needs_keyframe_ = joining_ = false;
  start_us_ = keyframe.packet.pts_us;
  const History& history = stream_->history();
  const std::uint64_t first = std::max(history.begin(), after_sound_);
  early_ = early_end_ = keyframe.index;
  while (early_ > first) {
    const media::Packet& before = history.at(early_ - 1)->packet;
    const bool is_sound = before.track == media::Track::audio;
    if (before.pts_us < start_us_ - (is_sound ? 0 : kMostEarlyUs)) break;
    --early_;
  }
}

/// Sound that came before the keyframe begun with and belongs behind it.
UnitPtr Cursor::take_early_sound() {
  const History& history = stream_->history();
  early_ = std::max(early_, history.begin());
  while (early_ < early_end_) {
    const UnitPtr& unit = history.at(early_++);
    if (unit->is_video() || !is_due(*unit)) continue;
    after_sound_ = early_;
    return unit;
  }
  return nullptr;
}

/// Sound of before the start is left out, unless its clock is another, and sound in a format of before.
bool Cursor::is_due(const Unit& unit) const {
  if (unit.is_video()) return true;
  if (!stream_->is_current_sound(unit)) return false;
  const std::int64_t early_us = start_us_ - unit.packet.pts_us;
  return early_us <= 0 || early_us > kMostEarlyUs;
}

UnitPtr Cursor::next_sound() const {
  const History& history = stream_->history();
  const auto look = [&](std::uint64_t from, std::uint64_t end) -> UnitPtr {
    for (std::uint64_t i = std::max(from, history.begin()); i < end; ++i) {
      const UnitPtr& unit = history.at(i);
      if (!unit->is_video() && is_due(*unit)) return unit;
    }
    return nullptr;
  };
  if (needs_keyframe_) return nullptr;
  UnitPtr found = look(early_, early_end_);
  return found ? found : look(next_, history.end());
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
  early_ = early_end_ = 0;
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

void Cursor::broken() noexcept {
  ++counters_.skips;
  needs_keyframe_ = true;
  early_ = early_end_ = 0;
}

void Cursor::sent(const Unit& unit, std::size_t bytes) noexcept {
  counters_.bytes += bytes;
  if (unit.is_video()) ++counters_.units;
}

std::int64_t Cursor::lag_us() const {
  const History& history = stream_->history();
  return history.contains(next_) ? history.lag_of(*history.at(next_)) : 0;
}

}  // namespace campipe::serve::hub
