#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "base/fd.hpp"
#include "net/address.hpp"
#include "net/loop.hpp"

namespace campipe::net {

/// A listening TCP socket on `address` (both families when it is ::), close-on-exec, SO_REUSEADDR. Throws Error with
/// the remedy: in use 75, no permission 77, no such address here 69.
/// @param option  "--http", for messages.
Fd listen_tcp(const Address& address, std::string_view option);

/// Accepts connections. When descriptors run out it waits 200 ms and tries again, and says so once a minute. A peer
/// that vanished without a word fails its connection after 30 s (keep-alive, TCP_USER_TIMEOUT), also when nothing is
/// sent.
class Listener {
public:
  using OnConnection = std::function<void(Fd fd, Address peer)>;
  Listener(Loop& loop, Fd fd, OnConnection on_connection);

  Address address() const { return local_address(fd_.get()); }

private:
  void accept_some();
  void tell(int error);

  Loop& loop_;
  Fd fd_;
  OnConnection on_connection_;
  Timer retry_;
  Watch watch_;
  std::optional<std::int64_t> told_ms_;
};

}  // namespace campipe::net
