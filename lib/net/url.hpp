#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace campipe::net {

/// A request target taken apart, percent-encoding undone.
struct Target {
  std::string path;                                       ///< "/stream/cam"
  std::map<std::string, std::string, std::less<>> query;  ///< the last of equal keys; "" for a key without value

  /// The value of a key; "" when it is not there.
  std::string_view get(std::string_view key) const;
};

/// Of "/path?a=b&c", or of an absolute URL ("http://host/path", "rtsp://host:8554/path": its authority is left out).
/// Nothing when it is neither, or has an encoding that is none, a NUL or a control byte.
std::optional<Target> parse_target(std::string_view text);

/// "%41b" to "Ab"; nothing for a broken escape.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

}  // namespace campipe::net
