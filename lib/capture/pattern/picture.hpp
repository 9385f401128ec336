#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "capture/pattern/canvas.hpp"

namespace campipe::capture::pattern {

/// Paints the test pattern: colour bars and a grey ramp, a ball and a band of blocks that move, the time of day (UTC)
/// and the frame number as text, and the machine-readable strip of media/counter_strip.hpp at the top.
class Picture {
public:
  /// @param size  At least 32x32. @param rate  Sets how fast things move: the same speed at any rate.
  Picture(media::PixelFormat format, Size size, Rational rate);

  std::size_t bytes() const noexcept { return still_.size(); }

  /// Paints picture `number` into `out` (bytes() bytes). @param unix_us  The time that the clock shows.
  void paint(std::uint64_t number, std::int64_t unix_us, std::span<std::byte> out) const;

private:
  void paint_still();
  void paint_motion(Canvas& canvas, double seconds) const;
  void paint_strip(Canvas& canvas, std::uint32_t number) const;
  void paint_text(Canvas& canvas, std::uint64_t number, std::int64_t unix_us) const;

  media::PixelFormat format_;
  Size size_;
  Rational rate_;
  int strip_px_, bars_px_, ramp_px_, text_px_, band_px_;  ///< heights, from the top
  std::string label_;
  std::vector<std::byte> still_;  // all that never changes
};

/// "2026-11-21 04:05:06.789" (UTC).
std::string clock_text(std::int64_t unix_us);

}  // namespace campipe::capture::pattern
