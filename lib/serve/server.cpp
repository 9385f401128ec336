#include "serve/server.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "rtp/sdp.hpp"
#include "wire/open.hpp"

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

Fd listener_for(std::string_view name, const std::string& address, std::string_view option) {
  if (Fd inherited = net::inherited_listener(name)) return inherited;
  return net::listen_tcp(net::resolve_listen_address(address, option), option);
}

}  // namespace

Server::Server(Options options, cli::StopSignal& stop, cli::Telemetry& telemetry)
    : options_(std::move(options)),
      telemetry_(telemetry),
      ticker_(loop_, [this] { tick(); }),
      stop_watch_(loop_, stop.fd(), [this](int) { shut_down(); }) {
  raise_descriptor_limit();
  open_inputs();
  listen();
}

Server::~Server() {
  telemetry_.set_extra({});
  inputs_.clear();  // their threads, before what they report to
  http_.reset();
  rtsp_.reset();
}

void Server::open_inputs() {
  for (const InputSpec& spec : options_.inputs) {
    const bool ring = spec.endpoint.kind == wire::Endpoint::Kind::ring;
    input_fds_.push_back(ring ? Fd() : open_at_once(spec.endpoint));
    hub_.add_stream(spec.name, spec.rendition);
  }
}

void Server::listen() {
  ServerFacts facts{.instance = random_hex(8), .started_at_us = realtime_us()};
  Fd http = options_.http ? listener_for("http", *options_.http, "--http") : Fd();
  Fd rtsp = options_.rtsp ? listener_for("rtsp", *options_.rtsp, "--rtsp") : Fd();
  if (rtsp) {
    facts.rtsp_port = net::local_address(rtsp.get()).port();
    RtspServer::Options rtsp_options{.max_connections = options_.max_clients};
    rtsp_options.sessions.session.max_payload = options_.rtp_payload;
    rtsp_ = std::make_unique<RtspServer>(loop_, hub_, std::move(rtsp), rtsp_options);
  }
  if (!http) return;
  facts.http_port = net::local_address(http.get()).port();
  routes_ = std::make_unique<HttpRoutes>(loop_, hub_, facts, HttpRoutes::Options{.camenc = find_camenc()});
  http_ = std::make_unique<net::HttpServer>(
      loop_, std::move(http),
      [this](const net::HttpRequest& request, net::HttpReply reply) { routes_->handle(request, std::move(reply)); },
      net::HttpServer::Limits{.connections = options_.max_clients});
  http_->set_on_response(
      [this](int status) { hub_.count(fmt::format("http_responses_total{{status=\"{}\"}}", status)); });
}

void Server::announce() const {
  bool open = false;
  const auto listening = [&](const char* what, const net::Address& address, const char* scheme, std::string_view rest) {
    open = open || !address.is_loopback();
    log::info("{}: {}://{}/{}", what, scheme, url_authority(address), rest);
  };
  if (http_) listening("watch", http_->address(), "http", "");
  if (rtsp_) listening("play", rtsp_->address(), "rtsp", hub_.streams().front()->path());
  if (open)
    log::warning("listening for other machines: whoever reaches this one sees the streams, there are no users yet");
}

int Server::run() {
  telemetry_.set_extra([this] { return fmt::format("{} clients", clients_.load(std::memory_order_relaxed)); });
  stop_watch_.set(net::Watch::kRead);
  ticker_.start(0, kTickMs);
  announce();
  telemetry_.ready();
  for (std::size_t i = 0; i < input_fds_.size(); ++i) start_input(i);
  loop_.run();
  inputs_.clear();
  return static_cast<int>(failure_.value_or(ExitCode::ok));
}

void Server::start_input(std::size_t index) {
  const wire::Endpoint& endpoint = options_.inputs[index].endpoint;
  const std::string name = wire::shown_input(endpoint);
  const auto fd = std::make_shared<Fd>(std::move(input_fds_[index]));
  const auto make_reader = [this, fd, name, endpoint](int stop_fd) {
    wire::ReadOptions read{.stop_fd = stop_fd};
    if (endpoint.kind == wire::Endpoint::Kind::ring) {  // says itself what it carries
      read.on_waiting = [this, waits = false](bool now) mutable {
        if (now != std::exchange(waits, now)) count_waiting(now);
      };
      return wire::open_reader(endpoint, std::move(read));
    }
    read.input_format = options_.input_format;
    return wire::make_reader(std::move(*fd), name, std::move(read));
  };
  inputs_.push_back(std::make_unique<Input>(
      loop_, *hub_.streams()[index], name, make_reader, &telemetry_,
      Input::Events{.on_format = [this](Input& input, bool first) { on_format(input, first); },
                    .on_end = [this](Input& input, const Input::End& how) { on_input_end(input, how); }}));
}

void Server::on_format(Input& input, bool first) {
  if (first) on_first_format(input);
  const Stream& stream = input.stream();
  const auto& audio = stream.own_format()->audio;
  if (!rtsp_ || !audio || rtp::is_supported(*audio) || !told_of_audio_.insert(&stream).second) return;
  log::warning(
      "{}: its {} audio is left out of RTSP, which carries AAC, Opus and G.711 here: have the source send one of them",
      stream.path(), media::name(audio->codec));
}

/// In the thread of an input. While none has a writer there is nothing that this process could bring to flow.
void Server::count_waiting(bool more) {
  const std::size_t now = more ? ++waiting_ : --waiting_;
  telemetry_.set_waiting(now == options_.inputs.size());
}

void Server::on_first_format(Input& input) {
  const Stream& stream = input.stream();
  log::info("{}: {} from {}", stream.path(), media::describe(*stream.own_format()), input.name());
  for (const auto& other : hub_.streams()) {
    if (other.get() == &stream || other->path() != stream.path() || !other->has_codec(stream.format()->video.codec))
      continue;
    log::warning("{}: {} comes from two inputs: only the first given is served", stream.path(),
                 media::name(stream.format()->video.codec));
  }
}

void Server::on_input_end(Input& input, const Input::End& how) {
  if (how.failure) {
    log::error("{}{}", inputs_.size() > 1 ? input.stream().path() + ": " : "", how.reason);
    if (!failure_) failure_ = how.failure;
  } else {
    log::info("{}: {}: {}", input.stream().path(), input.name(), how.reason);
  }
  if (std::ranges::all_of(inputs_, [](const auto& one) { return one->ended(); })) drain();
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
  ending_since_ms_ = loop_.now_ms();
  draining_ = false;
  if (http_) http_->stop(true);
  if (rtsp_) rtsp_->stop(true);
  ticker_.start(0, kEndingTickMs);
}

void Server::tick() {
  telemetry_.alive();
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
