#include "serve/rtsp_udp_ports.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "base/error.hpp"

namespace campipe::serve {

namespace {

constexpr int kAttempts = 64;
constexpr int kSendBufferBytes = 4 << 20;  // the kernel gives net.core.wmem_max at most
constexpr std::size_t kMaxSegments = 64;   // UDP_MAX_SEGMENTS of the kernels that have fewest
constexpr std::size_t kMaxSegmented = 65'000;
constexpr std::size_t kMaxMessages = 64;
constexpr std::size_t kMaxParts = 1024;  // IOV_MAX
constexpr int kMaxReads = 64;            // in one turn of the loop

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

/// Neighbouring datagrams as one message: with UDP_SEGMENT all have the size of the first, the last may be shorter.
struct Run {
  std::size_t datagrams = 0;
  std::size_t segment_bytes = 0;
};

Run next_run(std::span<const Datagram> datagrams, bool segment) {
  Run run{1, datagrams.front().bytes};
  std::size_t bytes = run.segment_bytes;
  std::size_t parts = datagrams.front().parts.size();
  while (segment && run.datagrams < std::min(datagrams.size(), kMaxSegments)) {
    const Datagram& next = datagrams[run.datagrams];
    bytes += next.bytes;
    parts += next.parts.size();
    if (next.bytes > run.segment_bytes || bytes > kMaxSegmented || parts > kMaxParts) break;
    ++run.datagrams;
    if (next.bytes < run.segment_bytes) break;
  }
  return run;
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

/// The messages of one sendmmsg(2).
struct Batch {
  std::array<mmsghdr, kMaxMessages> messages{};
  std::array<Control, kMaxMessages> controls{};
  std::array<std::size_t, kMaxMessages> datagrams{};
  std::size_t count = 0;
  bool segmented = false;

  /// Neighbouring datagrams' parts lie one behind the other, so that a run needs no list of its own.
  void add(const net::Address& to, std::span<const Datagram> run, std::size_t segment_bytes) {
    msghdr& message = messages[count].msg_hdr;
    message = {};
    message.msg_name = const_cast<sockaddr*>(to.get());
    message.msg_namelen = to.length;
    message.msg_iov = const_cast<iovec*>(run.front().parts.data());
    for (const Datagram& one : run) message.msg_iovlen += one.parts.size();
    if (run.size() > 1) {
      controls[count] = {};
      set_segment_size(message, controls[count], segment_bytes);
      segmented = true;
    }
    datagrams[count++] = run.size();
  }
};

bool is_adjacent(const Datagram& a, const Datagram& b) {
  return a.parts.data() + a.parts.size() == b.parts.data();
}

/// As many datagrams of the run as lie one behind the other.
std::size_t adjacent(std::span<const Datagram> run) {
  std::size_t count = 1;
  while (count < run.size() && is_adjacent(run[count - 1], run[count])) ++count;
  return count;
}

}  // namespace

RtspUdpPorts::RtspUdpPorts(net::Loop& loop, const net::Address& local, OnRtcp on_rtcp)
    : loop_(loop), on_rtcp_(std::move(on_rtcp)) {
  for (int i = 0; i < kAttempts && rtp_port_ == 0; ++i) bind_pair(local);
  if (rtp_port_ == 0) throw Error(ExitCode::unavailable, "rtsp: no pair of free UDP ports on " + local.host());
  ::setsockopt(rtp_.get(), SOL_SOCKET, SO_SNDBUF, &kSendBufferBytes, sizeof kSendBufferBytes);
  rtp_watch_ = std::make_unique<net::Watch>(loop_, rtp_.get(), [this](int) { discard_rtp(); });
  rtcp_watch_ = std::make_unique<net::Watch>(loop_, rtcp_.get(), [this](int) { on_rtcp_readable(); });
  rtp_watch_->set(net::Watch::kRead);
  rtcp_watch_->set(net::Watch::kRead);
}

bool RtspUdpPorts::bind_pair(const net::Address& local) {
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

RtspUdpPorts::Result RtspUdpPorts::send(const net::Address& to, std::span<const Datagram> datagrams) {
  Result all;
  while (!datagrams.empty() && all.sent == Sent::all) {
    const Result one = send_batch(to, datagrams);
    all = {one.sent, all.datagrams + one.datagrams, all.calls + one.calls};
    datagrams = datagrams.subspan(one.datagrams);
  }
  return all;
}

RtspUdpPorts::Result RtspUdpPorts::send_batch(const net::Address& to, std::span<const Datagram> datagrams) {
  Batch batch;
  for (auto rest = datagrams; !rest.empty() && batch.count < kMaxMessages;) {
    const Run run = next_run(rest, segment_);
    const std::size_t count = adjacent(rest.first(run.datagrams));
    batch.add(to, rest.first(count), run.segment_bytes);
    rest = rest.subspan(count);
  }
  int sent = 0;
  Result result;
  do {
    ++result.calls;
    sent = ::sendmmsg(rtp_.get(), batch.messages.data(), static_cast<unsigned>(batch.count), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent > 0) {
    for (int i = 0; i < sent; ++i) result.datagrams += batch.datagrams[static_cast<std::size_t>(i)];
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

void RtspUdpPorts::send_rtcp(const net::Address& to, std::span<const std::byte> packet) {
  // Lost like any datagram when the socket is full; the next report says all again.
  (void)::sendto(rtcp_.get(), packet.data(), packet.size(), MSG_NOSIGNAL, to.get(), to.length);
}

void RtspUdpPorts::on_rtcp_readable() {
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
void RtspUdpPorts::discard_rtp() {
  for (int i = 0; i < kMaxReads; ++i) {
    if (::recv(rtp_.get(), loop_.scratch().data(), 1, 0) < 0) return;
  }
}

}  // namespace campipe::serve
