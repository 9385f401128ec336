#include "watch/flow/loss.hpp"

#include <algorithm>
#include <utility>

namespace campipe::watch::flow {

Loss::Event Loss::look(Sight sight, config::Duration now, config::Duration lost_after, bool tells,
                       std::optional<config::Duration> since) noexcept {
  if (sight == Sight::unknown) return Event::none;
  if (sight != Sight::missing) {
    missing_ = lost_ = false;
    return sight == Sight::flows && std::exchange(told_, false) ? Event::recovered : Event::none;
  }
  if (!missing_ && !told_)
    since_ = std::min(since.value_or(now), now);  // told and not yet recovered: it is still the same outage
  missing_ = true;
  if (lost_ || lost_after == config::Duration(0) || now - since_ < lost_after) return Event::none;
  lost_ = true;
  return !tells || std::exchange(told_, true) ? Event::none : Event::lost;
}

void Loss::told(config::Duration now) noexcept {
  if (!std::exchange(told_, true) && !missing_) since_ = now;
}

void Loss::held_up(config::Duration now) noexcept {
  if (missing_ && !lost_) since_ = now;
}

}  // namespace campipe::watch::flow
