#pragma once
#include <compare>
#include <cstdint>

namespace campipe::rtp {

/// RTP time in units of a track's clock rate since the Unix epoch on the stream's clock, unwrapped. What goes on the
/// wire is its low 32 bits plus the sender's random offset (RFC 3550, 5.1).
struct RtpTicks {
  std::int64_t value = 0;
  auto operator<=>(const RtpTicks&) const = default;
};

/// 90 kHz for all video payload formats.
inline constexpr std::uint32_t kVideoClockHz = 90'000;

/// Microseconds to ticks, rounded to the nearest; never wraps for any pts and rates up to 1 MHz.
RtpTicks ticks_from_us(std::int64_t pts_us, std::uint32_t clock_hz) noexcept;

/// NTP time (RFC 3550, 4): seconds since 1900, modulo 2^32, and 2^-32 fractions.
struct NtpTime {
  std::uint32_t seconds = 0;
  std::uint32_t fraction = 0;
  bool operator==(const NtpTime&) const = default;
};

/// By which receivers name a sender report: the middle 32 of the 64 bits.
constexpr std::uint32_t middle_of(NtpTime time) noexcept {
  return time.seconds << 16 | time.fraction >> 16;
}

/// The instant at which `ticks` falls, exact to 2^-32 s: a sender report made of both maps RTP to wall time without
/// error.
NtpTime ntp_from_ticks(RtpTicks ticks, std::uint32_t clock_hz) noexcept;

}  // namespace campipe::rtp
