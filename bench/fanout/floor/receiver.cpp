#include "floor/receiver.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>

namespace fanout {

namespace {

constexpr std::size_t kMaxParts = 1024;  // IOV_MAX
constexpr std::size_t kMaxMessages = 256;
constexpr std::size_t kMaxSegments = 64;  // UDP_MAX_SEGMENTS of the kernels that have fewest
constexpr std::size_t kMaxSegmented = 65'000;

/// The messages of one sendmmsg(2).
struct Batch {
  std::array<mmsghdr, kMaxMessages> messages{};
  std::array<std::array<char, CMSG_SPACE(sizeof(std::uint16_t))>, kMaxMessages> controls{};
  unsigned count = 0;

  void add(sockaddr_in& to, std::span<const iovec> parts, std::size_t segment_bytes) {
    msghdr& message = messages[count].msg_hdr;
    message = {};
    message.msg_name = &to;
    message.msg_namelen = sizeof to;
    message.msg_iov = const_cast<iovec*>(parts.data());
    message.msg_iovlen = parts.size();
    if (segment_bytes > 0) {
      message.msg_control = controls[count].data();
      message.msg_controllen = controls[count].size();
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_UDP;
      header->cmsg_type = UDP_SEGMENT;
      header->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
      const auto size = static_cast<std::uint16_t>(segment_bytes);
      std::memcpy(CMSG_DATA(header), &size, sizeof size);
    }
    ++count;
  }
};

/// How many datagrams from `first` on may go as one.
std::size_t run_length(std::span<const Packets::Datagram> all, std::size_t first) {
  std::size_t bytes = 0, parts = 0, count = 0;
  const std::size_t size = all[first].bytes;
  for (std::size_t i = first; i < all.size() && count < kMaxSegments; ++i, ++count) {
    bytes += all[i].bytes;
    parts += all[i].parts;
    if (all[i].bytes > size || bytes > kMaxSegmented || parts > kMaxParts) break;
    if (all[i].bytes < size) return count + 1;
  }
  return count;
}

int number_behind(const std::string& text, std::string_view name) {
  const std::size_t at = text.find(name);
  return at == std::string::npos ? 0 : std::atoi(text.c_str() + at + name.size());
}

}  // namespace

Receiver::Receiver(campipe::Fd fd, Way way, std::string sdp) : fd_(std::move(fd)), way_(way), sdp_(std::move(sdp)) {
  const int one = 1;
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  socklen_t length = sizeof udp_;
  ::getpeername(fd_.get(), reinterpret_cast<sockaddr*>(&udp_), &length);
}

bool Receiver::on_readable() {
  char buffer[4096];
  const ssize_t got = ::recv(fd_.get(), buffer, sizeof buffer, 0);
  if (got <= 0) return got < 0 && errno == EAGAIN;
  if (playing_) return true;  // RTCP, keep-alive: nothing to a floor
  in_.append(buffer, static_cast<std::size_t>(got));
  for (std::size_t end = in_.find("\r\n\r\n"); end != std::string::npos; end = in_.find("\r\n\r\n")) {
    answer(in_.substr(0, end));
    in_.erase(0, end + 4);
  }
  return true;
}

void Receiver::answer(const std::string& request) {
  std::string text;
  if (way_ == Way::mjpeg) {
    text = "HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=next\r\n\r\n--next\r\n";
    playing_ = true;
  } else {
    text = fmt::format("RTSP/1.0 200 OK\r\nCSeq: {}\r\nSession: 1\r\n", number_behind(request, "CSeq: "));
    if (request.starts_with("DESCRIBE")) {
      text += fmt::format("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{}", sdp_.size(), sdp_);
    } else if (request.starts_with("SETUP")) {
      const int port = number_behind(request, "client_port=");
      udp_.sin_port = htons(static_cast<std::uint16_t>(port));
      text += way_ == Way::tcp ? "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n"
                               : fmt::format("Transport: RTP/AVP;unicast;client_port={}-{}\r\n\r\n", port, port + 1);
    } else {
      text += "\r\n";
      playing_ = request.starts_with("PLAY");
    }
  }
  (void)::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);  // an empty socket takes it
}

void Receiver::send(const Packets& packets, int udp_socket) {
  if (busy()) {
    ++left_out_;
  } else if (way_ == Way::mjpeg || way_ == Way::tcp || way_ == Way::tcp_apart) {
    send_stream(packets.parts());
  } else {
    send_datagrams(packets, udp_socket);
  }
}

void Receiver::send_stream(std::span<const iovec> parts) {
  while (!parts.empty()) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts.data());
    message.msg_iovlen = std::min(parts.size(), kMaxParts);
    ++calls_;
    ssize_t sent = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) return;  // seen as its end soon
    std::size_t taken = sent < 0 ? 0 : static_cast<std::size_t>(sent);
    while (!parts.empty() && taken >= parts.front().iov_len) {
      taken -= parts.front().iov_len;
      parts = parts.subspan(1);
    }
    if (parts.empty()) return;
    if (taken == 0 && sent > 0) continue;  // IOV_MAX, and all of it was taken
    rest_.assign(parts.begin(), parts.end());
    rest_.front().iov_base = static_cast<char*>(rest_.front().iov_base) + taken;
    rest_.front().iov_len -= taken;
    return;
  }
}

bool Receiver::on_writable() {
  if (rest_.empty()) return true;
  std::vector<iovec> rest;
  rest.swap(rest_);
  send_stream(rest);
  return true;
}

void Receiver::send_datagrams(const Packets& packets, int udp_socket) {
  const auto all = packets.datagrams();
  static Batch batch;  // too large to be cleared for each frame
  batch.count = 0;
  for (std::size_t i = 0; i < all.size() && batch.count < kMaxMessages;) {
    const std::size_t run = way_ == Way::udp_gso ? run_length(all, i) : 1;
    const auto& last = all[i + run - 1];
    const std::size_t parts = last.first_part + last.parts - all[i].first_part;
    batch.add(udp_, packets.parts().subspan(all[i].first_part, parts), run > 1 ? all[i].bytes : 0);
    i += run;
  }
  ++calls_;
  const int sent = ::sendmmsg(udp_socket, batch.messages.data(), batch.count, MSG_NOSIGNAL);
  if (sent < static_cast<int>(batch.count)) ++left_out_;
}

}  // namespace fanout
