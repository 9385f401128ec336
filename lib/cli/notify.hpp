#pragma once
#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace campipe::cli {

/// sd_notify(3)'s protocol to $NOTIFY_SOCKET, spoken by ourselves: a datagram of NAME=VALUE lines. Without the variable
/// every call does nothing. Never blocks: a full socket loses the message.
class Notifier {
public:
  Notifier();
  bool enabled() const noexcept { return static_cast<bool>(socket_); }
  void send(std::string_view lines) const noexcept;

private:
  Fd socket_;
};

}  // namespace campipe::cli
