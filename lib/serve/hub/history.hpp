#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>

#include "serve/hub/unit.hpp"

namespace campipe::serve::hub {

/// The newest units of a stream: from the newest keyframe on, and never less than a short window, so that a client
/// which is a little behind loses nothing. A keyframe and what follows it stays until the next one or until bytes run
/// out, however long that takes: somebody may join. For the loop's thread.
class History {
public:
  struct Limits {
    std::size_t max_bytes = std::size_t{64} << 20;
    std::int64_t max_age_us = 12'000'000;  ///< of media time, of what comes without any keyframe
    std::int64_t window_us = 2'000'000;    ///< kept also before the newest keyframe
  };
  explicit History(Limits limits) : limits_(limits) {}

  /// Its index must be end().
  void push(UnitPtr unit);
  /// Forgets all; indices go on.
  void clear();

  std::uint64_t begin() const noexcept { return units_.empty() ? end_ : units_.front()->index; }
  std::uint64_t end() const noexcept { return end_; }  ///< the index that the next unit gets
  bool contains(std::uint64_t index) const noexcept { return index >= begin() && index < end(); }
  const UnitPtr& at(std::uint64_t index) const { return units_[index - begin()]; }  ///< only what it contains()

  UnitPtr newest_video() const { return find(newest_video_); }  ///< empty when there is none
  /// Media time from `unit` to the newest video; 0 when that is older or there is none.
  std::int64_t lag_of(const Unit& unit) const noexcept {
    return contains(newest_video_) ? std::max<std::int64_t>(0, at(newest_video_)->media_us - unit.media_us) : 0;
  }
  /// Where somebody can join; empty when it had to go for what came after it.
  UnitPtr newest_keyframe() const { return find(newest_key_); }
  /// The newest there was, in the history or not: a still can be made of it.
  const UnitPtr& last_keyframe() const noexcept { return last_key_; }
  std::size_t bytes() const noexcept { return bytes_; }
  std::size_t size() const noexcept { return units_.size(); }  ///< units, audio among them

private:
  static constexpr std::uint64_t kNone = UINT64_MAX;
  UnitPtr find(std::uint64_t index) const { return contains(index) ? at(index) : nullptr; }
  void trim();

  Limits limits_;
  std::deque<UnitPtr> units_;
  std::uint64_t end_ = 0;
  std::uint64_t newest_video_ = kNone, newest_key_ = kNone;
  UnitPtr last_key_;
  std::size_t bytes_ = 0;
};

}  // namespace campipe::serve::hub
