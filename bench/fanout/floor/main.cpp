// What the kernel takes for a fan-out and nothing can be below: the bare sending of one shared frame to all who asked.
// No queue, no history, no headers of anybody's own; who cannot take a frame is left out.
//
//   fanout_floor mjpeg|tcp|tcp-apart|udp|udp-gso CLIP.nut PORT    serves 127.0.0.1:PORT; any HTTP path, any RTSP URL
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>

#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "cli/run.hpp"
#include "floor/receiver.hpp"
#include "rtp/sdp.hpp"

namespace {

using namespace campipe;
using fanout::Way;

constexpr int kSendBufferBytes = 4 << 20;

Way way_by_name(const std::string& name) {
  if (name == "mjpeg") return Way::mjpeg;
  if (name == "tcp") return Way::tcp;
  if (name == "tcp-apart") return Way::tcp_apart;
  if (name == "udp") return Way::udp_sendmmsg;
  if (name == "udp-gso") return Way::udp_gso;
  throw Error(ExitCode::usage, name + ": one of mjpeg, tcp, tcp-apart, udp, udp-gso");
}

Fd listen_on(int port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int one = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) throw_errno(errno, "cannot listen");
  ::listen(fd.get(), 4096);
  return fd;
}

Fd start_timer(std::int64_t interval_ns) {
  Fd fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  const timespec each{0, interval_ns};
  const itimerspec when{each, each};
  ::timerfd_settime(fd.get(), 0, &when, nullptr);
  return fd;
}

class Floor {
public:
  Floor(Way way, const std::string& clip, int port)
      : way_(way),
        clip_(clip),
        packets_(way, clip_),
        poll_(::epoll_create1(EPOLL_CLOEXEC)),
        listener_(listen_on(port)),
        timer_(start_timer(clip_.frame_ns())),
        udp_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    ::setsockopt(udp_.get(), SOL_SOCKET, SO_SNDBUF, &kSendBufferBytes, sizeof kSendBufferBytes);
    rtp::SessionDescription session{.id = 1, .version = 1, .name = "floor"};
    if (way != Way::mjpeg) session.tracks.push_back(rtp::describe_track(clip_.format().video));
    sdp_ = rtp::make_sdp(session);
    watch(listener_.get(), EPOLLIN, EPOLL_CTL_ADD);
    watch(timer_.get(), EPOLLIN, EPOLL_CTL_ADD);
  }

  void run() {
    for (;;) {
      epoll_event events[256];
      const int ready = ::epoll_wait(poll_.get(), events, 256, -1);
      for (int i = 0; i < ready; ++i) on_event(events[i]);
    }
  }

private:
  void watch(int fd, std::uint32_t events, int operation) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    ::epoll_ctl(poll_.get(), operation, fd, &event);
  }

  void on_event(const epoll_event& event) {
    if (event.data.fd == timer_.get()) return send_frame();
    if (event.data.fd == listener_.get()) return accept_all();
    const auto found = receivers_.find(event.data.fd);
    if (found == receivers_.end()) return;
    fanout::Receiver& receiver = *found->second;
    const bool was_busy = receiver.busy();
    if ((event.events & EPOLLOUT) != 0) receiver.on_writable();
    if (was_busy && !receiver.busy()) watch(receiver.fd(), EPOLLIN, EPOLL_CTL_MOD);
    if ((event.events & ~std::uint32_t{EPOLLOUT}) != 0 && !receiver.on_readable()) receivers_.erase(found);
  }

  void accept_all() {
    for (;;) {
      Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!fd) return;
      const int number = fd.get();
      receivers_[number] = std::make_unique<fanout::Receiver>(std::move(fd), way_, sdp_);
      watch(number, EPOLLIN, EPOLL_CTL_ADD);
    }
  }

  void send_frame() {
    std::uint64_t times = 0;
    if (::read(timer_.get(), &times, sizeof times) < 0) return;
    packets_.make(clip_.next(monotonic_ns()));
    for (const auto& [fd, receiver] : receivers_) {
      if (!receiver->playing()) continue;
      const bool was_busy = receiver->busy();
      receiver->send(packets_, udp_.get());
      if (!was_busy && receiver->busy()) watch(fd, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
    }
  }

  Way way_;
  fanout::Clip clip_;
  fanout::Packets packets_;
  Fd poll_, listener_, timer_, udp_;
  std::string sdp_;
  std::map<int, std::unique_ptr<fanout::Receiver>> receivers_;
};

int body(int argc, char** argv) {
  if (argc != 4) throw Error(ExitCode::usage, "usage: fanout_floor mjpeg|tcp|tcp-apart|udp|udp-gso CLIP.nut PORT");
  Floor(way_by_name(argv[1]), argv[2], std::atoi(argv[3])).run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return campipe::cli::run("fanout_floor", [&] { return body(argc, argv); });
}
