#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/expected.hpp"

namespace campipe::net {

/// A request target taken apart, percent-encoding undone.
struct Target {
  std::string authority;                                  ///< of an absolute URL: "user@host:8554"; "" of a mere path
  std::string path;                                       ///< normal_path(): "/stream/cam"
  std::map<std::string, std::string, std::less<>> query;  ///< the last of equal keys; "" for a key without value

  /// The value of a key; "" when it is not there.
  std::string_view get(std::string_view key) const;
};

/// Of "/path?a=b&c", or of an absolute URL ("http://host/path", "rtsp://host:8554/path"), for HTTP and RTSP alike. The
/// path comes in its one normal form, see normal_path(). A query ends at a second '?', since programs append
/// "?dummy=param.mjpg" to URLs that have one already; a fragment is left out.
/// Fails with the reason in words when it is neither, has an encoding that is none, bytes that are no UTF-8 once
/// decoded (RFC 3986, 2.5), or control bytes.
Expected<Target, std::string_view> parse_target(std::string_view text);

/// The one spelling of a URL's path: percent-encoding is undone once (RFC 3986, 6.2.2.2), runs of slashes are one, and
/// none stands at the end but that of "/". Fails with the reason for what means different things to different programs:
/// an encoded slash or NUL, a backslash, the segments "." and "..", encoded or not.
/// @param path  begins with a slash, or is empty, which means "/".
Expected<std::string, std::string_view> normal_path(std::string_view path);

/// "%41b" to "Ab"; nothing for a broken escape.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

}  // namespace campipe::net
