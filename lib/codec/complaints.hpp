#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace campipe::codec {

/// Says the first of its kind at once and then at most one line in a while with the number of what went unsaid, so that
/// a broken cable does not fill a log.
class Complaints {
public:
  explicit Complaints(std::chrono::nanoseconds quiet) : quiet_ns_(quiet.count()) {}

  /// The line to print now, if any.
  std::optional<std::string> about(const std::string& why, std::int64_t now_ns);

private:
  std::int64_t quiet_ns_;
  std::optional<std::int64_t> last_ns_;
  std::uint64_t unsaid_ = 0;
};

}  // namespace campipe::codec
