#pragma once
#include <chrono>
#include <cstdint>
#include <optional>

namespace campipe::record {

/// Tells input that runs ahead of real time (a file that comes through a pipe) from live input, by its own times: media
/// time that advances faster than CLOCK_MONOTONIC is ahead. A burst after a stall only catches up and is not.
///
/// To keep a stream that is ahead waiting for as long as it is ahead costs a live source nothing, so that much is
/// always allowed. A lead that no live source has (kSureKnown, kSureUnknown) makes it a recording, which may be kept
/// waiting without a limit, until it has kept to real time by itself for a while. One thread.
class Pace {
public:
  enum class Source {
    measured,  ///< a pipe: judged by its times
    file,      ///< always waits
    ring,      ///< never waits for us: keeping it waiting would lose frames in the ring
  };
  explicit Pace(Source source = Source::measured) : source_(source) {}

  /// Before each video packet. @param pts_us  Its time on the stream's clock. @param captured_ns  Where known.
  void note(std::int64_t pts_us, std::int64_t now_ns, std::optional<std::int64_t> captured_ns);

  /// How long what comes now may be kept waiting; nanoseconds::max() = without a limit.
  std::chrono::nanoseconds may_wait(std::int64_t now_ns) const;
  /// It was kept waiting: its pace is not its own for a while.
  void held() noexcept { window_held_ = true; }

  bool ahead() const noexcept { return ahead_; }

private:
  void anchor(std::int64_t pts_us, std::int64_t now_ns, std::optional<std::int64_t> captured_ns);
  void look_at_window(std::int64_t pts_us, std::int64_t now_ns);
  std::int64_t lead_us(std::int64_t now_ns) const noexcept { return last_pts_us_ - now_ns / 1000 - base_us_; }

  Source source_;
  bool anchored_ = false;
  bool ahead_ = false;
  std::int64_t base_us_ = 0;  // media time less real time of a stream that is neither ahead nor behind
  std::int64_t sure_us_ = 0;  // a lead over this is a recording's
  std::int64_t last_pts_us_ = 0;
  std::int64_t last_ns_ = 0;
  std::int64_t window_pts_us_ = 0, window_ns_ = 0;
  bool window_held_ = false;
};

}  // namespace campipe::record
