#pragma once
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/fd.hpp"

namespace campipe {

/// Listens on a free port of 127.0.0.1. Each peer is sent the bytes, after its request where it is to send one (up to
/// an empty line), and then kept waiting, or closed.
class TcpSender {
public:
  enum class Then { wait, close };

  TcpSender(std::vector<std::byte> bytes, Then then, bool after_request = false)
      : bytes_(std::move(bytes)),
        then_(then),
        after_request_(after_request),
        listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_.get(), generic, size), 0);
    EXPECT_EQ(::listen(listener_.get(), 8), 0);
    EXPECT_EQ(::getsockname(listener_.get(), generic, &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~TcpSender() {
    stop_.write_end.reset();
    thread_.join();
  }
  TcpSender(const TcpSender&) = delete;
  TcpSender& operator=(const TcpSender&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

private:
  void serve() {
    std::vector<Fd> kept;
    while (wait_readable(listener_.get(), stop_.read_end.get(), -1) == Readable::ready) {
      Fd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (after_request_) read_request(peer.get());
      ::send(peer.get(), bytes_.data(), bytes_.size(), MSG_NOSIGNAL);
      if (then_ == Then::wait) kept.push_back(std::move(peer));
    }
  }

  void read_request(int peer) const {
    std::string request;
    char byte = 0;
    while (!request.ends_with("\r\n\r\n") && wait_readable(peer, stop_.read_end.get(), -1) == Readable::ready &&
           ::recv(peer, &byte, 1, 0) == 1) {
      request += byte;
    }
  }

  std::vector<std::byte> bytes_;
  Then then_;
  bool after_request_;
  Fd listener_;
  Pipe stop_ = make_pipe();
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace campipe
