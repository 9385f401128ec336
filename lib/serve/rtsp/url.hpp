#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/expected.hpp"
#include "media/format.hpp"

namespace campipe::serve::rtsp {

/// What the URL of an RTSP request names.
struct Target {
  std::string name;
  std::string rendition;                   ///< "" = the first
  std::optional<media::VideoCodec> codec;  ///< ?codec=
  std::optional<std::size_t> track;        ///< trackID=N
};

enum class TargetError {
  malformed,  ///< 400: net::parse_target() says why
  unknown,    ///< 404: no name, a part too many, another codec
};

/// rtsp://HOST[:PORT]/NAME[/RENDITION][/trackID=N][?codec=mjpeg|h264|h265], in any spelling that net::parse_target()
/// takes. The track may also stand behind the query, as FFmpeg and VLC join it, and slashes at the end are allowed
/// everywhere. Parameters that are not known are ignored.
Expected<Target, TargetError> parse_target(std::string_view target);

/// What Content-Base says to a DESCRIBE of `target`: with scheme and host, its path and the whole ending in exactly one
/// slash, so that a relative control can be joined to it by putting it behind as well as by RFC 3986.
/// @param host_port  of the server, for a target without.
std::string content_base(std::string_view target, std::string_view host_port);

}  // namespace campipe::serve::rtsp
