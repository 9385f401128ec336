#include "serve/rtp/receiver_quality.hpp"

namespace campipe::serve::rtp {

namespace {

constexpr double kFractionUnits = 256;
constexpr double kDelayUnitsPerMs = 65.536;

}  // namespace

void ReceiverQuality::on_sent(const campipe::rtp::SenderReport& report, std::int64_t now_ns) noexcept {
  sent_ = campipe::rtp::middle_of(report.ntp);
  sent_ns_ = now_ns;
}

void ReceiverQuality::on_received(const campipe::rtp::ReportBlock& block, std::uint32_t clock_hz,
                                  std::int64_t now_ns) noexcept {
  hub::ReceiverQuality quality = value_.value_or(hub::ReceiverQuality{});
  quality.loss_fraction = block.fraction_lost / kFractionUnits;
  quality.packets_lost = block.cumulative_lost;
  quality.jitter_ms = 1000.0 * block.jitter / clock_hz;
  if (block.last_report != 0 && block.last_report == sent_) {
    const double passed_ms = static_cast<double>(now_ns - sent_ns_) / 1e6;
    const double held_ms = block.since_report / kDelayUnitsPerMs;
    if (held_ms <= passed_ms) quality.round_trip_ms = passed_ms - held_ms;  // else its clock is no clock
  }
  value_ = quality;
}

}  // namespace campipe::serve::rtp
