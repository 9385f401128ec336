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
    std::vector<InputSpec> inputs;
    std::string input_format;  ///< wire::stream::ReadOptions::input_format, for all inputs
    ListenAt listen;
    std::size_t rtp_payload = rtp::kDefaultMaxPayload;  ///< bytes, at least 256
    RtspJoin join = RtspJoin::idr;
    std::size_t max_clients = 1000;
  };

  /// Opens the inputs and listens. Throws Error.
  Server(Options options, cli::StopSignal& stop, cli::Telemetry& telemetry);
  ~Server();

  /// Until a stop is asked for or all inputs have ended; answers the exit code.
  int run();

private:
  void listen();
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
  Hub hub_;
  Inputs inputs_;
  std::unique_ptr<HttpRoutes> routes_;
  std::unique_ptr<net::HttpServer> http_;
  std::unique_ptr<RtspServer> rtsp_;
  std::atomic<std::size_t> clients_ = 0;  // for the telemetry's thread
  std::int64_t ending_since_ms_ = -1;
  bool draining_ = false;
  net::Timer ticker_;
  net::Watch stop_watch_;
};

}  // namespace campipe::serve
