#include "serve/listening.hpp"

#include <algorithm>
#include <functional>
#include <string_view>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/stable_sort.hpp"
#include "net/address.hpp"
#include "net/inherited.hpp"
#include "net/listener.hpp"

namespace campipe::serve {

namespace {

constexpr int kRtspPort = 8554;

bool is_rtsp(const net::InheritedSocket& socket) {
  if (socket.name.find("rtsp") != std::string::npos) return true;
  if (socket.name.find("http") != std::string::npos) return false;
  const int port = net::local_address(socket.fd.get()).port();
  return port == 554 || port == 8554;
}

Fd open_http(const std::string& text, const ListenAt& at, std::vector<net::SocketFile>& files) {
  const net::Address address = net::resolve_listen_address(text, "--http");
  if (!address.is_unix()) return net::listen_tcp(address, "--http");
  net::UnixListener listener = net::listen_unix(address, at.socket_mode, "--http");
  files.push_back(std::move(listener.file));
  return std::move(listener.fd);
}

Fd open_rtsp(const std::string& text) {
  const net::Address address = net::resolve_listen_address(text, "--rtsp");
  if (address.is_unix())
    throw Error(ExitCode::usage, fmt::format("--rtsp {}: players know no unix sockets: give ADDR:PORT", text));
  return net::listen_tcp(address, "--rtsp");
}

/// Where RTSP listens when only HTTP was given; sockets of all addresses first, which take in the others.
std::vector<net::Address> hosts_for_rtsp(const std::vector<Fd>& http) {
  std::vector<net::Address> hosts;
  for (const Fd& fd : http) hosts.push_back(net::local_address(fd.get()));
  std::erase_if(hosts, [](const net::Address& host) { return host.is_unix() || host.length == 0; });
  if (hosts.empty()) hosts.push_back(net::resolve_listen_address("127.0.0.1:0", "--rtsp"));
  stable_sort_by(hosts,
                 [](const net::Address& host) { return host.is_any() ? -1 - static_cast<int>(host.is_ipv6()) : 0; });
  return hosts;
}

std::vector<Fd> follow_http(const std::vector<Fd>& http) {
  std::vector<Fd> out;
  std::vector<net::Address> tried;
  for (net::Address host : hosts_for_rtsp(http)) {
    if (std::ranges::any_of(tried, [&](const net::Address& other) { return other.takes_in(host); })) continue;
    host.set_port(kRtspPort);
    tried.push_back(host);
    try {
      out.push_back(net::listen_tcp(host, "--rtsp"));
    } catch (const Error& error) {
      log::warning("RTSP is not served on {}: {}", host.host(), error.what());
    }
  }
  return out;
}

}  // namespace

Listening start_listening(const ListenAt& at) {
  Listening out;
  for (net::InheritedSocket& socket : net::inherited_listeners()) {
    const bool rtsp = is_rtsp(socket);
    if (rtsp && net::local_address(socket.fd.get()).is_unix())
      throw Error(ExitCode::usage, "the inherited socket '" + socket.name + "': RTSP is not served on unix sockets");
    if (rtsp ? at.rtsp.empty() && !at.rtsp_follows : at.http.empty()) {
      log::warning("the inherited socket {} is not served: --{} none", net::local_address(socket.fd.get()).to_string(),
                   rtsp ? "rtsp" : "http");
      continue;
    }
    (rtsp ? out.rtsp : out.http).push_back(std::move(socket.fd));
  }
  if (out.http.empty()) {
    for (const std::string& text : at.http) out.http.push_back(open_http(text, at, out.files));
  }
  if (out.rtsp.empty()) {
    for (const std::string& text : at.rtsp) out.rtsp.push_back(open_rtsp(text));
    if (at.rtsp_follows) out.rtsp = follow_http(out.http);
  }
  return out;
}

}  // namespace campipe::serve
