// Many clients of one server in one thread: HTTP MJPEG or RTSP over TCP, good ones and ones that never read. Prints one
// JSON object: frames, frames lost, the time between complete frames, the age of a frame when its last byte is in.
//
//   load_client mjpeg|rtsp HOST:PORT /PATH [-n GOOD] [-x STALLED] [-d SECONDS] [-w WARM-UP SECONDS] [-r FPS]
//
// Age: MJPEG, the client's clock minus X-Timestamp; RTSP, minus the Unix time that the newest sender report gives the
// frame's RTP timestamp. Lost: MJPEG, gaps in X-Sequence; RTSP, gaps in the RTP timestamps at FPS. Server and clients
// must share a clock, so both run on one machine.
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

double now(clockid_t id) {
  timespec t{};
  ::clock_gettime(id, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "load_client: %s\n", what.c_str());
  std::exit(69);
}

struct Options {
  bool rtsp = false;
  std::string host, port, path;
  int good = 1, stalled = 0;
  double seconds = 10, warm_up = 2, fps = 30;
};

struct Totals {
  std::vector<double> gaps_ms, ages_ms;
  std::uint64_t bytes = 0;
  bool counting = false;
};

/// One connection. Reads whatever is there, cuts it into messages, notes complete frames.
class Client {
public:
  Client(const Options& options, Totals& totals, bool stalled)
      : options_(options), totals_(totals), stalled_(stalled) {}
  virtual ~Client() {
    if (fd_ >= 0) ::close(fd_);
  }

  void open(const addrinfo* address) {
    fd_ = ::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (stalled_) {
      const int small = 32 * 1024;
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    }
    if (::connect(fd_, address->ai_addr, address->ai_addrlen) != 0)
      fail(std::string("cannot connect: ") + std::strerror(errno));
    start();  // the dialogue up to the stream is blocking, with a time limit
    ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
  }

  /// Reads what there is; false when the server closed the connection.
  bool read_some() {
    for (;;) {
      const std::size_t had = in_.size();
      in_.resize(had + kRead);
      const ssize_t got = ::recv(fd_, in_.data() + had, kRead, 0);
      in_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
      if (got < 0) return errno == EAGAIN || errno == EINTR;
      if (got == 0) return false;
      if (totals_.counting) totals_.bytes += static_cast<std::uint64_t>(got);
      consume();
      if (static_cast<std::size_t>(got) < kRead) return true;
    }
  }

  int fd() const { return fd_; }
  bool stalled() const { return stalled_; }
  bool closed = false;
  double closed_at = 0;
  std::uint64_t frames = 0, lost = 0;
  void begin_count() { frames = lost = 0, last_frame_ = 0; }

protected:
  static constexpr std::size_t kRead = 256 * 1024;
  virtual void start() = 0;
  virtual void consume() = 0;

  void send_text(const std::string& text) {
    if (::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) fail("cannot send");
  }

  /// Blocking, until `end` has come; answers what came up to and with it and leaves the rest in in_.
  std::string read_until(std::string_view end) {
    const timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    for (;;) {
      const std::size_t at = std::string_view(in_.data(), in_.size()).find(end);
      if (at != std::string_view::npos) {
        std::string text(in_.data(), at + end.size());
        drop(at + end.size());
        return text;
      }
      char chunk[4096];
      const ssize_t got = ::recv(fd_, chunk, sizeof chunk, 0);
      if (got <= 0) fail("the server did not answer");
      in_.insert(in_.end(), chunk, chunk + got);
    }
  }

  void drop(std::size_t bytes) { in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(bytes)); }

  void frame_complete(double captured_at) {
    const double t = now(CLOCK_MONOTONIC);
    ++frames;
    if (totals_.counting) {
      if (last_frame_ > 0) totals_.gaps_ms.push_back((t - last_frame_) * 1000);
      if (captured_at > 0) totals_.ages_ms.push_back((now(CLOCK_REALTIME) - captured_at) * 1000);
    }
    last_frame_ = t;
  }

  const Options& options_;
  Totals& totals_;
  std::vector<char> in_;

private:
  bool stalled_;
  int fd_ = -1;
  double last_frame_ = 0;
};

class MjpegClient : public Client {
public:
  using Client::Client;

private:
  void start() override { send_text("GET " + options_.path + " HTTP/1.1\r\nHost: load\r\n\r\n"); }

  void consume() override {
    std::size_t at = 0;
    for (;;) {
      const std::string_view rest(in_.data() + at, in_.size() - at);
      if (body_left_ > 0) {
        if (rest.size() < body_left_) break;
        at += body_left_;
        body_left_ = 0;
        frame_complete(timestamp_);
        continue;
      }
      const std::size_t end = rest.find("\r\n\r\n");
      if (end == std::string_view::npos) break;
      header(rest.substr(0, end));
      at += end + 4;
    }
    drop(at);
  }

  static double number(std::string_view head, std::string_view name) {
    const std::size_t found = head.find(name);
    return found == std::string_view::npos ? -1 : std::strtod(head.data() + found + name.size(), nullptr);
  }

  void header(std::string_view head) {
    if (head.starts_with("HTTP/")) {
      if (head.find(" 200 ") == std::string_view::npos)
        fail("the server said " + std::string(head.substr(0, head.find('\r'))));
      return;
    }
    const double length = number(head, "Content-Length:");
    if (length < 0 || length > 64e6) fail("a part without a length");
    body_left_ = static_cast<std::size_t>(length);
    timestamp_ = number(head, "X-Timestamp:");
    const auto sequence = static_cast<std::int64_t>(number(head, "X-Sequence:"));
    if (last_sequence_ >= 0 && sequence > last_sequence_ + 1)
      lost += static_cast<std::uint64_t>(sequence - last_sequence_ - 1);
    last_sequence_ = sequence;
  }

  std::size_t body_left_ = 0;
  double timestamp_ = 0;
  std::int64_t last_sequence_ = -1;
};

class RtspClient : public Client {
public:
  using Client::Client;

private:
  std::string request(const std::string& method, const std::string& url, const std::string& headers) {
    send_text(method + " " + url + " RTSP/1.0\r\nCSeq: " + std::to_string(++cseq_) + "\r\n" + headers + "\r\n");
    std::string head = read_until("\r\n\r\n");
    if (head.find(" 200 ") == std::string::npos) fail(method + ": the server said " + head.substr(0, head.find('\r')));
    return head;
  }

  static std::string field(const std::string& head, const std::string& name) {
    const std::size_t found = head.find("\r\n" + name + ": ");
    if (found == std::string::npos) return "";
    const std::size_t from = found + name.size() + 4;
    return head.substr(from, head.find('\r', from) - from);
  }

  void start() override {
    const std::string url = "rtsp://" + options_.host + ":" + options_.port + options_.path;
    const std::string described = request("DESCRIBE", url, "Accept: application/sdp\r\n");
    const auto length = static_cast<std::size_t>(std::atol(field(described, "Content-Length").c_str()));
    while (in_.size() < length) {
      char chunk[4096];
      const ssize_t got = ::recv(fd(), chunk, sizeof chunk, 0);
      if (got <= 0) fail("no session description");
      in_.insert(in_.end(), chunk, chunk + got);
    }
    drop(length);
    std::string base = field(described, "Content-Base");
    if (base.empty()) base = url + "/";
    const std::string setup =
        request("SETUP", base + "trackID=0", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n");
    std::string session = field(setup, "Session");
    session = session.substr(0, session.find(';'));
    request("PLAY", base, "Session: " + session + "\r\nRange: npt=0.000-\r\n");
  }

  static std::uint32_t u32(const char* p) {
    std::uint32_t v = 0;
    std::memcpy(&v, p, sizeof v);
    return ntohl(v);
  }

  void consume() override {
    std::size_t at = 0;
    while (in_.size() - at >= 4) {
      const char* p = in_.data() + at;
      if (*p != '$') fail("not an interleaved frame");
      const std::size_t length =
          static_cast<std::size_t>(static_cast<unsigned char>(p[2])) << 8 | static_cast<unsigned char>(p[3]);
      if (in_.size() - at < 4 + length) break;
      if (p[1] == 0 && length >= 12) rtp(p + 4);
      if (p[1] == 1 && length >= 28 && static_cast<unsigned char>(p[5]) == 200) report(p + 4);
      at += 4 + length;
    }
    drop(at);
  }

  void report(const char* p) {
    constexpr double kNtpToUnix = 2208988800.0;
    report_time_ = static_cast<double>(u32(p + 8)) - kNtpToUnix + static_cast<double>(u32(p + 12)) / 4294967296.0;
    report_rtp_ = u32(p + 16);
  }

  void rtp(const char* p) {
    if ((p[1] & 0x80) == 0) return;  // not the last packet of the frame
    const std::uint32_t timestamp = u32(p + 4);
    double captured = 0;
    if (report_time_ > 0)
      captured = report_time_ + static_cast<double>(static_cast<std::int32_t>(timestamp - report_rtp_)) / 90000;
    if (any_) {
      const double step = static_cast<double>(static_cast<std::int32_t>(timestamp - last_)) * options_.fps / 90000;
      if (step > 1.5) lost += static_cast<std::uint64_t>(std::lround(step)) - 1;
    }
    any_ = true;
    last_ = timestamp;
    frame_complete(captured);
  }

  int cseq_ = 0;
  bool any_ = false;
  std::uint32_t last_ = 0, report_rtp_ = 0;
  double report_time_ = 0;
};

double percentile(std::vector<double>& values, double p) {
  if (values.empty()) return -1;
  const auto at = static_cast<std::size_t>(p / 100 * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return values[at];
}

Options parse(int argc, char** argv) {
  Options options;
  if (argc < 4)
    fail("usage: load_client mjpeg|rtsp HOST:PORT /PATH [-n GOOD] [-x STALLED] [-d SECONDS] [-w WARM-UP] [-r FPS]");
  options.rtsp = std::string_view(argv[1]) == "rtsp";
  const std::string where = argv[2];
  options.host = where.substr(0, where.rfind(':'));
  options.port = where.substr(where.rfind(':') + 1);
  options.path = argv[3];
  for (int i = 4; i + 1 < argc; i += 2) {
    const double value = std::atof(argv[i + 1]);
    switch (argv[i][1]) {
      case 'n':
        options.good = static_cast<int>(value);
        break;
      case 'x':
        options.stalled = static_cast<int>(value);
        break;
      case 'd':
        options.seconds = value;
        break;
      case 'w':
        options.warm_up = value;
        break;
      case 'r':
        options.fps = value;
        break;
      default:
        fail(std::string("unknown option ") + argv[i]);
    }
  }
  return options;
}

void print(const Options& options, Totals& totals, const std::vector<std::unique_ptr<Client>>& clients, double began) {
  std::vector<double> frames;
  std::uint64_t lost = 0;
  int good_closed = 0, stalled_closed = 0;
  double last_closed = 0;
  for (const auto& client : clients) {
    (client->stalled() ? stalled_closed : good_closed) += client->closed ? 1 : 0;
    if (client->stalled()) {
      if (client->closed) last_closed = std::max(last_closed, client->closed_at - began);
      continue;
    }
    frames.push_back(static_cast<double>(client->frames));
    lost += client->lost;
  }
  std::printf(
      "{\"clients\":%d,\"stalled\":%d,\"seconds\":%.1f,\"frames_min\":%.0f,\"frames_median\":%.0f,\"lost\":%llu,"
      "\"gap_p50_ms\":%.2f,\"gap_p99_ms\":%.2f,\"gap_max_ms\":%.2f,\"age_p50_ms\":%.2f,\"age_p95_ms\":%.2f,\"age_p99_"
      "ms\":%.2f,"
      "\"mbit_s\":%.1f,\"good_closed\":%d,\"stalled_closed\":%d,\"stalled_closed_after_s\":%.1f}\n",
      options.good, options.stalled, options.seconds, percentile(frames, 0), percentile(frames, 50),
      static_cast<unsigned long long>(lost), percentile(totals.gaps_ms, 50), percentile(totals.gaps_ms, 99),
      percentile(totals.gaps_ms, 100), percentile(totals.ages_ms, 50), percentile(totals.ages_ms, 95),
      percentile(totals.ages_ms, 99), static_cast<double>(totals.bytes) * 8 / 1e6 / options.seconds, good_closed,
      stalled_closed, last_closed);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* address = nullptr;
  if (::getaddrinfo(options.host.c_str(), options.port.c_str(), &hints, &address) != 0)
    fail("unknown host " + options.host);

  Totals totals;
  std::vector<std::unique_ptr<Client>> clients;
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < options.good + options.stalled; ++i) {
    const bool stalled = i >= options.good;
    if (options.rtsp) {
      clients.push_back(std::make_unique<RtspClient>(options, totals, stalled));
    } else {
      clients.push_back(std::make_unique<MjpegClient>(options, totals, stalled));
    }
    Client& client = *clients.back();
    client.open(address);
    epoll_event event{};
    // A stalled client reads nothing, but its end is noticed.
    event.events = stalled ? EPOLLRDHUP : EPOLLIN | EPOLLRDHUP;
    event.data.ptr = &client;
    ::epoll_ctl(poll, EPOLL_CTL_ADD, client.fd(), &event);
  }
  ::freeaddrinfo(address);

  const double began = now(CLOCK_MONOTONIC);
  const double count_from = began + options.warm_up, end = count_from + options.seconds;
  for (double t = began; t < end; t = now(CLOCK_MONOTONIC)) {
    if (!totals.counting && t >= count_from) {
      totals.counting = true;
      for (auto& client : clients) client->begin_count();
    }
    epoll_event events[64];
    const double until = totals.counting ? end : count_from;
    const int ready = ::epoll_wait(poll, events, 64, std::max(1, static_cast<int>((until - t) * 1000)));
    for (int i = 0; i < ready; ++i) {
      auto& client = *static_cast<Client*>(events[i].data.ptr);
      const bool open =
          client.stalled() ? (events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0 : client.read_some();
      if (open) continue;
      client.closed = true;
      client.closed_at = now(CLOCK_MONOTONIC);
      ::epoll_ctl(poll, EPOLL_CTL_DEL, client.fd(), nullptr);
    }
  }
  print(options, totals, clients, began);
  ::close(poll);
}
