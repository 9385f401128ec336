#include "net/url.hpp"

#include <algorithm>
#include <utility>

#include "base/hex.hpp"
#include "base/utf8.hpp"

namespace campipe::net {

namespace {

/// What a decoded text may not have; empty when it is fine.
std::string_view trouble_in(std::string_view decoded) {
  if (!is_utf8(decoded)) return "it is no UTF-8";
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  return std::ranges::any_of(decoded, is_control) ? "it has control characters" : "";
}

constexpr std::string_view kBrokenEscape = "'%' without two hexadecimal digits";

/// Decodes a part of a target whose encoded slashes are no separators.
Expected<std::string, std::string_view> decode(std::string_view text, bool plus_is_space) {
  auto decoded = percent_decode(text, plus_is_space);
  if (!decoded) return Unexpected(kBrokenEscape);
  if (const std::string_view trouble = trouble_in(*decoded); !trouble.empty()) return Unexpected(trouble);
  return std::move(*decoded);
}

/// The reason why it is none; empty when `target` has it.
std::string_view parse_query(std::string_view text, Target& target) {
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, std::min(text.find('&'), text.size()));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto key = decode(pair.substr(0, equals), true);
    const auto value = decode(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!key || !value) return !key ? key.error() : value.error();
    target.query[*key] = *value;
  }
  return {};
}

/// Takes "scheme://authority" off the front of an absolute URL.
std::string_view take_authority(std::string_view& text) {
  const std::size_t scheme = text.find("://");
  if (text.starts_with('/') || scheme == std::string_view::npos || scheme > text.find_first_of("/?#")) return {};
  text.remove_prefix(scheme + 3);
  const std::string_view authority = text.substr(0, std::min(text.find_first_of("/?#"), text.size()));
  text.remove_prefix(authority.size());
  return authority;
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

Expected<std::string, std::string_view> normal_path(std::string_view path) {
  if (!path.empty() && !path.starts_with('/')) return Unexpected(std::string_view("it is no path"));
  std::string normal;
  while (!path.empty()) {
    path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
    const std::string_view part = path.substr(0, path.find('/'));
    path.remove_prefix(part.size());
    if (part.empty()) continue;
    const auto segment = decode(part, false);
    if (!segment) return Unexpected(segment.error());
    if (*segment == "." || *segment == "..") return Unexpected(std::string_view("'.' and '..' are not followed"));
    if (segment->find_first_of("/\\") != std::string::npos)
      return Unexpected(std::string_view("it has an encoded slash or a backslash"));
    normal += '/' + *segment;
  }
  return normal.empty() ? "/" : normal;
}

Expected<Target, std::string_view> parse_target(std::string_view text) {
  Target target;
  const std::size_t before = text.size();
  target.authority = take_authority(text);
  const bool absolute = text.size() != before;
  text = text.substr(0, text.find('#'));
  const std::size_t question = std::min(text.find('?'), text.size());
  if (question == 0 && !absolute) return Unexpected(std::string_view("it is no path"));
  auto path = normal_path(text.substr(0, question));
  if (!path) return Unexpected(path.error());
  target.path = std::move(*path);
  std::string_view query = text.substr(std::min(question + 1, text.size()));
  query = query.substr(0, query.find('?'));
  if (const std::string_view why = parse_query(query, target); !why.empty()) return Unexpected(why);
  return target;
}

}  // namespace campipe::net
