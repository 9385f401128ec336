#include "rtp/ticks.hpp"

namespace campipe::rtp {

namespace {

constexpr std::int64_t kUsPerSecond = 1'000'000;
constexpr std::int64_t kNtpToUnixSeconds = 2'208'988'800;  // 1900 to 1970 (RFC 868)

struct Divided {
  std::int64_t quotient;
  std::int64_t remainder;  // never negative
};

Divided floor_divide(std::int64_t value, std::int64_t by) noexcept {
  const std::int64_t remainder = value % by;
  return remainder < 0 ? Divided{value / by - 1, remainder + by} : Divided{value / by, remainder};
}

}  // namespace

RtpTicks ticks_from_us(std::int64_t pts_us, std::uint32_t clock_hz) noexcept {
  const std::int64_t rate = clock_hz;
  const Divided time = floor_divide(pts_us, kUsPerSecond);  // a product with the whole time would overflow
  return {time.quotient * rate + (time.remainder * rate + kUsPerSecond / 2) / kUsPerSecond};
}

NtpTime ntp_from_ticks(RtpTicks ticks, std::uint32_t clock_hz) noexcept {
  const Divided time = floor_divide(ticks.value, clock_hz);
  const auto fraction = (static_cast<std::uint64_t>(time.remainder) << 32) / clock_hz;
  return {static_cast<std::uint32_t>(time.quotient + kNtpToUnixSeconds), static_cast<std::uint32_t>(fraction)};
}

}  // namespace campipe::rtp
