#include "net/address.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/units.hpp"

namespace campipe::net {

namespace {

const sockaddr_in& as_ipv4(const sockaddr_storage& storage) {
  return reinterpret_cast<const sockaddr_in&>(storage);
}
const sockaddr_in6& as_ipv6(const sockaddr_storage& storage) {
  return reinterpret_cast<const sockaddr_in6&>(storage);
}

bool is_ipv4(const sockaddr_storage& storage) {
  return storage.ss_family == AF_INET;
}
bool is_mapped(const sockaddr_storage& storage) {
  return IN6_IS_ADDR_V4MAPPED(&as_ipv6(storage).sin6_addr);
}

[[noreturn]] void refuse(std::string_view option, std::string_view text) {
  throw Error(ExitCode::usage,
              fmt::format("{}: cannot use '{}': write it like 127.0.0.1:8080, [::1]:8080 or :8080 (all addresses)",
                          option, text));
}

/// "unix:PATH", "unix:@NAME" of one without a file, "unix" of one without a name.
std::string unix_name(const Address& address) {
  constexpr std::size_t kPath = offsetof(sockaddr_un, sun_path);
  if (address.length <= kPath) return "unix";
  std::string name(reinterpret_cast<const char*>(address.get()) + kPath, address.length - kPath);
  if (name.front() == '\0') {
    name.front() = '@';
  } else {
    name.resize(std::min(name.find('\0'), name.size()));
  }
  return "unix:" + name;
}

Address unix_address(std::string_view path, std::string_view option) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof to.sun_path) {
    throw Error(ExitCode::usage,
                fmt::format("{} unix:{}: a path has 1 to {} bytes", option, path, sizeof to.sun_path - 1));
  }
  path.copy(to.sun_path, path.size());
  Address address;
  address.length = sizeof to;
  std::memcpy(&address.storage, &to, sizeof to);
  return address;
}

/// Whether the kernel has IPv6 at all (ipv6.disable=1 takes it away).
bool have_ipv6() {
  return static_cast<bool>(Fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)));
}

}  // namespace

bool Address::is_loopback() const noexcept {
  if (is_unix()) return true;
  if (is_ipv4(storage)) return (ntohl(as_ipv4(storage).sin_addr.s_addr) >> 24) == 127;
  return is_ipv6() && IN6_IS_ADDR_LOOPBACK(&as_ipv6(storage).sin6_addr);
}

bool Address::is_any() const noexcept {
  if (is_ipv4(storage)) return as_ipv4(storage).sin_addr.s_addr == htonl(INADDR_ANY);
  return is_ipv6() && IN6_IS_ADDR_UNSPECIFIED(&as_ipv6(storage).sin6_addr);
}

bool Address::takes_in(const Address& host) const {
  if (is_unix() || host.is_unix()) return false;
  if (is_any()) return is_ipv6() || is_ipv4(host.storage) || (host.is_ipv6() && is_mapped(host.storage));
  const auto scope = [](const Address& a) { return a.is_ipv6() ? as_ipv6(a.storage).sin6_scope_id : 0; };
  return this->host() == host.host() && scope(*this) == scope(host);
}

int Address::port() const noexcept {
  if (is_ipv4(storage)) return ntohs(as_ipv4(storage).sin_port);
  return is_ipv6() ? ntohs(as_ipv6(storage).sin6_port) : 0;
}

void Address::set_port(int port) noexcept {
  const in_port_t value = htons(static_cast<std::uint16_t>(port));
  if (is_ipv4(storage)) reinterpret_cast<sockaddr_in&>(storage).sin_port = value;
  if (is_ipv6()) reinterpret_cast<sockaddr_in6&>(storage).sin6_port = value;
}

std::string Address::host() const {
  if (is_unix()) return "unix";
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_ipv4(storage)) {
    ::inet_ntop(AF_INET, &as_ipv4(storage).sin_addr, text.data(), text.size());
  } else if (is_ipv6() && is_mapped(storage)) {
    ::inet_ntop(AF_INET, &as_ipv6(storage).sin6_addr.s6_addr[12], text.data(), text.size());
  } else if (is_ipv6()) {
    ::inet_ntop(AF_INET6, &as_ipv6(storage).sin6_addr, text.data(), text.size());
  }
  return text.data();
}

std::string Address::to_string() const {
  if (is_unix()) return unix_name(*this);
  const std::string name = host();
  if (name.find(':') == std::string::npos) return fmt::format("{}:{}", name, port());
  return fmt::format("[{}]:{}", name, port());
}

std::string Address::host_key() const {
  return fmt::format("{} {} {}", storage.ss_family, host(), is_ipv6() ? as_ipv6(storage).sin6_scope_id : 0);
}

std::string Address::peer_key() const {
  return fmt::format("{} {}", to_string(), is_ipv6() ? as_ipv6(storage).sin6_scope_id : 0);
}

Address resolve_listen_address(std::string_view text, std::string_view option) {
  constexpr std::string_view kUnix = "unix:";
  if (text.starts_with(kUnix)) return unix_address(text.substr(kUnix.size()), option);
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) refuse(option, text);
  constexpr std::int64_t kMostDigits = 999'999'999'999;
  const auto port = parse_integer(text.substr(colon + 1), 0, kMostDigits);
  if (port && *port > 65535)
    throw Error(ExitCode::usage, fmt::format("{} {}: there is no port {}: the largest is 65535", option, text, *port));
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!port || (!bracketed && host.find(':') != std::string_view::npos) ||
      host.find_first_of("[]/ ") != std::string_view::npos) {
    refuse(option, text);
  }
  const std::string name = !host.empty() ? std::string(host) : have_ipv6() ? "::" : "0.0.0.0";
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = bracketed || host.empty() ? AI_NUMERICHOST : 0;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(name.c_str(), nullptr, &hints, &found);
  if (failed != 0) {
    if (bracketed) refuse(option, text);
    throw Error(ExitCode::unavailable, fmt::format("{}: host '{}': {}", option, name, ::gai_strerror(failed)));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(found, &::freeaddrinfo);
  Address address;
  address.length = list->ai_addrlen;
  std::memcpy(&address.storage, list->ai_addr, list->ai_addrlen);
  address.set_port(static_cast<int>(*port));
  return address;
}

Address local_address(int fd) {
  Address address;
  address.length = sizeof address.storage;
  if (::getsockname(fd, address.get(), &address.length) != 0) return {};
  return address;
}

}  // namespace campipe::net
