#include "serve/hub/deliveries.hpp"

#include <algorithm>
#include <utility>

namespace campipe::serve::hub {

std::string_view name(Protocol protocol) noexcept {
  switch (protocol) {
    case Protocol::http_mjpeg:
      return "http-mjpeg";
    case Protocol::rtsp_tcp:
      return "rtsp-tcp";
    case Protocol::rtsp_udp:
      return "rtsp-udp";
  }
  return "?";
}

void Histogram::add_ns(std::int64_t ns) noexcept {
  ns = std::max<std::int64_t>(ns, 0);
  std::size_t bucket = 0;
  while (bucket < kBoundsUs.size() && ns > kBoundsUs[bucket] * 1000) ++bucket;
  ++buckets_[bucket];
  ++count_;
  sum_ns_ += ns;
}

void DeliveryMeter::join(std::int64_t requested_ns) noexcept {
  if (!std::exchange(counted_, true)) ++to_->clients;
  requested_ns_ = requested_ns;
  joining_ = true;
}

void DeliveryMeter::begin(const Unit& unit, std::size_t bytes, std::int64_t lag_us,
                          const ClientCounters& counters) noexcept {
  under_way_ = true;
  video_ = unit.is_video();
  arrived_ns_ = unit.arrived_ns;
  bytes_ = bytes;
  to_->skips += counters.skips - std::exchange(skips_, counters.skips);
  to_->skipped_frames += counters.skipped_units - std::exchange(skipped_frames_, counters.skipped_units);
  if (video_) to_->lag.add_us(lag_us);
}

void DeliveryMeter::finish(std::int64_t now_ns, std::uint64_t send_calls) noexcept {
  count_calls(send_calls);
  if (!std::exchange(under_way_, false)) return;
  to_->bytes += bytes_;
  if (!video_) return;
  ++to_->frames;
  if (std::exchange(joining_, false)) to_->join.add_ns(now_ns - requested_ns_);
  if (arrived_ns_ >= requested_ns_) to_->delay.add_ns(now_ns - arrived_ns_);
}

void DeliveryMeter::give_up(std::uint64_t send_calls) noexcept {
  count_calls(send_calls);
  under_way_ = false;
}

void DeliveryMeter::count_calls(std::uint64_t send_calls) noexcept {
  to_->send_calls += send_calls - std::exchange(send_calls_, send_calls);
}

}  // namespace campipe::serve::hub
