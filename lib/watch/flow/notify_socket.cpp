#include "watch/flow/notify_socket.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>

#include "base/error.hpp"
#include "base/random.hpp"

namespace campipe::watch::flow {

namespace {

bool from_our_user(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_CREDENTIALS) continue;
    ucred sender{};
    std::memcpy(&sender, CMSG_DATA(part), sizeof sender);
    return sender.uid == ::geteuid() || sender.uid == 0;
  }
  return false;
}

}  // namespace

NotifySocket::NotifySocket()
    : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)), address_("@campipe-" + random_hex(16)) {
  if (!socket_) throw_errno(errno, "cannot make a notify socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, address_.data() + 1, address_.size() - 1);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  const int on = 1;
  if (::setsockopt(socket_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0 ||
      ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) {
    throw_errno(errno, "cannot make a notify socket");
  }
}

void NotifySocket::receive(const std::function<void(const Report&)>& act) {
  constexpr int kAtOnce = 64;  // one that floods us must not keep us from the others
  for (int i = 0; i < kAtOnce; ++i) {
    std::array<char, 4096> text{};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred)) + 64> control{};
    iovec part{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t got = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return;
    // Descriptors that somebody sends along (systemd's FDSTORE) would otherwise pile up here.
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
      if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
      for (std::size_t n = 0; n + sizeof(int) <= c->cmsg_len - CMSG_LEN(0); n += sizeof(int)) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(c) + n, sizeof fd);
        const Fd closed(fd);
      }
    }
    if (from_our_user(message)) act(parse_report({text.data(), static_cast<std::size_t>(got)}));
  }
}

}  // namespace campipe::watch::flow
