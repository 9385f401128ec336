#pragma once
#include <cstdint>
#include <optional>

#include "rtp/rtcp.hpp"
#include "serve/hub/client.hpp"

namespace campipe::serve::rtp {

/// What a receiver reports of one track (RFC 3550, 6.4.1). Knows no clock: the caller tells the time.
class ReceiverQuality {
public:
  /// A sender report goes out. Its NTP time is the stream's, which need not be this machine's.
  void on_sent(const campipe::rtp::SenderReport& report, std::int64_t now_ns) noexcept;
  /// A block about this track came in.
  void on_received(const campipe::rtp::ReportBlock& block, std::uint32_t clock_hz, std::int64_t now_ns) noexcept;

  /// By the newest report; nothing before the first.
  const std::optional<hub::ReceiverQuality>& value() const noexcept { return value_; }

private:
  std::optional<hub::ReceiverQuality> value_;
  std::uint32_t sent_ = 0;  // campipe::rtp::middle_of the newest sender report
  std::int64_t sent_ns_ = 0;
};

}  // namespace campipe::serve::rtp
