#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "load/annexb_file.hpp"
#include "load/h264_check.hpp"
#include "load/statistics.hpp"

namespace fanout {

/// The video track of one client: RTP and RTCP packets in, frames noted.
class RtpTrack {
public:
  /// Bytes of a packet that rtp() must see of it; the rest is counted only, unless a file is kept.
  static constexpr std::size_t kBeginning = 256;

  /// @param fps  to find frames lost by their timestamps.
  RtpTrack(FrameMeter& meter, double fps) : meter_(meter), fps_(fps) {}
  void set_h264(bool h264) noexcept { h264_ = h264; }
  void keep(std::unique_ptr<AnnexBFile> file) { file_ = std::move(file); }
  bool keeps() const noexcept { return file_ != nullptr; }

  void rtp(std::span<const std::byte> packet);
  void rtcp(std::span<const std::byte> packet);

private:
  void payload(std::span<const std::byte> payload);
  void frame_complete(std::uint32_t timestamp);
  std::optional<std::int64_t> told_us(std::uint32_t timestamp) const;

  FrameMeter& meter_;
  double fps_;
  bool h264_ = false;
  H264Check check_;
  std::unique_ptr<AnnexBFile> file_;
  bool any_ = false, any_frame_ = false, whole_ = true;
  std::uint16_t next_sequence_ = 0;
  std::uint32_t last_timestamp_ = 0, report_rtp_ = 0;
  double report_unix_s_ = 0;
  std::optional<std::int64_t> stamp_ns_;
};

}  // namespace fanout
