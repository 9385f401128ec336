#include "load/statistics.hpp"

#include <algorithm>

#include "base/clock.hpp"

namespace fanout {

double Samples::percentile(double p) {
  if (values_.empty()) return -1;
  const auto at = static_cast<std::ptrdiff_t>(p / 100 * static_cast<double>(values_.size() - 1) + 0.5);
  std::nth_element(values_.begin(), values_.begin() + at, values_.end());
  return static_cast<double>(values_[static_cast<std::size_t>(at)]);
}

void FrameMeter::frame(std::int64_t now_ns, bool key, std::optional<std::int64_t> stamp_ns,
                       std::optional<std::int64_t> told_us) {
  const auto ms_since = [now_ns](std::int64_t from_ns) { return static_cast<double>(now_ns - from_ns) / 1e6; };
  if (!any_) {
    totals_.first_frame_ms.add(ms_since(request_ns_));
    totals_.connected_frame_ms.add(ms_since(connect_ns_));
  }
  if (key && !any_key_) totals_.first_key_ms.add(ms_since(request_ns_));
  any_ = true;
  any_key_ = any_key_ || key;
  if (!totals_.counting) return;
  ++frames_;
  if (last_ns_ > 0) totals_.gap_ms.add(ms_since(last_ns_));
  last_ns_ = now_ns;
  if (stamp_ns) totals_.stamp_age_ms.add(ms_since(*stamp_ns));
  if (told_us) totals_.told_age_ms.add(static_cast<double>(campipe::realtime_us() - *told_us) / 1e3);
}

}  // namespace fanout
