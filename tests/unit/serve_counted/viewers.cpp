#include "serve_counted/viewers.hpp"

#include <array>

#include <poll.h>
#include <sys/socket.h>

#include "serve/fake_media.hpp"

namespace campipe::serve::test {

namespace {

constexpr std::size_t kKeyBytes = 60'000, kFrameBytes = 15'000, kJpegBytes = 20'000;
constexpr int kPatienceMs = 60'000;  // for a test that would hang

/// All that has come at `fd`, thrown away; waits for it when nothing has.
std::size_t discard(int fd) {
  pollfd one{.fd = fd, .events = POLLIN, .revents = 0};
  if (::poll(&one, 1, kPatienceMs) != 1) return 0;
  std::array<char, 65536> buffer;
  std::size_t all = 0;
  ssize_t got = 0;
  while ((got = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0) all += static_cast<std::size_t>(got);
  return all;
}

class HttpViewer : public Viewer {
public:
  explicit HttpViewer(Site& site) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const net::Address server = site.http.address();
    EXPECT_EQ(::connect(fd_.get(), server.get(), server.length), 0);
    constexpr std::string_view kAsk = "GET /stream/still HTTP/1.1\r\nHost: x\r\n\r\n";
    EXPECT_EQ(::send(fd_.get(), kAsk.data(), kAsk.size(), MSG_NOSIGNAL), static_cast<ssize_t>(kAsk.size()));
    const std::size_t before = site.jpeg.client_count();
    net::turn_until(site.rtsp.loop, [&] { return site.jpeg.client_count() > before; });
  }

private:
  std::size_t take() override { return discard(fd_.get()); }
  Fd fd_;
};

class TcpViewer : public Viewer {
public:
  explicit TcpViewer(Site& site) : player_(site.rtsp) {
    player_.play_tcp();
    EXPECT_EQ(player_.play_reply.status, 200);
  }

private:
  std::size_t take() override { return discard(player_.fd()); }
  Player player_;
};

class UdpViewer : public Viewer {
public:
  explicit UdpViewer(Site& site) : player_(site.rtsp) {
    const Reply setup = player_.ask("SETUP", player_.url("/cam/trackID=0"), ports_.transport());
    const std::string session = setup.header("Session");
    const Reply play = player_.ask("PLAY", player_.url(), "Session: " + session.substr(0, session.find(';')) + "\r\n");
    EXPECT_EQ(play.status, 200);
  }

private:
  std::size_t take() override { return discard(ports_.rtp_fd()); }
  Player player_;
  Ports ports_;
};

std::unique_ptr<Viewer> make_viewer(Site& site, hub::Protocol protocol) {
  if (protocol == hub::Protocol::http_mjpeg) return std::make_unique<HttpViewer>(site);
  if (protocol == hub::Protocol::rtsp_tcp) return std::make_unique<TcpViewer>(site);
  return std::make_unique<UdpViewer>(site);
}

}  // namespace

Site::Site() {
  rtsp.start();
  jpeg.set_format(fake::format(media::VideoCodec::mjpeg));
}

hub::Stream& Site::stream_of(hub::Protocol protocol) {
  return protocol == hub::Protocol::http_mjpeg ? jpeg : rtsp.cam;
}

void Site::push(hub::Protocol protocol, bool key) {
  if (protocol == hub::Protocol::http_mjpeg) {
    jpeg.push(fake::picture(pictures++, true, kJpegBytes));
    pushed_bytes += kJpegBytes;
  } else {
    rtsp.push(key, key ? kKeyBytes : kFrameBytes);
    pushed_bytes += key ? kKeyBytes : kFrameBytes;
  }
}

void Viewer::read(std::uint64_t bytes) {
  while (received_ < bytes) {
    const std::size_t got = take();
    ASSERT_GT(got, 0U) << "a client waits for a frame in vain";
    received_ += got;
  }
}

std::vector<std::unique_ptr<Viewer>> make_viewers(Site& site, hub::Protocol protocol, std::size_t count) {
  std::vector<std::unique_ptr<Viewer>> viewers;
  while (viewers.size() < count) viewers.push_back(make_viewer(site, protocol));
  return viewers;
}

}  // namespace campipe::serve::test
