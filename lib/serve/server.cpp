#include "serve/server.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/faults.hpp"
#include "base/log.hpp"
#include "base/random.hpp"

namespace campipe::serve {

namespace {

constexpr std::int64_t kTickMs = 250;
constexpr std::int64_t kEndingTickMs = 20;
constexpr std::int64_t kDrainMs = 4'000;     // for clients to take the last frames
constexpr std::int64_t kShutDownMs = 1'200;  // for closing; a StopSignal gives 2 s

/// One descriptor a client: as many as the system lets us have.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 65536);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// What a user types: a socket on all addresses is reached by the host's name.
std::string url_authority(const net::Address& address) {
  if (!address.is_any()) return address.to_string();
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return address.to_string();
  return fmt::format("{}:{}", name.data(), address.port());
}

/// 0 when none has a port.
int first_port(const std::vector<net::Address>& addresses) {
  const auto found = std::ranges::find_if(addresses, [](const net::Address& a) { return a.port() > 0; });
  return found == addresses.end() ? 0 : found->port();
}

}  // namespace

Server::Server(Options options, cli::StopSignal& stop, cli::Telemetry& telemetry)
    : options_(std::move(options)),
      telemetry_(telemetry),
      inputs_(loop_, hub_, telemetry,
              {.specs = options_.inputs,
               .input_format = options_.input_format,
               .rtsp = !options_.listen.rtsp.empty() || options_.listen.rtsp_follows,
               .required = options_.required},
              [this] { drain(); }),
      ticker_(loop_, [this] { tick(); }),
      stop_watch_(loop_, stop.fd(), [this](int) { shut_down(); }) {
  raise_descriptor_limit();
  listen();
}

Server::~Server() {
  telemetry_.set_extra({});
  inputs_.stop();  // their threads, before what they report to
  http_.reset();
  rtsp_.reset();
}

void Server::listen() {
  status::ServerFacts facts{.instance = random_hex(8), .started_at_us = realtime_us()};
  if (!options_.access_log.empty())
    request_log_ = std::make_unique<access::RequestLog>(loop_, hub_, options_.access_log);
  Listening sockets = start_listening(options_.listen);
  for (const Fd& fd : sockets.http) http_at_.push_back(net::local_address(fd.get()));
  for (const Fd& fd : sockets.rtsp) rtsp_at_.push_back(net::local_address(fd.get()));
  for (net::SocketFile& file : sockets.files) socket_files_.push_back(std::move(file));
  facts.http_port = first_port(http_at_);
  facts.rtsp_port = first_port(rtsp_at_);
  serve_rtsp(std::move(sockets.rtsp));
  if (!sockets.http.empty()) serve_http(std::move(sockets.http), facts);
}

void Server::serve_rtsp(std::vector<Fd> sockets) {
  for (Fd& rtsp : sockets) {
    if (rtsp_) {
      rtsp_->add_listener(std::move(rtsp));
      continue;
    }
    rtsp::Server::Options rtsp_options{.max_connections = options_.max_clients};
    rtsp_options.sessions.session.max_payload = options_.rtp_payload;
    rtsp_options.sessions.max_sessions = options_.max_clients;
    rtsp_options.sessions.session.join = options_.join;
    rtsp_options.sessions.requests = request_log_.get();
    rtsp_ = std::make_unique<rtsp::Server>(loop_, hub_, std::move(rtsp), rtsp_options);
  }
}

void Server::serve_http(std::vector<Fd> sockets, const status::ServerFacts& facts) {
  http::Routes::Options options{.camenc = still::find_camenc()};
  options.hosts = access::HostRules(options_.hosts);
  options.rtsp_at = rtsp_at_;
  routes_ = std::make_unique<http::Routes>(loop_, hub_, facts, std::move(options));
  http_ = std::make_unique<net::HttpServer>(
      loop_, std::move(sockets.front()),
      [this](const net::HttpRequest& request, net::HttpReply reply) { routes_->handle(request, std::move(reply)); },
      net::HttpServer::Limits{.connections = options_.max_clients});
  for (Fd& another : std::span(sockets).subspan(1)) http_->add_listener(std::move(another));
  http_->set_on_response(
      [this](int status) { hub_.count(fmt::format("http_responses_total{{status=\"{}\"}}", status)); });
  if (!request_log_) return;
  http_->set_on_served([this](const net::HttpServed& served) {
    const std::string host = served.peer.host();
    request_log_->write({.peer_host = host,
                         .line = served.line,
                         .status = served.status,
                         .bytes = served.bytes,
                         .referer = served.referer,
                         .user_agent = served.user_agent,
                         .duration_ms = served.duration_ms});
  });
}

void Server::announce() const {
  bool open = false;
  const auto listening = [&](const char* what, const net::Address& address, const char* scheme, std::string_view rest) {
    open = open || !address.is_loopback();
    if (address.is_unix())
      log::info("{}: curl --unix-socket {} {}://localhost/{}", what, address.to_string().substr(5), scheme, rest);
    else
      log::info("{}: {}://{}/{}", what, scheme, url_authority(address), rest);
  };
  for (const net::Address& address : http_at_) listening("watch", address, "http", "");
  for (const net::Address& address : rtsp_at_)
    listening("play", address, "rtsp", hub_.streams().empty() ? "NAME" : hub_.streams().front()->path());
  if (open)
    log::warning("listening for other machines: whoever reaches this one sees the streams, there are no users yet");
}

int Server::run() {
  telemetry_.set_extra([this] { return fmt::format("{} clients", clients_.load(std::memory_order_relaxed)); });
  stop_watch_.set(net::Watch::kRead);
  ticker_.start(0, kTickMs);
  announce();
  telemetry_.ready();
  inputs_.start();
  loop_.run();
  inputs_.stop();
  if (stopped_) return static_cast<int>(ExitCode::ok);  // an input's failure has been told, and the others were served
  return static_cast<int>(inputs_.failure().value_or(ExitCode::ok));
}

void Server::drain() {
  if (ending_since_ms_ >= 0) return;
  ending_since_ms_ = loop_.now_ms();
  draining_ = true;
  if (http_) http_->stop(false);
  if (rtsp_) rtsp_->stop(false);
  ticker_.start(0, kEndingTickMs);
}

void Server::shut_down() {
  stop_watch_.set(0);
  stopped_ = true;
  ending_since_ms_ = loop_.now_ms();
  draining_ = false;
  if (http_) http_->stop(true);
  if (rtsp_) rtsp_->stop(true);
  ticker_.start(0, kEndingTickMs);
}

void Server::tick() {
  telemetry_.alive();
  faults::contain("inputs", [this] { inputs_.tick(); });
  if (request_log_) faults::contain("access log", [this] { request_log_->tick(); });
  clients_.store(count_clients(), std::memory_order_relaxed);
  if (ending_since_ms_ < 0) return;
  const std::int64_t age = loop_.now_ms() - ending_since_ms_;
  if (connections() == 0 || age >= (draining_ ? kDrainMs : kShutDownMs)) loop_.stop();
}

std::size_t Server::connections() const {
  return (http_ ? http_->connections() : 0) + (rtsp_ ? rtsp_->connection_count() + rtsp_->session_count() : 0);
}

std::size_t Server::count_clients() const {
  std::size_t count = 0;
  for (const auto& stream : hub_.streams()) count += stream->client_count();
  return count;
}

}  // namespace campipe::serve
