#include "serve/rtp/udp_ports.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "base/error.hpp"

namespace campipe::serve::rtp {

namespace {

constexpr int kAttempts = 64;
constexpr int kSendBufferBytes = 4 << 20;  // the kernel gives net.core.wmem_max at most
constexpr std::size_t kMaxSegments = 64;   // UDP_MAX_SEGMENTS of the kernels that have fewest
constexpr std::size_t kMaxSegmented = 65'000;
constexpr std::size_t kMaxMessages = 64;
constexpr int kMaxReads = 64;  // in one turn of the loop

/// A socket on `port` of `local` (0 = any); empty when it is taken.
Fd bind_udp(net::Address local, int port) {
  Fd fd(::socket(local.get()->sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) throw_errno(errno, "rtsp: UDP socket");
  local.set_port(port);
  if (::bind(fd.get(), local.get(), local.length) != 0) {
    if (errno != EADDRINUSE && errno != EACCES) throw_errno(errno, "rtsp: UDP port on " + local.host());
    return {};
  }
  return fd;
}

/// How many of the leading packets go as one message: with UDP_SEGMENT all have the size of the first, the last may be
/// shorter.
std::size_t run_length(std::span<const Block::Packet> packets, bool segment) {
  const std::size_t size = packets.front().bytes;
  std::size_t count = 1, bytes = size;
  while (segment && count < std::min(packets.size(), kMaxSegments)) {
    const std::size_t next = packets[count].bytes;
    bytes += next;
    if (next > size || bytes > kMaxSegmented) break;
    ++count;
    if (next < size) break;
  }
  return count;
}

using Control = std::array<char, CMSG_SPACE(sizeof(std::uint16_t))>;

void set_segment_size(msghdr& message, Control& control, std::size_t bytes) {
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_UDP;
  header->cmsg_type = UDP_SEGMENT;
  header->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
  const auto size = static_cast<std::uint16_t>(bytes);
  std::memcpy(CMSG_DATA(header), &size, sizeof size);
}

/// The messages of one sendmmsg(2). Not cleared when made: that would cost more than filling what is used.
struct Batch {
  std::array<mmsghdr, kMaxMessages> messages;
  std::array<iovec, kMaxMessages> parts;
  std::array<Control, kMaxMessages> controls;
  std::array<std::size_t, kMaxMessages> packets;
  std::size_t count = 0;
  bool segmented = false;

  /// `bytes` of `run` packets, which lie end to end.
  void add(const net::Address& to, std::span<const std::byte> bytes, std::size_t run, std::size_t segment_bytes) {
    msghdr& message = messages[count].msg_hdr;
    message = {};
    parts[count] = {const_cast<std::byte*>(bytes.data()), bytes.size()};
    message.msg_name = const_cast<sockaddr*>(to.get());
    message.msg_namelen = to.length;
    message.msg_iov = &parts[count];
    message.msg_iovlen = 1;
    if (run > 1) {
      controls[count] = {};
      set_segment_size(message, controls[count], segment_bytes);
      segmented = true;
    }
    packets[count++] = run;
  }
};

}  // namespace

UdpPorts::UdpPorts(net::Loop& loop, const net::Address& local, OnRtcp on_rtcp)
    : loop_(loop), on_rtcp_(std::move(on_rtcp)) {
  for (int i = 0; i < kAttempts && rtp_port_ == 0; ++i) bind_pair(local);
  if (rtp_port_ == 0) throw Error(ExitCode::unavailable, "rtsp: no pair of free UDP ports on " + local.host());
  ::setsockopt(rtp_.get(), SOL_SOCKET, SO_SNDBUF, &kSendBufferBytes, sizeof kSendBufferBytes);
  rtp_watch_ = std::make_unique<net::Watch>(loop_, rtp_.get(), [this](int) { discard_rtp(); });
  rtcp_watch_ = std::make_unique<net::Watch>(loop_, rtcp_.get(), [this](int) { on_rtcp_readable(); });
  rtp_watch_->set(net::Watch::kRead);
  rtcp_watch_->set(net::Watch::kRead);
}

bool UdpPorts::bind_pair(const net::Address& local) {
  Fd first = bind_udp(local, 0);
  if (!first) return false;
  const int port = net::local_address(first.get()).port();
  const bool even = port % 2 == 0;
  Fd second = bind_udp(local, even ? port + 1 : port - 1);
  if (!second) return false;
  rtp_ = even ? std::move(first) : std::move(second);
  rtcp_ = even ? std::move(second) : std::move(first);
  rtp_port_ = even ? port : port - 1;
  return true;
}

UdpPorts::Result UdpPorts::send(const net::Address& to, std::size_t first, std::size_t count) {
  Result all;
  auto packets = block_.packets().subspan(first, count);
  while (!packets.empty() && all.sent == Sent::all) {
    const Result one = send_batch(to, packets);
    all = {one.sent, all.datagrams + one.datagrams, all.calls + one.calls};
    packets = packets.subspan(one.datagrams);
  }
  return all;
}

UdpPorts::Result UdpPorts::send_batch(const net::Address& to, std::span<const Block::Packet> packets) {
  Batch batch;
  for (auto rest = packets; !rest.empty() && batch.count < kMaxMessages;) {
    const std::size_t run = run_length(rest, segment_);
    const Block::Packet &first = rest.front(), &last = rest[run - 1];
    const auto bytes = std::as_const(block_).bytes().subspan(first.offset, last.offset + last.bytes - first.offset);
    batch.add(to, bytes, run, first.bytes);
    rest = rest.subspan(run);
  }
  int sent = 0;
  Result result;
  do {
    ++result.calls;
    sent = ::sendmmsg(rtp_.get(), batch.messages.data(), static_cast<unsigned>(batch.count), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent > 0) {
    for (int i = 0; i < sent; ++i) result.datagrams += batch.packets[static_cast<std::size_t>(i)];
    return result;
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
    result.sent = Sent::some;
    return result;
  }
  if (batch.segmented && (errno == EINVAL || errno == EIO || errno == EOPNOTSUPP || errno == EMSGSIZE)) {
    segment_ = false;  // no checksum offload, or a path that takes less than our packets: one by one from now on
    return result;
  }
  result.sent = Sent::failed;
  return result;
}

void UdpPorts::send_rtcp(const net::Address& to, std::span<const std::byte> packet) {
  // Lost like any datagram when the socket is full; the next report says all again.
  (void)::sendto(rtcp_.get(), packet.data(), packet.size(), MSG_NOSIGNAL, to.get(), to.length);
}

void UdpPorts::on_rtcp_readable() {
  for (int i = 0; i < kMaxReads; ++i) {
    net::Address from;
    from.length = sizeof from.storage;
    const std::span<std::byte> buffer = loop_.scratch();
    const ssize_t got = ::recvfrom(rtcp_.get(), buffer.data(), buffer.size(), 0, from.get(), &from.length);
    if (got < 0) return;  // nothing more; an ICMP error of some client is no news either
    on_rtcp_(from, buffer.first(static_cast<std::size_t>(got)));
  }
}

/// Clients send here to open their NAT; it says nothing.
void UdpPorts::discard_rtp() {
  for (int i = 0; i < kMaxReads; ++i) {
    if (::recv(rtp_.get(), loop_.scratch().data(), 1, 0) < 0) return;
  }
}

}  // namespace campipe::serve::rtp
