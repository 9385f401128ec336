#include "serve/input_spec.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace campipe::serve {

namespace {

std::string checked_name(std::string_view name, std::string_view text) {
  if (wire::is_stream_name(name)) return std::string(name);
  throw Error(ExitCode::usage,
              fmt::format("input '{}': name '{}': 1 to 64 letters, digits, _ or -, as in front=fd:3 or front/hd=fd:3",
                          text, name));
}

}  // namespace

InputSpec parse_input_spec(std::string_view text) {
  InputSpec spec;
  const std::size_t equals = text.find('=');
  const bool has_name =
      equals != std::string_view::npos && !text.starts_with('/') && !text.starts_with('.') && text.find("://") > equals;
  if (!has_name) {
    spec.endpoint = wire::parse_endpoint(text);
    if (spec.endpoint.kind == wire::Endpoint::Kind::ring)
      spec.name = spec.endpoint.name.substr(0, spec.endpoint.name.find('.'));
    return spec;
  }
  const std::string_view path = text.substr(0, equals);
  const std::size_t slash = path.find('/');
  spec.name = checked_name(path.substr(0, slash), text);
  if (slash != std::string_view::npos) spec.rendition = checked_name(path.substr(slash + 1), text);
  spec.endpoint = wire::parse_endpoint(text.substr(equals + 1));
  return spec;
}

}  // namespace campipe::serve
