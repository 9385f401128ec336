#include "base/clock.hpp"

#include <charconv>
#include <cstdlib>
#include <ctime>
#include <fstream>

namespace campipe {

namespace {

std::int64_t read_clock(clockid_t id) noexcept {
  timespec now{};
  ::clock_gettime(id, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// Floor division: a time before the anchor must round the same way as one after it.
std::int64_t floor_div(std::int64_t a, std::int64_t b) noexcept {
  return a / b - (a % b < 0 ? 1 : 0);
}

}  // namespace

std::int64_t monotonic_ns() noexcept {
  return read_clock(CLOCK_MONOTONIC);
}
std::int64_t realtime_us() noexcept {
  return read_clock(CLOCK_REALTIME) / 1000;
}

const std::string& boot_id() {
  static const std::string id = [] {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string line;
    std::getline(file, line);
    return line.empty() ? std::string("unknown") : line;
  }();
  return id;
}

StreamClock StreamClock::now() {
  return {realtime_us(), monotonic_ns(), campipe::boot_id()};
}

std::optional<StreamClock> StreamClock::from_environment() {
  StreamClock clock;
  const char* text = std::getenv("CAMPIPE_CLOCK");
  if (text != nullptr && clock.parse(text) && clock.boot_id == campipe::boot_id()) return clock;
  return std::nullopt;
}

StreamClock StreamClock::from_environment_or_now() {
  return from_environment().value_or(now());
}

std::int64_t StreamClock::pts_us(std::int64_t captured_ns) const noexcept {
  return anchor_realtime_us + floor_div(captured_ns - anchor_monotonic_ns, 1000);
}

std::int64_t StreamClock::captured_ns(std::int64_t pts_us) const noexcept {
  return anchor_monotonic_ns + (pts_us - anchor_realtime_us) * 1000;
}

std::string StreamClock::to_string() const {
  return std::to_string(anchor_realtime_us) + ":" + std::to_string(anchor_monotonic_ns) + ":" + boot_id;
}

bool StreamClock::parse(const std::string& text) {
  StreamClock parsed;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, parsed.anchor_realtime_us);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != ':') return false;
  const auto second = std::from_chars(first.ptr + 1, end, parsed.anchor_monotonic_ns);
  if (second.ec != std::errc{} || second.ptr == end || *second.ptr != ':') return false;
  parsed.boot_id.assign(second.ptr + 1, end);
  constexpr std::int64_t kSane = std::int64_t{1} << 61;  // keeps later sums far from overflow
  if (parsed.boot_id.size() > 64 || std::abs(parsed.anchor_realtime_us) > kSane / 1000 ||
      std::abs(parsed.anchor_monotonic_ns) > kSane) {
    return false;
  }
  *this = parsed;
  return true;
}

}  // namespace campipe
