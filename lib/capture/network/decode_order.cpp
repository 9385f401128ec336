#include "capture/network/decode_order.hpp"

#include <algorithm>

namespace campipe::capture::network {

namespace {

constexpr std::size_t kMostDepth = 16;  // max_num_reorder_frames, H.264 annex E

}  // namespace

void DecodeOrder::restart() {
  waiting_.clear();
  latest_pts_ = std::numeric_limits<std::int64_t>::min();
}

std::int64_t DecodeOrder::next(std::int64_t pts_us, std::optional<std::int64_t> known_dts_us) {
  if (pts_us < latest_pts_) {
    const auto later =
        static_cast<std::size_t>(std::ranges::count_if(waiting_, [&](std::int64_t t) { return t > pts_us; }));
    depth_ = std::clamp(later, depth_, kMostDepth);
  }
  latest_pts_ = std::max(latest_pts_, pts_us);
  waiting_.insert(std::ranges::upper_bound(waiting_, pts_us), pts_us);
  if (waiting_.size() > kMostDepth + 1) waiting_.erase(waiting_.begin());
  const std::size_t count = std::min(waiting_.size(), depth_ + 1);
  const std::int64_t guess = waiting_[waiting_.size() - count];
  last_ = std::max(last_ + 1, known_dts_us.value_or(std::min(guess, pts_us)));
  return last_;
}

}  // namespace campipe::capture::network
