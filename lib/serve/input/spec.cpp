#include "serve/input/spec.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "ring/kernel/names.hpp"

namespace campipe::serve::input {

namespace {

std::string checked_name(std::string_view name, std::string_view text) {
  if (wire::is_stream_name(name)) return std::string(name);
  throw Error(ExitCode::usage,
              fmt::format("input '{}': name '{}': 1 to 64 letters, digits, _ or -, as in front=fd:3 or front/hd=fd:3",
                          text, name));
}

/// The pattern of "shm:PATTERN"; empty when it is none.
std::string_view pattern_in(std::string_view endpoint) {
  constexpr std::string_view kScheme = "shm:";
  if (!endpoint.starts_with(kScheme)) return {};
  const std::string_view name = endpoint.substr(kScheme.size());
  return ring::kernel::is_pattern(name) ? name : std::string_view();
}

}  // namespace

std::string stream_name_of(std::string_view ring) {
  return std::string(ring.substr(0, ring.find('.')));
}

Spec parse_spec(std::string_view text) {
  Spec spec;
  const std::size_t equals = text.find('=');
  const bool has_name =
      equals != std::string_view::npos && !text.starts_with('/') && !text.starts_with('.') && text.find("://") > equals;
  if (const std::string_view pattern = pattern_in(has_name ? text.substr(equals + 1) : text); !pattern.empty()) {
    if (has_name) {
      throw Error(ExitCode::usage,
                  fmt::format("input '{}': a pattern stands for many rings, which are streams by their "
                              "own names: leave out '{}'",
                              text, text.substr(0, equals + 1)));
    }
    spec.name.clear();
    spec.is_pattern = true;
    spec.endpoint.kind = wire::Endpoint::Kind::ring;
    spec.endpoint.text = text;
    spec.endpoint.name = pattern;
    return spec;
  }
  if (!has_name) {
    spec.endpoint = wire::parse_endpoint(text);
    if (spec.endpoint.kind == wire::Endpoint::Kind::ring) spec.name = stream_name_of(spec.endpoint.name);
    return spec;
  }
  const std::string_view path = text.substr(0, equals);
  const std::size_t slash = path.find('/');
  spec.name = checked_name(path.substr(0, slash), text);
  if (slash != std::string_view::npos) spec.rendition = checked_name(path.substr(slash + 1), text);
  spec.endpoint = wire::parse_endpoint(text.substr(equals + 1));
  return spec;
}

}  // namespace campipe::serve::input
