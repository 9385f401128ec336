#pragma once
#include <functional>
#include <string>

#include "base/fd.hpp"
#include "watch/flow/report.hpp"

namespace campipe::watch::flow {

/// Where one stage's sd_notify messages arrive: a datagram socket with a random abstract name, which only that stage is
/// told. Messages of other users are thrown away (SCM_CREDENTIALS).
class NotifySocket {
public:
  NotifySocket();

  int fd() const noexcept { return socket_.get(); }
  const std::string& address() const noexcept { return address_; }  ///< for NOTIFY_SOCKET: "@campipe-…"

  /// All messages that wait.
  void receive(const std::function<void(const Report&)>& act);

private:
  Fd socket_;
  std::string address_;
};

}  // namespace campipe::watch::flow
