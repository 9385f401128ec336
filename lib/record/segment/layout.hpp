#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Names in a recording folder. All times in them are UTC, so that no hour is written twice when summer ends.
namespace campipe::record::segment {

enum class Container { mp4, mkv, ts };
std::string_view name(Container container) noexcept;  ///< "mp4", "mkv", "ts": also the file name's ending
std::optional<Container> container_by_name(std::string_view name) noexcept;

/// What a segment's file name tells: "20251121T014500.040Z-r7f3a-000123.mp4".
struct SegmentName {
  std::int64_t start_ms = 0;   ///< Unix time of the first picture
  std::string run;             ///< four hex digits drawn at each start of camrec
  std::uint32_t sequence = 0;  ///< within the run: unique even when the clock steps back
  Container container = Container::mp4;

  bool operator==(const SegmentName&) const = default;
};

std::string to_string(const SegmentName& segment);
/// Nothing when `file_name` is not exactly of that form.
std::optional<SegmentName> parse_segment_name(std::string_view file_name);

std::string day_folder(std::int64_t start_ms);   ///< "2025-11-21"
std::string hour_folder(std::int64_t start_ms);  ///< "01"
bool is_day_folder(std::string_view name) noexcept;
bool is_hour_folder(std::string_view name) noexcept;

inline constexpr std::string_view kPartSuffix = ".part";
inline constexpr const char* kLiveFolder = "live";
inline constexpr const char* kIndexFolder = "index";
inline constexpr const char* kQuarantineFolder = "quarantine";

}  // namespace campipe::record::segment
