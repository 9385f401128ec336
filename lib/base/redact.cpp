#include "base/redact.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace campipe {

namespace {

bool names_secret(std::string_view key) {
  static constexpr std::array<std::string_view, 8> kSecret{"password", "passwd", "pwd",    "pass",
                                                           "token",    "key",    "secret", "auth"};
  std::string lower(key);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::any_of(kSecret, [&](std::string_view word) { return lower.find(word) != std::string::npos; });
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
  const std::string_view tail = rest.substr(from);
  std::size_t query = tail.find('?');
  if (query == std::string_view::npos) return out.append(tail);
  out.append(tail.substr(0, ++query));
  while (query <= tail.size()) {
    const std::size_t end = std::min(tail.find('&', query), tail.size());
    const std::string_view pair = tail.substr(query, end - query);
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && names_secret(pair.substr(0, equals))) {
      out.append(pair.substr(0, equals + 1)).append("***");
    } else {
      out.append(pair);
    }
    if (end < tail.size()) out += '&';
    query = end + 1;
  }
  return out;
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

}  // namespace campipe
