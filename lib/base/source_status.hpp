#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace campipe {

/// What the source of a stream does, as the writer of a ring or pipe tells those behind it. The numbers are those of
/// campipe-ring(5).
enum class SourceState : std::uint32_t {
  unknown = 0,  ///< the writer does not tell
  running = 1,  ///< frames come, or should
  resting = 2,  ///< stopped on demand: nobody wants frames
  lost = 3,     ///< the source is away: frames are wanted, or may be, and cannot come
};

struct SourceStatus {
  SourceState state = SourceState::unknown;
  std::int64_t since_us = 0;  ///< Unix time
  /// Of `lost`: "Connection refused"; of the others kOnDemand or nothing. Printable UTF-8, at most kMaxSourceReason
  /// bytes.
  std::string reason;

  bool lost() const noexcept { return state == SourceState::lost; }
  bool operator==(const SourceStatus&) const = default;
};

constexpr std::size_t kMaxSourceReason = 95;
/// The reason of a source that rests, or will, while nobody wants frames.
constexpr std::string_view kOnDemand = "on demand";

/// A status that begins now. The reason is made printable and cut to kMaxSourceReason bytes between characters.
SourceStatus source_status(SourceState state, std::string_view reason = {});

/// As source_status(), but `before` where that says the same already: its beginning stays.
SourceStatus source_status_after(const SourceStatus& before, SourceState state, std::string_view reason = {});

/// "running"; "unknown" for a number that is none of them.
std::string_view name(SourceState state) noexcept;

/// "lost 1764588761000000 Connection refused": how a pipe carries it.
std::string to_text(const SourceStatus& status);
/// The other way round, from anybody; nothing when it is not of that form.
std::optional<SourceStatus> parse_source_status(std::string_view text);

}  // namespace campipe
