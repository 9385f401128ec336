#include "serve/rtsp/url.hpp"

#include "base/units.hpp"
#include "wire/endpoint.hpp"

namespace campipe::serve::rtsp {

namespace {

constexpr std::string_view kTrack = "trackID=";
constexpr std::int64_t kMaxTrack = 99;

std::string_view without_slash(std::string_view text) {
  if (text.ends_with('/')) text.remove_suffix(1);
  return text;
}

/// Takes "trackID=N" off the end of `text`, where it stands alone or behind a slash. False when it is no number.
bool take_track(std::string_view& text, std::optional<std::size_t>& track) {
  const std::size_t slash = text.rfind('/');
  const std::string_view last = slash == std::string_view::npos ? text : text.substr(slash + 1);
  if (!last.starts_with(kTrack)) return true;
  const auto number = parse_integer(last.substr(kTrack.size()), 0, kMaxTrack);
  if (!number || track) return false;
  track = static_cast<std::size_t>(*number);
  text = slash == std::string_view::npos ? std::string_view{} : text.substr(0, slash);
  return true;
}

bool take_codec(std::string_view query, std::optional<media::VideoCodec>& codec) {
  while (!query.empty()) {
    const std::string_view parameter = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(parameter.size() + 1, query.size()));
    if (!parameter.starts_with("codec=")) continue;
    const std::string_view value = parameter.substr(6);
    codec.reset();
    for (const auto known : {media::VideoCodec::mjpeg, media::VideoCodec::h264, media::VideoCodec::h265}) {
      if (value == media::name(known)) codec = known;
    }
    if (!codec) return false;
  }
  return true;
}

std::string_view path_and_query(std::string_view target) {
  const std::size_t scheme = target.find("://");
  if (scheme == std::string_view::npos) return target;
  target.remove_prefix(scheme + 3);
  return target.substr(std::min(target.find_first_of("/?"), target.size()));
}

}  // namespace

std::optional<Target> parse_target(std::string_view target) {
  const std::string_view whole = path_and_query(target);
  const std::size_t mark = whole.find('?');
  std::string_view path = without_slash(whole.substr(0, mark));
  std::string_view query = mark == std::string_view::npos ? std::string_view{} : without_slash(whole.substr(mark + 1));
  Target found;
  if (!take_track(query, found.track) || !take_track(path, found.track)) return std::nullopt;
  query = without_slash(query);
  path = without_slash(path);
  if (!take_codec(query, found.codec)) return std::nullopt;
  if (!path.starts_with('/')) return std::nullopt;
  path.remove_prefix(1);
  const std::size_t slash = path.find('/');
  found.name = path.substr(0, slash);
  if (slash != std::string_view::npos) found.rendition = path.substr(slash + 1);
  if (!wire::is_stream_name(found.name)) return std::nullopt;
  if (slash != std::string_view::npos && !wire::is_stream_name(found.rendition)) return std::nullopt;
  return found;
}

std::string content_base(std::string_view target, std::string_view host_port) {
  std::string base;
  if (target.find("://") == std::string_view::npos) {
    base = "rtsp://" + std::string(host_port);
    if (!target.starts_with('/')) base += '/';
  }
  const std::size_t mark = target.find('?');
  base += std::string(without_slash(target.substr(0, mark))) + "/";
  if (mark != std::string_view::npos) base += std::string(without_slash(target.substr(mark))) + "/";
  return base;
}

}  // namespace campipe::serve::rtsp
