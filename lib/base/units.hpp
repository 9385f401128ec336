#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace campipe {

/// A fraction such as a frame rate: 30000/1001, not 29.97.
struct Rational {
  std::int64_t num = 0;
  std::int64_t den = 1;

  double value() const noexcept { return den == 0 ? 0.0 : static_cast<double>(num) / static_cast<double>(den); }
  explicit operator bool() const noexcept { return num > 0 && den > 0; }
  bool operator==(const Rational& other) const noexcept {
    __extension__ using Wide = __int128;  // a bitstream may say 32 bits each
    return Wide{num} * other.den == Wide{other.num} * den;
  }
};

/// A picture's width and height.
struct Size {
  int width_px = 0;
  int height_px = 0;
  bool operator==(const Size&) const = default;
};

/// What the command line writes. Each answers nothing when the text is not of the form or out of range.
///
/// "250ms", "10s", "5m", "12h", "7d", fractions as "1.5s"; a bare number counts `bare_unit`. At most 100 years.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text,
                                                       std::chrono::nanoseconds bare_unit = std::chrono::seconds(1));
/// "4M", "512KiB", "1.5G", "1000": k, M, G, T = powers of 1000, Ki, Mi, Gi, Ti = of 1024; a final B is allowed.
std::optional<std::int64_t> parse_bytes(std::string_view text);
/// "30", "29.97", "30000/1001"; 0 < rate <= 1000.
std::optional<Rational> parse_frame_rate(std::string_view text);
/// "1280x720"; 1 to 16384 each.
std::optional<Size> parse_size(std::string_view text);
/// A whole decimal number within [min, max], nothing before or after it.
std::optional<std::int64_t> parse_integer(std::string_view text, std::int64_t min, std::int64_t max);

std::string format_bytes(std::int64_t bytes);                    ///< "1.5 MiB"
std::string format_duration(std::chrono::nanoseconds duration);  ///< "250ms", "10s", "5m", "7d"
std::string format_rate(Rational rate);                          ///< "30", "30000/1001"

}  // namespace campipe
