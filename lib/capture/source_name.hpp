#pragma once
#include <string>
#include <string_view>

namespace campipe::capture {

enum class SourceKind { pattern, device, network, file };

/// What SOURCE on the command line means.
struct SourceName {
  SourceKind kind = SourceKind::device;
  std::string text;  ///< a device or file path, or the URL; empty for the pattern and for the first camera there is
};

/// `auto` | `pattern` | N | /dev/videoN | a path under /dev/v4l | any character device | URL | file://PATH | PATH.
/// Looks at the file system, opens nothing. Throws Error(unavailable) for a URL whose scheme is no source's and
/// Error(no_input) for one without a host.
SourceName parse_source(std::string_view text);

/// Why there is nothing at a path that is a source, and the remedy: "patern: no such file or device: did you mean
/// pattern?". "help" and "version" lead to these options, anything else to --list.
std::string no_such_source(std::string_view path);

/// The URL in the first line of a file. Throws Error(no_input, permission, bad_data).
std::string read_url_file(const std::string& path);

}  // namespace campipe::capture
