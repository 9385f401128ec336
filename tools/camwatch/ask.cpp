#include "ask.hpp"

#include <cstdio>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "cli/signals.hpp"
#include "run.hpp"
#include "watch/control/changes.hpp"
#include "watch/control/paths.hpp"
#include "watch/control/server.hpp"
#include "watch/control/status.hpp"
#include "watch/log/view.hpp"

namespace campipe {

namespace {

constexpr int kInTrouble = 1;  ///< `status`: something fails

/// The configuration for a command that needs of it only where things are: a file that has since been broken must not
/// keep anybody from stopping what runs.
watch::config::Config places(const WatchOptions& options) {
  try {
    return read_config(options);
  } catch (const watch::config::ConfigError& error) {
    log::warning("{}", error.what());
  } catch (const Error&) {
    if (!options.config.empty()) throw;
  }
  return {};
}

/// Sends a command; what camwatch refuses is an Error with the code it gives.
std::string ask(const WatchOptions& options, const watch::config::Config& config, const std::string& command,
                watch::config::Duration timeout) {
  const nlohmann::json request{{"command", command}, {"target", options.target}};
  std::string answer =
      watch::control::ask_control(control_socket(options, config, watch::control::control_socket_to_ask()),
                                  request.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), timeout);
  const auto parsed = nlohmann::json::parse(answer, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("ok"))
    throw Error(ExitCode::protocol, "camwatch answered something else");
  if (parsed.at("ok") == true) return answer;
  throw Error(static_cast<ExitCode>(parsed.value("code", 70)), parsed.value("message", "refused"));
}

/// Of the camwatch that runs, else of the configuration.
std::string present_log_dir(const WatchOptions& options, const watch::config::Config& config) {
  try {
    const auto answer =
        nlohmann::json::parse(ask({.config = {}, .control = options.control, .target = {}, .pipeline = {}}, config,
                                  "status", std::chrono::seconds(10)),
                              nullptr, false);
    return answer.value("log_dir", log_dir(config));
  } catch (const Error&) {
    return log_dir(config);
  }
}

}  // namespace

int status(const WatchOptions& options) {
  const std::string answer =
      watch::control::only(ask(options, places(options), "status", std::chrono::seconds(10)), options.target);
  std::fputs(options.json ? (answer + "\n").c_str() : watch::control::table_of(answer).c_str(), stdout);
  return watch::control::is_in_trouble(answer) ? kInTrouble : 0;
}

int command(const WatchOptions& options, const char* name) {
  ask(options, places(options), name, std::chrono::minutes(2));
  return 0;
}

int reload(const WatchOptions& options) {
  // With a file in which check finds faults nobody is asked; where only the socket is given the other side reads its
  // own.
  watch::config::Config config;
  if (options.control.empty() || !options.config.empty()) {
    try {
      config = read_config(options);
      if (find_faults(config)) return static_cast<int>(ExitCode::config);
    } catch (const Error& error) {
      if (!options.config.empty() || error.code() == ExitCode::config) throw;
    }
  }
  const std::string answer = ask(options, config, "reload", std::chrono::minutes(2));
  std::fputs(watch::control::list_of_changes(answer).c_str(), stdout);
  return 0;
}

int logs(const WatchOptions& options) {
  const watch::config::Config config = places(options);
  const std::size_t slash = options.target.find('/');
  watch::log::Request request{.dir = present_log_dir(options, config),
                              .chain = options.target.substr(0, slash),
                              .stage = slash == std::string::npos ? "" : options.target.substr(slash + 1),
                              .lines = options.lines,
                              .follow = options.follow};
  if ((!request.chain.empty() && !watch::config::is_name(request.chain)) ||
      (!options.target.empty() && request.chain.empty())) {
    throw Error(ExitCode::no_input, fmt::format("'{}' is no CHAIN[/STAGE]", options.target));
  }
  std::optional<cli::StopSignal> stop;
  if (request.follow) request.stop_fd = stop.emplace().fd();
  watch::log::show_logs(request, [](std::string_view line) {
    std::string text(line);
    text += '\n';
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && (std::fflush(stdout) == 0);
  });
  return 0;
}

}  // namespace campipe
