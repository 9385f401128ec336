#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace campipe::net {

/// The host of "[user@]host[:port]" (RFC 3986, 3.2), a Host header's value or a URL's authority: in lower case, without
/// port, user info, brackets, IPv6 zone and the dot at the end of a whole name. Nothing when it is none: over 255
/// bytes, a port that is no number, characters that no name or address has.
std::optional<std::string> host_of_authority(std::string_view authority);

/// Whether `host` is an address, not a name: IPv4 in four decimal numbers, IPv6 without brackets.
bool is_literal_address(const std::string& host) noexcept;

}  // namespace campipe::net
