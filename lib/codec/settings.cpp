#include "codec/settings.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace campipe::codec {

namespace {

constexpr std::array<std::pair<std::string_view, Target>, 4> kTargets{
    {{"mjpeg", Target::mjpeg}, {"h264", Target::h264}, {"raw", Target::raw}, {"copy", Target::copy}}};
constexpr int kMinSide = 16, kMaxSide = 16384;

int even_side(double side) noexcept {
  const int even = static_cast<int>(std::lround(std::clamp(side, 0.0, double{kMaxSide}) / 2)) * 2;
  return std::clamp(even, kMinSide, kMaxSide);
}

double pixel_rate(Size size, Rational rate) noexcept {
  return static_cast<double>(size.width_px) * size.height_px * (rate ? rate.value() : 30.0);
}

constexpr double k720p30 = 1280.0 * 720 * 30 * 1.01;  // 30 fps that come a little faster are 30 fps

bool same_codec(media::VideoCodec codec, Target target) noexcept {
  return (codec == media::VideoCodec::mjpeg && target == Target::mjpeg) ||
         (codec == media::VideoCodec::h264 && target == Target::h264) ||
         (codec == media::VideoCodec::raw && target == Target::raw);
}

/// The rates as fractions: cross-multiplied, for 30000/1001 has no exact value.
bool at_least(Rational rate, Rational other) noexcept {
  return rate.num * other.den >= other.num * rate.den;
}

}  // namespace

std::optional<Target> target_by_name(std::string_view name) noexcept {
  for (const auto& [text, target] : kTargets) {
    if (text == name) return target;
  }
  return std::nullopt;
}

std::string_view name(Target target) noexcept {
  for (const auto& [text, value] : kTargets) {
    if (value == target) return text;
  }
  return "?";
}

Size SizeRequest::resolve(Size source) const noexcept {
  const double aspect = source.height_px > 0 ? static_cast<double>(source.width_px) / source.height_px : 1.0;
  if (width_px == 0) return {even_side(height_px * aspect), even_side(height_px)};
  if (height_px == 0) return {even_side(width_px), even_side(width_px / aspect)};
  return {even_side(width_px), even_side(height_px)};
}

std::optional<SizeRequest> parse_size_request(std::string_view text) noexcept {
  const std::size_t cross = text.find_first_of("xX");
  if (cross == std::string_view::npos) return std::nullopt;
  const std::string_view left = text.substr(0, cross), right = text.substr(cross + 1);
  if (left.empty() && right.empty()) return std::nullopt;
  const auto width = left.empty() ? 0 : parse_integer(left, kMinSide, kMaxSide);
  const auto height = right.empty() ? 0 : parse_integer(right, kMinSide, kMaxSide);
  if (!width || !height) return std::nullopt;
  return SizeRequest{static_cast<int>(*width), static_cast<int>(*height)};
}

std::int64_t default_bitrate(Size size, Rational rate) noexcept {
  const double fps = rate ? rate.value() : 30.0;
  const double bits = 0.1 * 30 * std::pow(fps / 30, 0.75) * size.width_px * size.height_px;
  return std::clamp<std::int64_t>(std::llround(bits / 1e5) * 100'000, 200'000, 100'000'000);
}

std::string_view default_preset(Size size, Rational rate) noexcept {
  return pixel_rate(size, rate) <= k720p30 ? "superfast" : "ultrafast";
}

int default_threads(Size size, Rational rate, int cores) noexcept {
  const int wanted = static_cast<int>(std::ceil(pixel_rate(size, rate) / k720p30));
  return std::clamp(wanted, 1, std::clamp(cores, 1, 8));
}

Way way_for(const media::VideoFormat& source, const Settings& settings) noexcept {
  const bool stands_alone = source.codec == media::VideoCodec::mjpeg || source.codec == media::VideoCodec::raw;
  const bool rate_stays = !settings.rate || (source.frame_rate && at_least(*settings.rate, source.frame_rate));
  if (settings.target == Target::copy) return rate_stays ? Way::pass : Way::thin;
  if (!same_codec(source.codec, settings.target)) return Way::transcode;
  if (settings.quality || settings.bitrate || settings.gop_frames || settings.preset) return Way::transcode;
  if (settings.pixel_format && *settings.pixel_format != source.pixel_format) return Way::transcode;
  if (settings.size && settings.size->resolve(source.size) != source.size) return Way::transcode;
  if (rate_stays) return Way::pass;
  return stands_alone ? Way::thin : Way::transcode;
}

}  // namespace campipe::codec
