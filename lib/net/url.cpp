#include "net/url.hpp"

#include <algorithm>

namespace campipe::net {

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

bool parse_query(std::string_view text, Target& target) {
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, std::min(text.find('&'), text.size()));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto key = percent_decode(pair.substr(0, equals), true);
    const auto value = percent_decode(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!key || !value || has_control(*key) || has_control(*value)) return false;
    target.query[*key] = *value;
  }
  return true;
}

}  // namespace

std::string_view Target::get(std::string_view key) const {
  const auto found = query.find(key);
  return found == query.end() ? std::string_view{} : std::string_view(found->second);
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

std::optional<Target> parse_target(std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (!text.starts_with('/') && scheme != std::string_view::npos && scheme < text.find_first_of("/?#")) {
    text.remove_prefix(scheme + 3);
    text.remove_prefix(std::min(text.find_first_of("/?#"), text.size()));
  }
  text = text.substr(0, text.find('#'));
  const std::size_t question = std::min(text.find('?'), text.size());
  Target target;
  const auto path = percent_decode(text.substr(0, question), false);
  if (!path || has_control(*path)) return std::nullopt;
  target.path = path->empty() ? "/" : *path;
  if (!target.path.starts_with('/')) return std::nullopt;
  if (!parse_query(text.substr(std::min(question + 1, text.size())), target)) return std::nullopt;
  return target;
}

}  // namespace campipe::net
