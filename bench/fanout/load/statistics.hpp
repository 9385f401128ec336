#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace fanout {

/// Values of which percentiles are told.
class Samples {
public:
  void add(double value) { values_.push_back(static_cast<float>(value)); }
  std::size_t size() const noexcept { return values_.size(); }
  /// @param p  0 to 100. Answers -1 without values. Changes their order.
  double percentile(double p);

private:
  std::vector<float> values_;
};

enum class Role { good, stalled, slow };

/// What all clients of a role had.
struct Totals {
  bool counting = false;       ///< the window has begun
  Samples gap_ms;              ///< between complete frames of one client
  Samples stamp_age_ms;        ///< from a frame's stamp (stamp.hpp) to its last byte here
  Samples told_age_ms;         ///< the same from what the server says: X-Timestamp, sender reports
  Samples first_frame_ms;      ///< from the request (GET, PLAY) to the first complete frame
  Samples first_key_ms;        ///< to the first complete one that decodes alone
  Samples connected_frame_ms;  ///< from the connect to the first complete frame
  std::uint64_t bytes = 0;
};

/// The frames of one client.
class FrameMeter {
public:
  explicit FrameMeter(Totals& totals) : totals_(totals) {}

  void connecting(std::int64_t now_ns) noexcept { connect_ns_ = now_ns; }
  void requested(std::int64_t now_ns) noexcept { request_ns_ = now_ns; }
  /// A frame is complete. `told_us`: when the server says that it was captured, Unix time.
  void frame(std::int64_t now_ns, bool key, std::optional<std::int64_t> stamp_ns, std::optional<std::int64_t> told_us);
  void lost(std::uint64_t frames) noexcept { lost_ += totals_.counting ? frames : 0; }
  void lost_packets(std::uint64_t packets) noexcept { lost_packets_ += totals_.counting ? packets : 0; }
  /// A frame came whose references did not, at any time: the window does not matter.
  void undecodable() noexcept { ++undecodable_; }
  /// A frame that lacks packets.
  void damaged() noexcept { damaged_ += totals_.counting ? 1 : 0; }
  void bytes(std::size_t count) noexcept { totals_.bytes += totals_.counting ? count : 0; }
  void begin_count() noexcept { last_ns_ = 0; }

  std::uint64_t frames() const noexcept { return frames_; }
  std::uint64_t lost() const noexcept { return lost_; }
  std::uint64_t lost_packets() const noexcept { return lost_packets_; }
  std::uint64_t undecodable_frames() const noexcept { return undecodable_; }
  std::uint64_t damaged_frames() const noexcept { return damaged_; }
  bool any() const noexcept { return any_; }

private:
  Totals& totals_;
  std::int64_t connect_ns_ = 0, request_ns_ = 0, last_ns_ = 0;
  std::uint64_t frames_ = 0, lost_ = 0, lost_packets_ = 0, undecodable_ = 0, damaged_ = 0;
  bool any_ = false, any_key_ = false;
};

}  // namespace fanout
