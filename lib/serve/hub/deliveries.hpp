#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "serve/hub/client.hpp"
#include "serve/hub/unit.hpp"

namespace campipe::serve::hub {

enum class Protocol { http_mjpeg, rtsp_tcp, rtsp_udp };
std::string_view name(Protocol protocol) noexcept;  ///< "http-mjpeg", "rtsp-tcp", "rtsp-udp"

/// How often which times were seen, in fixed buckets from 50 µs to 10 s and one above. Adding costs a few comparisons.
class Histogram {
public:
  static constexpr std::array<std::int64_t, 19> kBoundsUs{
      50,     100,    250,     500,     750,     1'000,     1'500,     2'500,     5'000,     10'000,
      25'000, 50'000, 100'000, 250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000};

  void add_ns(std::int64_t ns) noexcept;
  void add_us(std::int64_t us) noexcept { add_ns(us * 1000); }

  std::uint64_t count() const noexcept { return count_; }
  double sum_s() const noexcept { return static_cast<double>(sum_ns_) / 1e9; }
  /// How many were at most kBoundsUs[i] and above the bound before it; the last: above all bounds.
  const std::array<std::uint64_t, kBoundsUs.size() + 1>& buckets() const noexcept { return buckets_; }

private:
  std::array<std::uint64_t, kBoundsUs.size() + 1> buckets_{};
  std::uint64_t count_ = 0;
  std::int64_t sum_ns_ = 0;
};

/// What the clients of one protocol have had of one stream, those that have gone included.
struct Delivered {
  std::uint64_t clients = 0;         ///< that began to follow it
  std::uint64_t frames = 0;          ///< video units of which the kernel has taken the last byte
  std::uint64_t bytes = 0;           ///< of those and of audio
  std::uint64_t skips = 0;           ///< times that a client was too far behind and was moved forward
  std::uint64_t skipped_frames = 0;  ///< video units that were left out by that
  std::uint64_t send_calls = 0;      ///< system calls, those for answers and reports included
  Histogram lag;                     ///< media time from a frame to the newest one, when it is sent
  Histogram join;                    ///< from the request (PLAY) until the kernel has all of the first frame
  /// From a frame's arrival here until the kernel has its last byte, of frames that came after the client.
  Histogram delay;
};

/// What was delivered of a stream. For the loop's thread.
class Deliveries {
public:
  Delivered& of(Protocol protocol) noexcept { return by_protocol_[static_cast<std::size_t>(protocol)]; }
  const Delivered& of(Protocol protocol) const noexcept { return by_protocol_[static_cast<std::size_t>(protocol)]; }
  static constexpr std::array<Protocol, 3> kProtocols{Protocol::http_mjpeg, Protocol::rtsp_tcp, Protocol::rtsp_udp};

  /// From a frame's arrival until every client that could take it at once has been given it.
  Histogram fanout;

private:
  std::array<Delivered, kProtocols.size()> by_protocol_{};
};

/// One client's way to be counted in a Delivered, which must outlive it. One unit is under way at a time.
class DeliveryMeter {
public:
  explicit DeliveryMeter(Delivered& to) noexcept : to_(&to) {}

  /// The client begins, or begins again after a pause. `requested_ns` is when it asked for that, on the stream's clock.
  void join(std::int64_t requested_ns) noexcept;

  /// A unit goes out, or begins to.
  /// @param lag_us    media time from it to the newest.
  /// @param counters  the client's own, for its skips.
  void begin(const Unit& unit, std::size_t bytes, std::int64_t lag_us, const ClientCounters& counters) noexcept;
  /// A unit is under way whose last byte the kernel has not yet.
  bool under_way() const noexcept { return under_way_; }
  /// The kernel has all of it.
  /// @param send_calls  of the client's connection or output since its start.
  void finish(std::int64_t now_ns, std::uint64_t send_calls) noexcept;
  /// Part of it is lost, or will never be sent.
  void give_up(std::uint64_t send_calls) noexcept;

private:
  void count_calls(std::uint64_t send_calls) noexcept;

  Delivered* to_;
  std::int64_t requested_ns_ = 0, arrived_ns_ = 0;
  std::size_t bytes_ = 0;
  std::uint64_t send_calls_ = 0, skips_ = 0, skipped_frames_ = 0;
  bool counted_ = false, joining_ = false, under_way_ = false, video_ = false;
};

}  // namespace campipe::serve::hub
