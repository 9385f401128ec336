#include "capture/source_name.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <fstream>
#include <vector>

#include <sys/stat.h>

#include "base/error.hpp"
#include "base/missing_folder.hpp"
#include "base/nearest.hpp"
#include "base/redact.hpp"
#include "base/units.hpp"

namespace campipe::capture {

namespace {

constexpr std::array<std::string_view, 13> kSchemes{"rtsp",  "rtsps", "rtmp", "rtmps", "rtmpt", "rtmpe", "http",
                                                    "https", "udp",   "rtp",  "srt",   "tcp",   "mpegts"};
constexpr std::size_t kMostUrl = 4096;

SourceName parse_url(std::string_view text, std::size_t colon) {
  std::string scheme(text.substr(0, colon));
  std::ranges::transform(scheme, scheme.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const std::string_view rest = text.substr(colon + 3);
  if (scheme == "file") return {SourceKind::file, std::string(rest)};
  if (std::ranges::find(kSchemes, scheme) == kSchemes.end()) {
    throw Error(ExitCode::unavailable, redact_url(text) + ": no source has the scheme " + scheme +
                                           ": take rtsp, rtmp, http, https, udp, rtp, srt or tcp");
  }
  const bool bad = std::ranges::any_of(text, [](unsigned char c) { return std::iscntrl(c) != 0 || c == ' '; });
  if (rest.empty() || rest.front() == '/' || bad || text.size() > kMostUrl) {
    throw Error(ExitCode::no_input, redact_url(text) + ": not a URL: write it like rtsp://user:password@host:554/path");
  }
  return {SourceKind::network, scheme + std::string(text.substr(colon))};
}

}  // namespace

SourceName parse_source(std::string_view text) {
  if (text == "pattern") return {SourceKind::pattern, {}};
  if (text == "auto" || text.empty()) return {SourceKind::device, {}};
  if (const std::size_t colon = text.find("://");
      colon != std::string_view::npos && colon > 0 && text.front() != '/' && text.front() != '.') {
    return parse_url(text, colon);
  }
  if (parse_integer(text, 0, 1 << 20)) return {SourceKind::device, "/dev/video" + std::string(text)};
  std::string path(text);
  struct stat status{};
  const bool is_device = path.starts_with("/dev/video") || path.starts_with("/dev/v4l/") ||
                         (::stat(path.c_str(), &status) == 0 && S_ISCHR(status.st_mode));
  return {is_device ? SourceKind::device : SourceKind::file, std::move(path)};
}

std::string no_such_source(std::string_view path) {
  static const std::vector<std::string> kWords{"pattern", "auto"};
  const std::string what = std::string(path) + ": no such file or device";
  if (path == "help" || path == "version") return what + ": see camgrab --" + std::string(path);
  if (std::string meant = did_you_mean(path, kWords); !meant.empty()) return what + meant;
  return what + ": see camgrab --list";
}

std::string read_url_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    const int error = errno;
    throw_errno(error, path + (error == ENOENT ? missing_folder(path) : ""));
  }
  std::string line;
  std::getline(file, line);
  while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back())) != 0) line.pop_back();
  if (line.empty() || line.size() > kMostUrl) throw Error(ExitCode::bad_data, path + ": its first line is no URL");
  return line;
}

}  // namespace campipe::capture
