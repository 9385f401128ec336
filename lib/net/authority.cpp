#include "net/authority.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/units.hpp"

namespace campipe::net {

namespace {

constexpr std::size_t kMaxName = 255;

bool is_name(std::string_view text) {
  const auto fits = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
  };
  return !text.empty() && !text.starts_with('.') && text.find("..") == std::string_view::npos &&
         std::ranges::all_of(text, fits);
}

bool is_ipv6(const std::string& text) {
  in6_addr address{};
  return ::inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

/// "" or ":80".
bool is_port(std::string_view text) {
  return text.empty() || text == ":" || (text.front() == ':' && parse_integer(text.substr(1), 0, 65535));
}

/// An IPv6 address without its zone: "fe80::1" of "fe80::1%eth0" and "fe80::1%25eth0" (RFC 6874).
std::optional<std::string> ipv6(std::string_view text) {
  std::string address(text.substr(0, text.find('%')));
  return is_ipv6(address) ? std::optional(std::move(address)) : std::nullopt;
}

}  // namespace

bool is_literal_address(const std::string& host) noexcept {
  in_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 || is_ipv6(host);
}

std::optional<std::string> host_of_authority(std::string_view authority) {
  authority.remove_prefix(authority.rfind('@') + 1);  // npos + 1 is 0
  if (authority.size() > kMaxName + sizeof ":65535") return std::nullopt;
  std::string lower(authority);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::string_view rest = lower;
  if (rest.starts_with('[')) {
    const std::size_t end = rest.find(']');
    if (end == std::string_view::npos || !is_port(rest.substr(end + 1))) return std::nullopt;
    return ipv6(rest.substr(1, end - 1));
  }
  const std::size_t colon = std::min(rest.find(':'), rest.size());
  if (rest.find(':', colon + 1) != std::string_view::npos) return ipv6(rest);  // some leave the brackets out
  if (!is_port(rest.substr(colon))) return std::nullopt;
  rest = rest.substr(0, colon);
  if (rest.ends_with('.')) rest.remove_suffix(1);
  return is_name(rest) && rest.size() <= kMaxName ? std::optional(std::string(rest)) : std::nullopt;
}

}  // namespace campipe::net
