#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/net_helpers.hpp"
#include "rtp/bytes_of.hpp"
#include "serve/hub/hub.hpp"
#include "serve/rtsp/server.hpp"

namespace campipe::serve::test {

using campipe::rtp::test::annex_b;
using campipe::rtp::test::Bytes;
using campipe::rtp::test::nal;

inline const Bytes kSps = campipe::rtp::test::bytes({0x67, 0x42, 0xC0, 0x1E, 0xD9, 0x01});
inline const Bytes kPps = campipe::rtp::test::bytes({0x68, 0xCB, 0x83, 0xCB});

/// A hub with one H.264 stream "cam" and a server on a free port of this machine, all in this thread. Time passes only
/// by pass(), but for one of real time.
struct Fixture {
  net::Loop loop;
  hub::Hub hub{hub::History::Limits{}, [this] { return loop.now_ns(); }};
  hub::Stream& cam = hub.add_stream("cam", "");
  rtsp::Server server;
  std::int64_t pts_us = 1'795'226'522'000'000;
  int frames = 0;
  std::int64_t age_ns = 0;  ///< of what is pushed

  explicit Fixture(rtsp::Server::Options options = {}, std::string_view listen = "127.0.0.1:0",
                   net::Loop::Time time = net::Loop::Time::manual)
      : loop(time),
        server(loop, hub, net::listen_tcp(net::resolve_listen_address(listen, "--rtsp"), "--rtsp"), options) {}

  static media::StreamFormat h264(Size size = {640, 360}, bool sets = true) {
    media::StreamFormat format;
    format.video.codec = media::VideoCodec::h264;
    format.video.size = size;
    format.video.frame_rate = {30, 1};
    if (sets) format.video.parameter_sets = annex_b({kSps, kPps});
    return format;
  }

  void start(Size size = {640, 360}) { cam.set_format(h264(size)); }

  /// One access unit, 33,333 us after the one before; its slice has `bytes` bytes and the frame's number in front.
  void push(bool key, std::size_t bytes = 3000) {
    media::Packet packet;
    packet.pts_us = pts_us;
    packet.keyframe = key;
    Bytes slice = nal({key ? 0x65 : 0x41, frames >> 8 & 0xFF, frames & 0xFF}, bytes);
    packet.payload = media::Payload::from(key ? annex_b({kSps, kPps, slice}) : annex_b({slice}));
    cam.push(std::move(packet), cam.now_ns() - age_ns);
    pts_us += 33'333;
    ++frames;
  }
  void push_gop(int count, std::size_t bytes = 3000) {
    for (int i = 0; i < count; ++i) push(i == 0, bytes);
  }

  /// Turns the loop until `done`; false when it does not come about.
  bool until(const std::function<bool()>& done) { return net::comes_true(loop, done); }
  /// Lets the server's time go on.
  void pass(std::chrono::milliseconds time) { loop.advance(time); }
  /// Lets a millisecond pass with each turn, for what is sent in bursts.
  bool until_paced(const std::function<bool()>& done) {
    return until([&] { return pass(std::chrono::milliseconds(1)), done(); });
  }
};

struct Reply {
  int status = 0;
  std::string line;
  std::map<std::string, std::string> headers;
  std::string body;
  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
  }
};

/// An RTP or RTCP packet as it came.
struct Received {
  int channel = 0;
  Bytes bytes;
  std::uint32_t u16(std::size_t at) const {
    return std::to_integer<std::uint32_t>(bytes.at(at)) << 8 | std::to_integer<std::uint32_t>(bytes.at(at + 1));
  }
  std::uint32_t u32(std::size_t at) const { return u16(at) << 16 | u16(at + 2); }
  bool marker() const { return (u16(0) & 0x80) != 0; }
  int rtcp_type() const { return static_cast<int>(u16(0) & 0xFF); }
  /// nal_unit_type of the payload, of the fragmented unit in FU-A.
  int nal_type() const {
    const int type = std::to_integer<int>(bytes.at(12)) & 31;
    return type == 28 ? std::to_integer<int>(bytes.at(13)) & 31 : type;
  }
};

/// Numbers that Fixture::push put into the slices, of the frames whose first packet came.
inline std::vector<int> frames_of(const std::vector<Received>& packets) {
  std::vector<int> out;
  for (const Received& one : packets) {
    const int type = std::to_integer<int>(one.bytes.at(12)) & 31;
    if (type == 24 || (type == 28 && (std::to_integer<int>(one.bytes.at(13)) & 0x80) == 0)) continue;
    out.push_back(static_cast<int>(one.u16(type == 28 ? 14 : 13)));
  }
  return out;
}

inline void expect_contiguous(const std::vector<Received>& packets) {
  for (std::size_t i = 1; i < packets.size(); ++i) {
    ASSERT_EQ(packets[i].u16(2), (packets[i - 1].u16(2) + 1) & 0xFFFF) << i;
  }
}

/// A player written out by hand.
class Player {
public:
  /// @param host  where the server is found; port 0 is that of its first socket.
  explicit Player(Fixture& fixture, std::string_view host = "127.0.0.1:0") : fixture_(fixture) {
    net::Address to = net::resolve_listen_address(host, "");
    if (to.port() == 0) to.set_port(fixture.server.address().port());
    fd_ = Fd(::socket(to.get()->sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0));
    const std::size_t before = fixture_.server.connection_count();
    ::connect(fd_.get(), to.get(), to.length);
    fixture_.until([&] { return fixture_.server.connection_count() > before; });
  }

  std::string url(const std::string& path = "/cam") const {
    return "rtsp://127.0.0.1:" + std::to_string(fixture_.server.address().port()) + path;
  }

  void send(const std::string& text) {
    std::size_t sent = 0;
    fixture_.until([&] {
      const ssize_t n = ::send(fd_.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (n > 0) sent += static_cast<std::size_t>(n);
      return sent == text.size() || (n < 0 && errno != EAGAIN && errno != ENOTCONN);
    });
  }

  /// Sends a request with the next CSeq and waits for its reply; status 0 when the connection closes or none comes.
  Reply ask(const std::string& method, const std::string& target, const std::string& headers = "",
            const std::string& body = "") {
    const std::string cseq = std::to_string(++cseq_);
    std::string text = method + " " + target + " RTSP/1.0\r\nCSeq: " + cseq + "\r\n" + headers;
    if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    send(text + "\r\n" + body);
    return reply();
  }
  Reply reply() {
    fixture_.until([&] { return read_some(), !replies.empty() || closed; });
    if (replies.empty()) return {};
    Reply first = replies.front();
    replies.erase(replies.begin());
    return first;
  }

  /// SETUP of track 0 over TCP, PLAY. Returns the Session header's id.
  std::string play_tcp(const std::string& path = "/cam") {
    const Reply setup = ask("SETUP", url(path) + "/trackID=0", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n");
    session = setup.header("Session").substr(0, setup.header("Session").find(';'));
    play_reply = ask("PLAY", url(path) + "/", "Session: " + session + "\r\nRange: npt=0.000-\r\n");
    return session;
  }

  bool wait_packets(std::size_t count) {
    return fixture_.until([&] { return read_some(), rtp().size() >= count || closed; }) && rtp().size() >= count;
  }
  bool wait_closed() {
    return fixture_.until([&] { return read_some(), closed; });
  }
  /// The server has had its turn with all that came before, and what it sent this player before is here: answers come
  /// in order, and behind the packets of the same connection.
  void barrier() { ASSERT_EQ(ask("OPTIONS", "*").status, 200); }
  std::vector<Received> rtp() const { return on_channel(0); }
  std::vector<Received> rtcp() const { return on_channel(1); }
  std::vector<Received> on_channel(int channel) const {
    std::vector<Received> out;
    for (const Received& one : packets) {
      if (one.channel == channel) out.push_back(one);
    }
    return out;
  }

  void read_some() {
    std::array<char, 65536> buffer{};
    ssize_t got = 0;
    while ((got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0)) > 0) {
      raw_.append(buffer.data(), static_cast<std::size_t>(got));
    }
    if (got == 0 || (errno != EAGAIN && errno != ENOTCONN)) closed = true;
    while (take_one()) {
    }
  }
  /// Whether the server's kernel has all that was sent, so that the next turn of the loop reads it.
  bool all_taken() const {
    int waiting = -1;
    return ::ioctl(fd_.get(), SIOCOUTQ, &waiting) == 0 && waiting == 0;
  }
  void hang_up() { fd_.reset(); }
  int fd() const { return fd_.get(); }

  std::vector<Reply> replies;
  std::vector<Received> packets;
  std::vector<std::string> order;  // "$0", "$1", "200"
  std::string session;
  Reply play_reply;
  bool closed = false;

private:
  bool take_one() {
    if (raw_.size() < 4) return false;
    if (raw_[0] == '$') {
      const std::size_t length = static_cast<unsigned char>(raw_[2]) * 256U + static_cast<unsigned char>(raw_[3]);
      if (raw_.size() < 4 + length) return false;
      packets.push_back({raw_[1], campipe::rtp::test::text_bytes(std::string_view(raw_).substr(4, length))});
      order.push_back("$" + std::to_string(raw_[1]));
      raw_.erase(0, 4 + length);
      return true;
    }
    const std::size_t end = raw_.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    Reply reply;
    std::string_view head = std::string_view(raw_).substr(0, end + 2);
    while (!head.empty()) {
      const std::string_view line = head.substr(0, head.find("\r\n"));
      head.remove_prefix(line.size() + 2);
      if (reply.line.empty()) {
        reply.line = line;
        reply.status = std::stoi(std::string(line.substr(9, 3)));
      } else {
        const std::size_t colon = line.find(": ");
        reply.headers[std::string(line.substr(0, colon))] = line.substr(colon + 2);
      }
    }
    const std::string length = reply.header("Content-Length");
    const std::size_t body = length.empty() ? 0 : std::stoul(length);
    if (raw_.size() < end + 4 + body) return false;
    reply.body = raw_.substr(end + 4, body);
    raw_.erase(0, end + 4 + body);
    order.push_back(std::to_string(reply.status));
    replies.push_back(std::move(reply));
    return true;
  }

  Fixture& fixture_;
  Fd fd_;
  std::string raw_;
  int cseq_ = 0;
};

/// A player's pair of ports.
class Ports {
public:
  explicit Ports(const char* host = "127.0.0.1:0") : host_(host) {
    while (true) {
      rtp_ = bind_any(0);
      port_ = net::local_address(rtp_.get()).port();
      rtcp_ = bind_any(port_ + 1);
      if (rtcp_) return;
    }
  }
  int port() const { return port_; }
  std::string transport() const {
    return "Transport: RTP/AVP;unicast;client_port=" + std::to_string(port_) + "-" + std::to_string(port_ + 1) + "\r\n";
  }
  void read(std::vector<Received>& rtp, std::vector<Received>& rtcp) {
    take(rtp_.get(), rtp);
    take(rtcp_.get(), rtcp);
  }
  int rtp_fd() const { return rtp_.get(); }
  int rtcp_fd() const { return rtcp_.get(); }
  int from_port = 0, rtcp_from_port = 0;  // where the last packet came from

private:
  Fd bind_any(int port) const {
    net::Address address = net::resolve_listen_address(host_, "");
    Fd fd(::socket(address.get()->sa_family, SOCK_DGRAM | SOCK_NONBLOCK, 0));
    address.set_port(port);
    return ::bind(fd.get(), address.get(), address.length) == 0 ? std::move(fd) : Fd();
  }
  void take(int fd, std::vector<Received>& into) {
    std::array<std::byte, 65536> buffer;
    net::Address from;
    from.length = sizeof from.storage;
    ssize_t got = 0;
    while ((got = ::recvfrom(fd, buffer.data(), buffer.size(), 0, from.get(), &from.length)) > 0) {
      into.push_back({0, Bytes(buffer.begin(), buffer.begin() + got)});
      (fd == rtp_.get() ? from_port : rtcp_from_port) = from.port();
    }
  }
  const char* host_;
  Fd rtp_, rtcp_;
  int port_ = 0;
};

}  // namespace campipe::serve::test
