#include "serve/rtsp/url.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/units.hpp"
#include "net/url.hpp"
#include "wire/endpoint.hpp"

namespace campipe::serve::rtsp {

namespace {

constexpr std::string_view kTrack = "trackID=";
constexpr std::int64_t kMaxTrack = 99;

std::string_view without_slashes(std::string_view text) {
  while (text.ends_with('/')) text.remove_suffix(1);
  return text;
}

/// Takes the last of the parts between slashes off `text`, which has none at its end.
std::string_view take_last(std::string_view& text) {
  const std::size_t slash = text.rfind('/');
  const std::string_view last = slash == std::string_view::npos ? text : text.substr(slash + 1);
  text = slash == std::string_view::npos ? std::string_view{} : text.substr(0, slash);
  return last;
}

/// Reads "trackID=N" into `track`. False when it is another one, or no number.
bool read_track(std::string_view part, std::optional<std::size_t>& track) {
  const auto number = parse_integer(part.substr(kTrack.size()), 0, kMaxTrack);
  if (!number || track) return false;
  track = static_cast<std::size_t>(*number);
  return true;
}

/// Takes the track that players put behind a query off it, and the slashes around it.
bool take_track_of_query(std::string_view& query, std::optional<std::size_t>& track) {
  query = without_slashes(query);
  std::string_view rest = query;
  const auto last = net::percent_decode(take_last(rest), false);
  if (!last || !last->starts_with(kTrack)) return true;  // what is broken is seen by who reads the rest
  query = without_slashes(rest);
  return read_track(*last, track);
}

bool take_codec(const net::Target& url, std::optional<media::VideoCodec>& codec) {
  if (!url.query.contains("codec")) return true;
  const std::string_view value = url.get("codec");
  for (const auto known : {media::VideoCodec::mjpeg, media::VideoCodec::h264, media::VideoCodec::h265}) {
    if (value == media::name(known)) codec = known;
  }
  return codec.has_value();
}

/// "/NAME[/RENDITION][/trackID=N]", in its normal form.
bool take_path(std::string_view path, Target& found) {
  std::string_view rest = path;
  if (const std::string_view last = take_last(rest); last.starts_with(kTrack)) {
    if (!read_track(last, found.track)) return false;
    path = rest;
  }
  if (path.empty()) return false;
  path.remove_prefix(1);
  const std::size_t slash = path.find('/');
  found.name = path.substr(0, slash);
  if (slash != std::string_view::npos) found.rendition = path.substr(slash + 1);
  return wire::is_stream_name(found.name) && (slash == std::string_view::npos || wire::is_stream_name(found.rendition));
}

}  // namespace

Expected<Target, TargetError> parse_target(std::string_view target) {
  if (target == "*") return Unexpected(TargetError::unknown);
  const std::size_t mark = std::min(target.find('?'), target.size());
  std::string_view query = target.substr(std::min(mark + 1, target.size()));
  query = query.substr(0, query.find('#'));
  Target found;
  const bool track_is_right = take_track_of_query(query, found.track);
  const auto url = net::parse_target(fmt::format("{}?{}", target.substr(0, mark), query));
  if (!url) return Unexpected(TargetError::malformed);
  if (!track_is_right || !take_codec(*url, found.codec) || !take_path(url->path, found))
    return Unexpected(TargetError::unknown);
  return found;
}

std::string content_base(std::string_view target, std::string_view host_port) {
  std::string base;
  if (target.find("://") == std::string_view::npos) {
    base = "rtsp://" + std::string(host_port);
    if (!target.starts_with('/')) base += '/';
  }
  const std::size_t mark = target.find('?');
  base += std::string(without_slashes(target.substr(0, mark))) + "/";
  if (mark != std::string_view::npos) base += std::string(without_slashes(target.substr(mark))) + "/";
  return base;
}

}  // namespace campipe::serve::rtsp
