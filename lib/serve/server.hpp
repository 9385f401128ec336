#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "cli/signals.hpp"
#include "cli/telemetry.hpp"
#include "net/http_server.hpp"
#include "net/loop.hpp"
#include "serve/access/request_log.hpp"
#include "serve/http/routes.hpp"
#include "serve/hub/hub.hpp"
#include "serve/input/inputs.hpp"
#include "serve/listening.hpp"
#include "serve/rtsp/server.hpp"

namespace campipe::serve {

/// The whole of camserve: inputs, hub, servers, and when it all ends.
class Server {
public:
  struct Options {
    std::vector<input::Spec> inputs;
    std::string input_format;           ///< wire::stream::ReadOptions::input_format, for all inputs
    std::vector<std::string> required;  ///< input::Inputs::Options::required
    ListenAt listen;
    std::size_t rtp_payload = campipe::rtp::kDefaultMaxPayload;  ///< bytes, at least 256
    rtp::Join join = rtp::Join::idr;
    std::size_t max_clients = 1000;
    std::vector<std::string> hosts;  ///< names beside its own by which HTTP may ask: access::parse_rule()
    std::string access_log;          ///< path; "": none
  };

  /// Opens the inputs and listens. Throws Error.
  Server(Options options, cli::StopSignal& stop, cli::Telemetry& telemetry);
  ~Server();

  /// Until a stop is asked for or all inputs have ended; answers the exit code.
  int run();

private:
  void listen();
  void serve_rtsp(std::vector<Fd> sockets);
  void serve_http(std::vector<Fd> sockets, const status::ServerFacts& facts);
  void announce() const;
  /// The inputs are done: clients get what there is, then it ends.
  void drain();
  void shut_down();
  void tick();
  std::size_t connections() const;
  std::size_t count_clients() const;

  Options options_;
  cli::Telemetry& telemetry_;
  std::vector<net::SocketFile> socket_files_;
  std::vector<net::Address> http_at_, rtsp_at_;  // for announce()
  net::Loop loop_;
  hub::Hub hub_;
  input::Inputs inputs_;
  std::unique_ptr<access::RequestLog> request_log_;  // before the servers that write to it
  std::unique_ptr<http::Routes> routes_;
  std::unique_ptr<net::HttpServer> http_;
  std::unique_ptr<rtsp::Server> rtsp_;
  std::atomic<std::size_t> clients_ = 0;  // for the telemetry's thread
  std::int64_t ending_since_ms_ = -1;
  bool stopped_ = false;  // by a signal
  bool draining_ = false;
  net::Timer ticker_;
  net::Watch stop_watch_;
};

}  // namespace campipe::serve
