#include "ffmpeg/error.hpp"

extern "C" {
#include <libavutil/error.h>
#include <libavutil/log.h>
}

#include <array>
#include <cstdarg>
#include <cstdio>

#include "base/log.hpp"
#include "base/redact.hpp"

namespace campipe::ffmpeg {

std::string error_text(int averror) {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(averror, text.data(), text.size());
  return text.data();
}

void throw_error(int averror, ExitCode code, std::string_view what) {
  // AVERROR(errno) is -errno; FFmpeg's own codes are far below any errno.
  if (code == ExitCode::ok) code = averror > -4096 ? exit_code_for_errno(-averror) : ExitCode::io_error;
  throw Error(code, std::string(what) + ": " + error_text(averror));
}

void route_log() {
  av_log_set_callback([](void* context, int level, const char* format, va_list arguments) {
    if (level > AV_LOG_WARNING || !log::enabled(log::Level::debug)) return;
    std::array<char, 1024> line{};
    int print_prefix = 1;
    av_log_format_line2(context, level, format, arguments, line.data(), static_cast<int>(line.size()), &print_prefix);
    std::string text = redact_url(line.data());
    while (!text.empty() && text.back() == '\n') text.pop_back();
    log::debug("ffmpeg: {}", text);
  });
}

}  // namespace campipe::ffmpeg
