#include "base/units.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

namespace campipe {

namespace {

struct Unit {
  std::string_view name;
  double factor;
};

/// The number before a unit, and the unit. No sign, no exponent, no "inf".
struct Quantity {
  double number;
  std::string_view unit;
};

std::optional<Quantity> split(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, number, std::chars_format::fixed);
  if (error != std::errc{} || end != text.data() + digits || !std::isfinite(number)) return std::nullopt;
  return Quantity{number, text.substr(digits)};
}

template <std::size_t N>
std::optional<double> scaled(std::string_view text, const std::array<Unit, N>& units) {
  const auto quantity = split(text);
  if (!quantity) return std::nullopt;
  for (const Unit& unit : units) {
    if (unit.name == quantity->unit) return quantity->number * unit.factor;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text, std::chrono::nanoseconds bare_unit) {
  const std::array<Unit, 9> units{{{"", static_cast<double>(bare_unit.count())},
                                   {"ns", 1},
                                   {"us", 1e3},
                                   {"ms", 1e6},
                                   {"s", 1e9},
                                   {"m", 60e9},
                                   {"min", 60e9},
                                   {"h", 3600e9},
                                   {"d", 86400e9}}};
  constexpr double kHundredYears = 100 * 365.25 * 86400e9;
  const auto value = scaled(text, units);
  if (!value || *value > kHundredYears) return std::nullopt;
  return std::chrono::nanoseconds(std::llround(*value));
}

std::optional<std::int64_t> parse_bytes(std::string_view text) {
  if (text.size() > 1 && text.back() == 'B') text.remove_suffix(1);
  static constexpr std::array<Unit, 11> kUnits{{{"", 1},
                                                {"k", 1e3},
                                                {"K", 1e3},
                                                {"M", 1e6},
                                                {"G", 1e9},
                                                {"T", 1e12},
                                                {"ki", 1024.0},
                                                {"Ki", 1024.0},
                                                {"Mi", 1048576.0},
                                                {"Gi", 1073741824.0},
                                                {"Ti", 1099511627776.0}}};
  const auto value = scaled(text, kUnits);
  if (!value || *value > 9e18) return std::nullopt;
  return std::llround(*value);
}

std::optional<std::int64_t> parse_integer(std::string_view text, std::int64_t min, std::int64_t max) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < min || value > max) return std::nullopt;
  return value;
}

std::optional<Rational> parse_frame_rate(std::string_view text) {
  constexpr std::int64_t kMaxRate = 1000;
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
    const auto num = parse_integer(text.substr(0, slash), 1, 1'000'000'000);
    const auto den = parse_integer(text.substr(slash + 1), 1, 1'000'000'000);
    if (!num || !den || *num > kMaxRate * *den) return std::nullopt;
    return Rational{*num, *den};
  }
  const auto quantity = split(text);
  if (!quantity || !quantity->unit.empty() || quantity->number <= 0 || quantity->number > kMaxRate) return std::nullopt;
  const double rounded = std::round(quantity->number);
  if (quantity->number == rounded) return Rational{static_cast<std::int64_t>(rounded), 1};
  // 29.97 and its like mean NTSC's fractions.
  const double ntsc = std::ceil(quantity->number);
  if (std::abs(quantity->number - ntsc * 1000 / 1001) < 0.005)
    return Rational{static_cast<std::int64_t>(ntsc) * 1000, 1001};
  const auto thousandths = static_cast<std::int64_t>(std::llround(quantity->number * 1000));
  if (thousandths == 0) return std::nullopt;
  const std::int64_t common = std::gcd<std::int64_t>(thousandths, 1000);
  return Rational{thousandths / common, 1000 / common};
}

std::optional<Size> parse_size(std::string_view text) {
  constexpr std::int64_t kMax = 16384;
  const std::size_t cross = text.find_first_of("xX");
  if (cross == std::string_view::npos) return std::nullopt;
  const auto width = parse_integer(text.substr(0, cross), 1, kMax);
  const auto height = parse_integer(text.substr(cross + 1), 1, kMax);
  if (!width || !height) return std::nullopt;
  return Size{static_cast<int>(*width), static_cast<int>(*height)};
}

std::string format_bytes(std::int64_t bytes) {
  static constexpr std::array<const char*, 5> kNames{"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kNames.size()) value /= 1024, ++unit;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kNames[unit]);
}

std::string format_duration(std::chrono::nanoseconds duration) {
  using namespace std::chrono;
  const auto whole = [&](nanoseconds unit) { return duration >= unit && duration % unit == nanoseconds(0); };
  if (whole(hours(24))) return fmt::format("{}d", duration / hours(24));
  if (whole(hours(1))) return fmt::format("{}h", duration / hours(1));
  if (whole(minutes(1))) return fmt::format("{}m", duration / minutes(1));
  if (whole(seconds(1))) return fmt::format("{}s", duration / seconds(1));
  if (duration >= seconds(1))
    return fmt::format("{:.3g}s", duration_cast<std::chrono::duration<double>>(duration).count());
  return fmt::format("{}ms", duration_cast<milliseconds>(duration).count());
}

std::string format_rate(Rational rate) {
  return rate.den == 1 ? fmt::format("{}", rate.num) : fmt::format("{}/{}", rate.num, rate.den);
}

}  // namespace campipe
