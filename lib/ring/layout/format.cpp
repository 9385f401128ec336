#include "ring/layout/format.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

namespace campipe::ring::layout {

namespace {

constexpr std::uint32_t kMaxSide = 16384;
constexpr std::uint32_t kMaxRate = 1'000'000;

template <std::size_t N>
void put_text(std::array<char, N>& field, std::string_view text) noexcept {
  field.fill('\0');
  std::copy_n(text.begin(), std::min(text.size(), N - 1), field.begin());
}

/// Answers false when it does not end within the field, or holds what no name of ours holds.
template <std::size_t N>
bool take_text(const std::array<char, N>& field, std::string& text) {
  const auto end = std::ranges::find(field, '\0');
  if (end == field.end()) return false;
  text.assign(field.begin(), end);
  return std::ranges::all_of(
      text, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_'; });
}

}  // namespace

FormatFields to_fields(const Format& format) {
  FormatFields fields{};
  fields.codec = static_cast<std::uint32_t>(format.codec);
  fields.width = format.width_px;
  fields.height = format.height_px;
  fields.rate_num = format.rate_num;
  fields.rate_den = format.rate_den;
  fields.range = static_cast<std::uint32_t>(format.range);
  fields.matrix = static_cast<std::uint32_t>(format.matrix);
  fields.audio_codec = static_cast<std::uint32_t>(format.audio_codec);
  fields.audio_rate_hz = format.audio_rate_hz;
  fields.audio_channels = format.audio_channels;
  put_text(fields.pixel_format, format.pixel_format);
  fields.anchor_realtime_us = format.anchor_realtime_us;
  fields.anchor_monotonic_ns = format.anchor_monotonic_ns;
  put_text(fields.boot_id, format.boot_id);
  std::size_t used = 0;
  const auto put = [&](const std::vector<std::byte>& bytes) -> std::uint32_t {
    if (bytes.size() > fields.data.size() - used) return 0;
    std::ranges::copy(bytes, fields.data.begin() + static_cast<std::ptrdiff_t>(used));
    used += bytes.size();
    return static_cast<std::uint32_t>(bytes.size());
  };
  fields.parameter_set_bytes = put(format.parameter_sets);
  fields.audio_extradata_bytes = put(format.audio_extradata);
  return fields;
}

bool from_fields(const FormatFields& fields, Format& format) {
  if (fields.codec < 1 || fields.codec > 4 || fields.audio_codec > 6 || fields.range > 2 || fields.matrix > 3) {
    return false;
  }
  // Coded streams may not know their size before the first keyframe.
  const bool raw = fields.codec == static_cast<std::uint32_t>(Codec::raw);
  if (fields.width > kMaxSide || fields.height > kMaxSide) return false;
  if (raw && (fields.width == 0 || fields.height == 0)) return false;
  if (fields.rate_den == 0 || fields.rate_num / fields.rate_den > kMaxRate) return false;
  if (fields.audio_rate_hz > kMaxRate || fields.audio_channels > 64) return false;
  const std::size_t sets = fields.parameter_set_bytes, extra = fields.audio_extradata_bytes;
  if (sets > fields.data.size() || extra > fields.data.size() - sets) return false;
  if (!take_text(fields.pixel_format, format.pixel_format) || !take_text(fields.boot_id, format.boot_id)) return false;
  format.codec = static_cast<Codec>(fields.codec);
  format.width_px = fields.width;
  format.height_px = fields.height;
  format.rate_num = fields.rate_num;
  format.rate_den = fields.rate_den;
  format.range = static_cast<Range>(fields.range);
  format.matrix = static_cast<Matrix>(fields.matrix);
  format.audio_codec = static_cast<AudioCodec>(fields.audio_codec);
  format.audio_rate_hz = fields.audio_rate_hz;
  format.audio_channels = fields.audio_channels;
  format.anchor_realtime_us = fields.anchor_realtime_us;
  format.anchor_monotonic_ns = fields.anchor_monotonic_ns;
  const auto begin = fields.data.begin();
  format.parameter_sets.assign(begin, begin + static_cast<std::ptrdiff_t>(sets));
  format.audio_extradata.assign(begin + static_cast<std::ptrdiff_t>(sets),
                                begin + static_cast<std::ptrdiff_t>(sets + extra));
  return true;
}

std::string_view name(Codec codec) noexcept {
  switch (codec) {
    case Codec::raw:
      return "raw";
    case Codec::mjpeg:
      return "mjpeg";
    case Codec::h264:
      return "h264";
    case Codec::h265:
      return "h265";
  }
  return "?";
}

std::string describe(const Format& format) {
  std::string text(name(format.codec));
  if (!format.pixel_format.empty()) text += " " + format.pixel_format;
  text += fmt::format(" {}x{}", format.width_px, format.height_px);
  if (format.rate_num > 0 && format.rate_den > 0) {
    text += format.rate_den == 1 ? fmt::format(" {} fps", format.rate_num)
                                 : fmt::format(" {}/{} fps", format.rate_num, format.rate_den);
  }
  return text;
}

}  // namespace campipe::ring::layout
