#include "base/redact.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/hex.hpp"

namespace campipe {

namespace {

bool names_secret(std::string_view key) {
  static constexpr std::array<std::string_view, 8> kSecret{"password", "passwd", "pwd",    "pass",
                                                           "token",    "key",    "secret", "auth"};
  std::string lower(key);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::any_of(kSecret, [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

/// "t%6fken" to "token"; what is no escape stays.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape =
        text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0;
    out += escape ? static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])) : text[i];
    if (escape) i += 2;
  }
  return out;
}

/// A path and its query, of which the values of secrets are hidden. Some programs put a second '?' into it, or ';'.
std::string redact_query(std::string_view text) {
  std::size_t at = text.find('?');
  if (at == std::string_view::npos) return std::string(text);
  std::string out(text.substr(0, ++at));
  while (at <= text.size()) {
    const std::size_t end = std::min(text.find_first_of("?&;", at), text.size());
    const std::string_view pair = text.substr(at, end - at);
    const std::size_t equals = pair.find('=');
    const bool secret = equals != std::string_view::npos && names_secret(decoded(pair.substr(0, equals)));
    out.append(secret ? pair.substr(0, equals + 1) : pair).append(secret ? "***" : "");
    if (end < text.size()) out += text[end];
    at = end + 1;
  }
  return out;
}

bool ends_url(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '"' || c == '\'' || c == '<' || c == '>';
}

/// One URL after its "://": user info, then the query.
std::string redact_rest(std::string_view rest) {
  std::string out;
  const std::size_t path = std::min(rest.find_first_of("/?#"), rest.size());
  // The last @ before the path: a password may hold an @ that nobody escaped. One with a slash hides the host from
  // this test, so look in the whole text when the authority has a colon that is not a port.
  std::size_t at = rest.substr(0, path).rfind('@');
  if (at == std::string_view::npos) {
    const std::size_t colon = rest.substr(0, path).find(':');
    const bool port =
        colon != std::string_view::npos && std::all_of(rest.begin() + static_cast<std::ptrdiff_t>(colon) + 1,
                                                       rest.begin() + static_cast<std::ptrdiff_t>(path),
                                                       [](unsigned char c) { return std::isdigit(c) != 0; });
    if (colon != std::string_view::npos && !port) at = rest.rfind('@');
  }
  std::size_t from = 0;
  if (at != std::string_view::npos) {
    const std::size_t colon = rest.substr(0, at).find(':');
    if (colon != std::string_view::npos) {
      out.append(rest.substr(0, colon + 1)).append("***");
      from = at;
    }
  }
  return out.append(redact_query(rest.substr(from)));
}

}  // namespace

std::string redact_url(std::string_view text) {
  std::string out;
  for (;;) {
    const std::size_t scheme = text.find("://");
    if (scheme == std::string_view::npos) return out.append(text);
    const std::string_view rest = text.substr(scheme + 3);
    const auto stop = std::ranges::find_if(rest, ends_url);
    const auto length = static_cast<std::size_t>(stop - rest.begin());
    out.append(text.substr(0, scheme + 3)).append(redact_rest(rest.substr(0, length)));
    text = rest.substr(length);
  }
}

std::string redact_request(std::string_view text) {
  const std::size_t space = std::min(text.rfind(' '), text.size());
  const std::string_view last = text.substr(std::min(space + 1, text.size()));
  const bool is_protocol = last.starts_with("HTTP/") || last.starts_with("RTSP/");
  const std::string_view protocol = is_protocol ? text.substr(space) : std::string_view{};
  text.remove_suffix(protocol.size());
  const std::size_t scheme = text.substr(0, text.find('?')).find("://");
  std::string target(text);  // all of it is one URL, whatever is in it
  if (scheme != std::string_view::npos)
    target = std::string(text.substr(0, scheme + 3)) + redact_rest(text.substr(scheme + 3));
  return redact_query(redact_url(target)).append(protocol);  // and others may stand in its query
}

}  // namespace campipe
