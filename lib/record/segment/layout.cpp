#include "record/segment/layout.hpp"

#include <algorithm>
#include <array>
#include <ctime>

#include <fmt/format.h>

#include "base/units.hpp"

namespace campipe::record::segment {

namespace {

bool all_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// `text` matches when it has a digit where `form` has '0', a hex digit where it has 'x', and the same character
/// elsewhere.
bool has_form(std::string_view text, std::string_view form) {
  return std::ranges::equal(text, form, [](char c, char f) {
    const bool digit = c >= '0' && c <= '9';
    if (f == '0') return digit;
    if (f == 'x') return digit || (c >= 'a' && c <= 'f');
    return c == f;
  });
}

int number(std::string_view digits) {
  return static_cast<int>(parse_integer(digits, 0, 999'999'999).value_or(0));
}

std::tm utc(std::int64_t unix_ms) {
  // Floor: a time before 1970 must not round towards it.
  const std::time_t seconds = unix_ms / 1000 - (unix_ms % 1000 < 0 ? 1 : 0);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return parts;
}

}  // namespace

std::string_view name(Container container) noexcept {
  switch (container) {
    case Container::mp4:
      return "mp4";
    case Container::mkv:
      return "mkv";
    case Container::ts:
      return "ts";
  }
  return "?";
}

std::optional<Container> container_by_name(std::string_view wanted) noexcept {
  for (const Container container : {Container::mp4, Container::mkv, Container::ts}) {
    if (name(container) == wanted) return container;
  }
  return std::nullopt;
}

std::string to_string(const SegmentName& segment) {
  const std::tm parts = utc(segment.start_ms);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}.{:03}Z-r{}-{:06}.{}", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, (segment.start_ms % 1000 + 1000) % 1000,
                     segment.run, segment.sequence, name(segment.container));
}

std::optional<SegmentName> parse_segment_name(std::string_view file_name) {
  constexpr std::string_view kForm = "00000000T000000.000Z-rxxxx-000000.";
  if (file_name.size() <= kForm.size() || !has_form(file_name.substr(0, kForm.size()), kForm)) return std::nullopt;
  const auto container = container_by_name(file_name.substr(kForm.size()));
  if (!container) return std::nullopt;
  std::tm parts{};
  parts.tm_year = number(file_name.substr(0, 4)) - 1900;
  parts.tm_mon = number(file_name.substr(4, 2)) - 1;
  parts.tm_mday = number(file_name.substr(6, 2));
  parts.tm_hour = number(file_name.substr(9, 2));
  parts.tm_min = number(file_name.substr(11, 2));
  parts.tm_sec = number(file_name.substr(13, 2));
  SegmentName segment;
  segment.start_ms = std::int64_t{::timegm(&parts)} * 1000 + number(file_name.substr(16, 3));
  segment.run = file_name.substr(22, 4);
  segment.sequence = static_cast<std::uint32_t>(number(file_name.substr(27, 6)));
  segment.container = *container;
  if (to_string(segment) != file_name) return std::nullopt;  // month 13 and its like
  return segment;
}

std::string day_folder(std::int64_t start_ms) {
  const std::tm parts = utc(start_ms);
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

std::string hour_folder(std::int64_t start_ms) {
  return fmt::format("{:02}", utc(start_ms).tm_hour);
}

bool is_day_folder(std::string_view folder) noexcept {
  return has_form(folder, "0000-00-00");
}
bool is_hour_folder(std::string_view folder) noexcept {
  return folder.size() == 2 && all_digits(folder);
}

}  // namespace campipe::record::segment
