#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/log.hpp"
#include "cli/app.hpp"
#include "cli/plan.hpp"
#include "cli/run.hpp"
#include "cli/signals.hpp"
#include "cli/telemetry.hpp"
#include "net/address.hpp"
#include "serve/access/host_rules.hpp"
#include "serve/server.hpp"

namespace {

using namespace campipe;

constexpr const char* kDescription =
    "Serve live streams: MJPEG, stills and a viewer page over HTTP, H.264 and MJPEG over RTSP.\n"
    "Inputs are [NAME[/RENDITION]=]ENDPOINT with ENDPOINT -, fd:N, a path or shm:NAME; the default is cam=-.\n"
    "shm:PATTERN with * and ? follows all rings of such names; each is a stream called by its name up to the dot.";

constexpr const char* kExamples =
    "  camgrab | camenc | camserve                    then open http://127.0.0.1:8080/\n"
    "  camgrab | camenc -c h264 | camserve            then play rtsp://127.0.0.1:8554/cam\n"
    "  camserve front=/run/front.fifo yard=/run/yard.fifo --http :8080\n"
    "  camserve cam/high=fd:3 cam/low=fd:4            two renditions of one camera\n"
    "  camserve shm:front.h264 shm:front.mjpeg        \"front\" out of two rings\n"
    "  camserve 'shm:*.h264' 'shm:*.mjpeg'            all rings of these, as they come and go\n"
    "  curl -o now.jpg http://127.0.0.1:8080/snapshot/cam.jpg\n";

/// What was given for a protocol; "none" alone means nothing.
std::vector<std::string> addresses(std::vector<std::string> given, const char* usual, const char* option) {
  if (given.empty()) return {usual};
  if (std::ranges::find(given, "none") == given.end()) return given;
  if (given.size() > 1) throw Error(ExitCode::usage, std::string(option) + " none: there is another beside it");
  return {};
}

std::optional<mode_t> socket_mode(const std::string& text) {
  if (text.empty()) return std::nullopt;
  if (text.size() > 4 || text.find_first_not_of("01234567") != std::string::npos)
    throw Error(ExitCode::usage, "--socket-mode: '" + text + "' is no mode like 660");
  return static_cast<mode_t>(std::stoul(text, nullptr, 8)) & 0777;
}

cli::Plan plan_of(const serve::Server::Options& options) {
  cli::Plan plan;
  for (const auto& input : options.inputs) plan.inputs.push_back(input.endpoint.text);
  const auto add = [&](const std::vector<std::string>& addresses, const char* option) {
    for (const std::string& text : addresses) {
      net::resolve_listen_address(text, option);  // throws
      plan.listens.push_back(text);
    }
  };
  add(options.listen.http, "--http");
  add(options.listen.rtsp, "--rtsp");
  return plan;
}

int body(int argc, char** argv) {
  cli::App app("camserve", kDescription, kExamples);
  std::vector<std::string> inputs;
  std::vector<std::string> http, rtsp;
  std::string mode;
  serve::Server::Options options;
  std::int64_t max_clients = 1000, rtp_payload = static_cast<std::int64_t>(options.rtp_payload);
  app->add_option("input", inputs, "What to serve, see above")->type_name("[NAME[/RENDITION]=]ENDPOINT");
  app.group("Source");
  app->add_option("--input-format", options.input_format,
                  "nut, mjpeg, h264 or h265 for all inputs (default: recognised by the first bytes)")
      ->type_name("FORMAT:{nut,mjpeg,h264,h265}");
  app->add_option("--require", options.required,
                  "A stream that has to be there and flow for /health, also where a pattern brings it; may be repeated")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.group("Network");
  app->add_option("--http", http,
                  "Where HTTP listens (default 127.0.0.1:8080); :8080 = all addresses, port 0 = any, none = off,\n"
                  "unix:PATH = a unix socket; may be repeated")
      ->type_name("ADDR:PORT")
      ->allow_extra_args(false);
  app->add_option(
         "--rtsp", rtsp,
         "Where RTSP listens, likewise but for unix sockets (default 127.0.0.1:8554; with --http alone: on its\n"
         "hosts at 8554, where that is free)")
      ->type_name("ADDR:PORT")
      ->allow_extra_args(false);
  app->add_option("--socket-mode", mode,
                  "Permissions of unix sockets, like 660 (default: what the umask leaves of 777)")
      ->type_name("OCTAL");
  app->add_option(
         "--host", options.hosts,
         "Another name that HTTP is asked by, like cam.example.org or *.example.org; may be repeated. Addresses,\n"
         "names without a dot and this machine's own are always right, others get 421")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app->add_option("--access-log", options.access_log,
                  "A line for each HTTP request and RTSP session, when it is over, at the end of this file")
      ->type_name("FILE");
  app.integer("--max-clients", max_clients, 1, 60000, "Connections at a time, more get 503 (default 1000)");
  app.integer("--rtp-payload", rtp_payload, 256, 8900,
              "Largest RTP payload in bytes (default 1440: fits Ethernet); less for a VPN");
  std::string join = "idr";
  app->add_option("--join", join,
                  "Where RTSP players of H.264 and H.265 begin: idr (default) asks for a keyframe where it can, else\n"
                  "begins like gop: with the newest keyframe and all since; wait: with the next that comes")
      ->check(CLI::IsMember({"idr", "gop", "wait"}))
      ->type_name("WHERE");
  for (const char* option : {"-p", "--port"}) app.hint(option, "use --http :PORT, or --rtsp :PORT");
  for (const char* option : {"-i", "--input"}) app.hint(option, "inputs are given without: camserve [NAME=]ENDPOINT");
  if (const auto code = app.parse(argc, argv)) return *code;

  for (std::string& host : options.hosts) host = serve::access::parse_rule(host);
  if (inputs.empty()) inputs.emplace_back("cam=-");
  for (const std::string& input : inputs) options.inputs.push_back(serve::input::parse_spec(input));
  const bool follows = !http.empty() && rtsp.empty() && std::ranges::find(http, "none") == http.end();
  options.listen = {
      .http = addresses(std::move(http), "127.0.0.1:8080", "--http"),
      .rtsp = follows ? std::vector<std::string>{} : addresses(std::move(rtsp), "127.0.0.1:8554", "--rtsp"),
      .socket_mode = socket_mode(mode),
      .rtsp_follows = follows};
  if (options.listen.http.empty() && options.listen.rtsp.empty() && !follows)
    throw Error(ExitCode::usage, "--http none --rtsp none: nothing would be served");
  options.rtp_payload = static_cast<std::size_t>(rtp_payload);
  options.join = join == "gop"    ? serve::rtp::Join::gop
                 : join == "wait" ? serve::rtp::Join::wait
                                  : serve::rtp::Join::idr;
  options.max_clients = static_cast<std::size_t>(max_clients);

  if (app.common().check) return cli::print(plan_of(options));

  std::function<void()> hangup;  // the access log is opened anew by itself, and nothing else is read twice
  if (!cli::has_terminal())
    hangup = [] { log::info("SIGHUP: goes on; a log that was moved is made anew within a second"); };
  using namespace std::chrono_literals;
  cli::StopSignal stop(2s, 500ms, std::move(hangup));
  cli::Telemetry telemetry({.stats_interval = app.common().stats});
  serve::Server server(std::move(options), stop, telemetry);
  return server.run();
}

}  // namespace

int main(int argc, char** argv) {
  return campipe::cli::run("camserve", [&] { return body(argc, argv); });
}
