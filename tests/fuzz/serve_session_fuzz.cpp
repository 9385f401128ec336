// Whole dialogues with the HTTP and the RTSP server over a real connection. The first byte chooses the server, the
// second how the client's bytes are cut; '@' behind "Session: " is the id that the server gave last. The server answers
// in its own language and has no connection left when the client is gone.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>

#include "net/http_server.hpp"
#include "serve/http/routes.hpp"
#include "serve/hub/hub.hpp"
#include "serve/rtsp/server.hpp"

namespace {

using namespace campipe;

constexpr std::chrono::seconds kLimit{20};  // the kernel may have other things to do
constexpr const char* kServer = "127.0.0.2:0";
constexpr const char* kClient = "127.0.0.3:0";  // where media of a chosen port hits nobody

void require(bool holds) {
  if (!holds) std::abort();
}

std::vector<std::byte> annex_b(std::string_view payload) {
  std::vector<std::byte> out;
  for (const char c : payload) out.push_back(static_cast<std::byte>(c));
  return out;
}

media::Packet packet(std::int64_t number, std::string_view payload) {
  media::Packet out;
  out.pts_us = 1'700'000'000'000'000 + number * 40'000;
  out.keyframe = true;
  out.payload = media::Payload::from(annex_b(payload));
  return out;
}

void turn_until(net::Loop& loop, const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + kLimit;
  for (int turn = 0; !done(); ++turn) {
    require(std::chrono::steady_clock::now() < deadline);
    loop.run_once(false);
    if (turn > 100) ::sched_yield();
  }
}

class Client {
public:
  Client(net::Loop& loop, const net::Address& server) : loop_(loop), fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const net::Address own = net::resolve_listen_address(kClient, "");
    require(::bind(fd_.get(), own.get(), own.length) == 0);
    require(::connect(fd_.get(), server.get(), server.length) == 0);
    ::fcntl(fd_.get(), F_SETFL, O_NONBLOCK);
  }

  void say(std::string_view text) {
    std::string filled(text);
    constexpr std::string_view kMark = "Session: @";
    for (std::size_t at = 0; !session_.empty() && (at = filled.find(kMark, at)) != std::string::npos;)
      filled.replace(at + kMark.size() - 1, 1, session_);
    (void)::send(fd_.get(), filled.data(), filled.size(), MSG_NOSIGNAL);
    for (int turn = 0; turn < 4; ++turn) loop_.run_once(false);
    hear();
  }

  void hear() {
    std::array<char, 65536> buffer;
    ssize_t got = 0;
    while ((got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0)) > 0) {
      heard_.append(buffer.data(), static_cast<std::size_t>(got));
      if (heard_.size() > (std::size_t{1} << 20)) heard_.erase(0, heard_.size() / 2), cut_ = true;
    }
    constexpr std::string_view kMark = "\r\nSession: ";
    const std::size_t at = heard_.rfind(kMark);
    if (at != std::string::npos)
      session_ = heard_.substr(at + kMark.size(), heard_.find_first_of(";\r", at + kMark.size()) - at - kMark.size());
  }

  void check(std::string_view protocol) const {
    require(cut_ || heard_.empty() || heard_.starts_with(protocol) || heard_.starts_with("HTTP/1.1 501 "));
  }

  /// By a reset: nothing of thousands of connections waits in the kernel.
  void go() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    fd_.reset();
  }

private:
  net::Loop& loop_;
  Fd fd_;
  std::string heard_, session_;
  bool cut_ = false;
};

void talk(net::Loop& loop, const net::Address& server, std::string_view data, std::string_view protocol,
          const std::function<std::size_t()>& connections) {
  Client client(loop, server);
  turn_until(loop, [&] { return connections() > 0; });
  const std::size_t piece = data[1] == 0 ? data.size() : static_cast<unsigned char>(data[1]) * std::size_t{4};
  for (std::string_view rest = data.substr(2); !rest.empty(); rest.remove_prefix(std::min(piece, rest.size())))
    client.say(rest.substr(0, piece));
  client.check(protocol);
  client.go();
  turn_until(loop, [&] { return connections() == 0; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  net::Loop loop;
  serve::hub::Hub hub;
  serve::hub::Stream& h264 = hub.add_stream("cam", "");
  serve::hub::Stream& mjpeg = hub.add_stream("cam", "");
  media::StreamFormat format;
  format.video.codec = media::VideoCodec::h264;
  format.video.size = {640, 360};
  format.video.parameter_sets = annex_b({"\0\0\0\1\x67\x42\xC0\x1E\xD9\1\0\0\0\1\x68\xCB\x83\xCB", 18});
  h264.set_format(format);
  format.video.codec = media::VideoCodec::mjpeg;
  format.video.parameter_sets.clear();
  mjpeg.set_format(format);
  for (int i = 0; i < 3; ++i) {
    h264.push(packet(i, {"\0\0\0\1\x67\x42\xC0\x1E\xD9\1\0\0\0\1\x68\xCB\x83\xCB\0\0\0\1\x65picture", 30}));
    mjpeg.push(packet(i, "\xFF\xD8picture\xFF\xD9"));
  }
  Fd listener = net::listen_tcp(net::resolve_listen_address(kServer, ""), "");
  if ((data[0] & 1) == 0) {
    serve::http::Routes routes(loop, hub, {.instance = "fuzz"}, {.wait_ms = 0, .camenc = "/nonexistent/camenc"});
    net::HttpServer server(loop, std::move(listener), [&](const net::HttpRequest& request, net::HttpReply reply) {
      routes.handle(request, std::move(reply));
    });
    talk(loop, server.address(), bytes, "HTTP/1.1 ", [&] { return server.connections(); });
  } else {
    serve::rtsp::Server server(loop, hub, std::move(listener));
    talk(loop, server.address(), bytes, "RTSP/1.0 ", [&] { return server.connection_count(); });
  }
  return 0;
}
