#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/expected.hpp"
#include "capture/v4l2/formats.hpp"

namespace campipe::capture::v4l2 {

/// Frame rates that a device offers: some, or everything between two.
struct RateRange {
  Rational lowest, highest;
};

/// One picture size of one format, as a device lists them; or a range of sizes in steps.
struct OfferedSize {
  Size least, most;  ///< equal for a single size
  int step_width = 1, step_height = 1;
  std::vector<RateRange> rates;  ///< empty: unknown
};

struct OfferedFormat {
  std::uint32_t fourcc = 0;
  std::string description;
  std::vector<OfferedSize> sizes;  ///< empty: the device does not tell, any size may be tried
};

struct ModeWish {
  std::optional<Size> size;
  std::optional<Rational> rate;
  std::optional<FormatWish> format;
};

struct Mode {
  DeviceFormat format;
  Size size;           ///< 0x0: as the device has it now
  Rational rate;       ///< 0: as the device has it now
  std::string reason;  ///< why this one, for the user
};

/// Picks the mode. Without a size: the largest up to 1920x1080 that reaches the rate (without one: 30), else the one
/// with the highest rate. Of the formats at that size: raw when it reaches the rate (no loss, no decoding), else MJPEG,
/// else H.264 or H.265. Fails with what the device offers instead ("cannot do 123x45: it offers 640x480, 1280x720").
Expected<Mode, std::string> choose_mode(const std::vector<OfferedFormat>& offered, const ModeWish& wish);

/// "640x480 1280x720", each once, smallest first.
std::string sizes_text(const std::vector<OfferedFormat>& offered);

}  // namespace campipe::capture::v4l2
