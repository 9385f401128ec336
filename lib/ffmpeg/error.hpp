#pragma once
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace campipe::ffmpeg {

/// FFmpeg's text for an AVERROR value (errno values included).
std::string error_text(int averror);

/// Throws Error(code) "WHAT: text"; an AVERROR that is an errno and `code` ExitCode::ok picks exit_code_for_errno.
/// Passwords in `what` are the caller's to redact.
[[noreturn]] void throw_error(int averror, ExitCode code, std::string_view what);

/// Sends FFmpeg's own log lines to base/log: errors and warnings only with --verbose, passwords in URLs redacted. Once,
/// at start.
void route_log();

}  // namespace campipe::ffmpeg
