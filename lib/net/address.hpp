#pragma once
#include <string>
#include <string_view>

#include <sys/socket.h>

namespace campipe::net {

/// An IPv4 or IPv6 address with a port, or that of a unix socket.
struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
  bool is_ipv6() const noexcept { return storage.ss_family == AF_INET6; }
  bool is_unix() const noexcept { return storage.ss_family == AF_UNIX; }
  bool is_loopback() const noexcept;  ///< reached from this machine only
  bool is_any() const noexcept;       ///< 0.0.0.0 or ::
  /// Whether a socket that listens here is reached by way of `host`, ports aside: as :: it takes IPv4, too.
  bool takes_in(const Address& host) const;
  int port() const noexcept;
  void set_port(int port) noexcept;
  /// "192.0.2.7", "2001:db8::7"; an IPv4 address that came in over IPv6 (::ffff:192.0.2.7) as IPv4; "unix".
  std::string host() const;
  /// "192.0.2.7:80", "[2001:db8::7]:80", "unix:/run/camserve.sock"; "unix" for a peer, which has no path.
  std::string to_string() const;
  /// What tells hosts apart where the kernel does: family, address and the interface of a link-local one. 192.0.2.7 is
  /// another than ::ffff:192.0.2.7, whose sockets are of IPv6.
  std::string host_key() const;
  /// host() with the interface of a link-local address, and the port: the same for a peer that is seen as IPv4 and by
  /// way of IPv6.
  std::string peer_key() const;
};

/// ADDR:PORT of the command line: "127.0.0.1:8080", "[::1]:8080", "localhost:8080", ":8080" = all addresses of both
/// families; or unix:PATH. Port 0 = any free one. Throws Error: usage when it is not of that form, unavailable when the
/// host has no address. Asks the resolver, so it may take its time.
/// @param option  "--http", for messages.
Address resolve_listen_address(std::string_view text, std::string_view option);

Address local_address(int fd);  ///< getsockname(2); empty on failure

}  // namespace campipe::net
