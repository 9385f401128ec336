#include "load/rtsp_client.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include <netinet/in.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.hpp"
#include "rtp/bytes.hpp"

namespace fanout {

namespace {

constexpr std::size_t kInterleaved = 4;
constexpr unsigned kDatagrams = 64;  // by one recvmmsg
constexpr int kRtp = 1, kRtcp = 2;
constexpr int kBindAttempts = 200;
constexpr std::int64_t kKeepAliveNs = 25'000'000'000;

/// A header's value; empty when there is none.
std::string field(std::string_view head, std::string_view name) {
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at)) {
    at += 2;
    if (head.size() - at <= name.size() || head[at + name.size()] != ':' ||
        ::strncasecmp(head.data() + at, name.data(), name.size()) != 0)
      continue;
    const std::size_t from = head.find_first_not_of(' ', at + name.size() + 1);
    return std::string(head.substr(from, head.find('\r', from) - from));
  }
  return {};
}

/// The control URL of the first video track, as it stands there.
std::string video_control(std::string_view sdp) {
  const std::size_t video = sdp.find("m=video");
  if (video == std::string_view::npos) return {};
  const std::string_view media = sdp.substr(video, sdp.find("\nm=", video) - video);
  const std::size_t control = media.find("a=control:");
  if (control == std::string_view::npos) return {};
  const std::string_view rest = media.substr(control + 10);
  return std::string(rest.substr(0, rest.find_first_of("\r\n")));
}

/// A UDP socket on a port (0 = any) of the address `at`; empty when it is taken.
campipe::Fd bind_one(sockaddr_storage at, socklen_t length, int port) {
  campipe::Fd fd(::socket(at.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto number = htons(static_cast<std::uint16_t>(port));
  (at.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(at).sin6_port
                            : reinterpret_cast<sockaddr_in&>(at).sin_port) = number;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), length) != 0) return {};
  return fd;
}

int port_of(int fd) {
  sockaddr_storage at{};
  socklen_t length = sizeof at;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &length);
  return ntohs(at.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(at).sin6_port
                                        : reinterpret_cast<sockaddr_in&>(at).sin_port);
}

}  // namespace

RtspClient::RtspClient(Shared& shared, Totals& totals, Role role, int number)
    : Client(shared, totals, role, number), track_(meter_, shared.options.fps) {
  const Options& options = shared.options;
  url_ = "rtsp://" + options.host + ":" + options.port + path();
  if (role == Role::slow && !options.keep.empty())
    track_.keep(std::make_unique<AnnexBFile>(options.keep + "/" + std::to_string(number) + ".h264"));
}

void RtspClient::on_connected() {
  request("DESCRIBE", url_, "Accept: application/sdp\r\n");
}

void RtspClient::request(std::string_view method, const std::string& url, const std::string& headers) {
  send_text(std::string(method) + " " + url + " RTSP/1.0\r\nCSeq: " + std::to_string(++cseq_) + "\r\n" + headers +
            "\r\n");
}

void RtspClient::tick(std::int64_t now_ns) {
  if (!playing() || role() == Role::stalled) return;
  if (keep_alive_ns_ == 0) keep_alive_ns_ = now_ns + kKeepAliveNs;
  if (now_ns < keep_alive_ns_) return;
  keep_alive_ns_ = now_ns + kKeepAliveNs;
  request("OPTIONS", url_, "Session: " + session_ + "\r\n");
}

Client::Read RtspClient::read_some(std::size_t limit) {
  const std::span<std::byte> scratch = shared_.scratch;
  std::ranges::copy(tail_, scratch.begin());
  Read result = Read::drained;
  const std::size_t room = std::min(scratch.size() - tail_.size(), limit);
  const std::size_t all = tail_.size() + receive(scratch.subspan(tail_.size(), room), 0, result);
  const std::size_t taken = parse(scratch.first(all));
  tail_.assign(scratch.begin() + static_cast<std::ptrdiff_t>(taken),
               scratch.begin() + static_cast<std::ptrdiff_t>(all));
  return result;
}

std::size_t RtspClient::parse(std::span<const std::byte> bytes) {
  std::size_t at = 0;
  while (bytes.size() - at >= kInterleaved && !closed()) {
    const auto rest = bytes.subspan(at);
    if (rest[0] != std::byte{'$'}) {
      const std::size_t taken = parse_response({reinterpret_cast<const char*>(rest.data()), rest.size()});
      if (taken == 0) break;
      at += taken;
      continue;
    }
    const std::size_t length = campipe::rtp::get_u16(rest, 2);
    if (rest.size() < kInterleaved + length) break;
    const auto packet = rest.subspan(kInterleaved, length);
    if (rest[1] == std::byte{0}) track_.rtp(packet);
    if (rest[1] == std::byte{1}) track_.rtcp(packet);
    at += kInterleaved + length;
  }
  return at;
}

std::size_t RtspClient::parse_response(std::string_view text) {
  if (!text.starts_with("RTSP")) {
    close("neither an answer nor a packet");
    return text.size();
  }
  const std::size_t end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  const std::string_view head = text.substr(0, end + 2);
  const auto length = static_cast<std::size_t>(std::max(0, std::atoi(field(head, "Content-Length").c_str())));
  if (text.size() < end + 4 + length) return 0;
  on_response(head, text.substr(end + 4, length));
  return end + 4 + length;
}

void RtspClient::on_response(std::string_view head, std::string_view body) {
  if (state_ == State::playing) return;
  if (head.find(" 200 ") > head.find('\r'))
    return close("the server said " + std::string(head.substr(0, head.find('\r'))));
  if (state_ == State::describing) return set_up(head, body);
  if (state_ == State::setting_up) {
    session_ = field(head, "Session");
    session_ = session_.substr(0, session_.find(';'));
    state_ = State::starting;
    meter_.requested(campipe::monotonic_ns());
    return request("PLAY", base_, "Session: " + session_ + "\r\nRange: npt=0.000-\r\n");
  }
  state_ = State::playing;
  begin_playing();
}

void RtspClient::set_up(std::string_view head, std::string_view sdp) {
  base_ = field(head, "Content-Base");
  if (base_.empty()) base_ = url_ + "/";
  track_.set_h264(sdp.find("H264/90000") != std::string_view::npos);
  const std::string control = video_control(sdp);
  const std::string url =
      control.starts_with("rtsp://") ? control : base_ + (base_.ends_with('/') ? "" : "/") + control;
  std::string transport = "RTP/AVP/TCP;unicast;interleaved=0-1";
  if (shared_.options.protocol == Protocol::rtsp_udp) {
    if (!bind_udp()) return close("no pair of UDP ports");
    transport = "RTP/AVP;unicast;client_port=" + std::to_string(rtp_port_) + "-" + std::to_string(rtp_port_ + 1);
  }
  state_ = State::setting_up;
  request("SETUP", url, "Transport: " + transport + "\r\n");
}

bool RtspClient::bind_udp() {
  sockaddr_storage local{};
  socklen_t length = sizeof local;
  ::getsockname(fd(), reinterpret_cast<sockaddr*>(&local), &length);
  for (int i = 0; i < kBindAttempts; ++i) {
    rtp_ = bind_one(local, length, 0);
    if (!rtp_) return false;
    rtp_port_ = port_of(rtp_.get());
    if (rtp_port_ % 2 != 0) continue;
    rtcp_ = bind_one(local, length, rtp_port_ + 1);
    if (!rtcp_) continue;
    set_receive_buffer(rtp_.get());
    rtp_source_ = {this, kRtp};
    rtcp_source_ = {this, kRtcp};
    watch(rtp_.get(), rtp_source_, EPOLLIN, true);
    watch(rtcp_.get(), rtcp_source_, EPOLLIN, true);
    return true;
  }
  return false;
}

void RtspClient::on_datagrams(int which) {
  // Only the beginning of each datagram is copied; its length is told all the same.
  static std::array<std::array<std::byte, RtpTrack::kBeginning>, kDatagrams> buffers;
  static std::array<iovec, kDatagrams> parts;
  static std::array<mmsghdr, kDatagrams> messages = [] {
    std::array<mmsghdr, kDatagrams> made{};
    for (std::size_t i = 0; i < kDatagrams; ++i) {
      parts[i] = {buffers[i].data(), buffers[i].size()};
      made[i].msg_hdr.msg_iov = &parts[i];
      made[i].msg_hdr.msg_iovlen = 1;
    }
    return made;
  }();
  const int socket = which == kRtp ? rtp_.get() : rtcp_.get();
  for (;;) {
    const int got = ::recvmmsg(socket, messages.data(), kDatagrams, MSG_TRUNC, nullptr);
    for (int i = 0; i < got; ++i) {
      const std::size_t bytes = messages[static_cast<std::size_t>(i)].msg_len;
      const auto seen =
          std::span<const std::byte>(buffers[static_cast<std::size_t>(i)]).first(std::min(bytes, RtpTrack::kBeginning));
      meter_.bytes(bytes);
      which == kRtp ? track_.rtp(seen) : track_.rtcp(seen);
    }
    if (got < static_cast<int>(kDatagrams)) return;
  }
}

}  // namespace fanout
