#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "cli/app.hpp"
#include "cli/run.hpp"
#include "cli/signals.hpp"
#include "watch/config/config.hpp"
#include "watch/config/pipeline.hpp"
#include "watch/control/paths.hpp"
#include "watch/control/server.hpp"
#include "watch/control/status.hpp"
#include "watch/log/view.hpp"
#include "watch/overview.hpp"
#include "watch/supervisor.hpp"

namespace {

using namespace campipe;

struct Options {
  std::string config;   // -c
  std::string control;  // --control
  std::string target;   // CHAIN[/STAGE]
  std::vector<std::string> pipeline;
  bool echo = false, json = false, follow = false;
  std::int64_t lines = 50;
};

constexpr const char* kExamples =
    "  camwatch run -- 'camgrab pattern | camenc | camserve'\n"
    "  camwatch check -c cameras.yaml\n"
    "  camwatch run -c cameras.yaml\n"
    "  camwatch status\n"
    "  camwatch logs -f front/enc\n"
    "  camwatch restart front/enc\n"
    "  camwatch stop";

watch::config::Config read_config(const Options& options) {
  return watch::config::load_config(options.config.empty() ? watch::control::default_config_path() : options.config);
}

/// The configuration for a command that needs of it only where things are: a file that has since been broken must not
/// keep anybody from stopping what runs.
watch::config::Config places(const Options& options) {
  try {
    return read_config(options);
  } catch (const watch::config::ConfigError& error) {
    log::warning("{}", error.what());
  } catch (const Error&) {
    if (!options.config.empty()) throw;
  }
  return {};
}

std::string control_socket(const Options& options, const watch::config::Config& config, const std::string& otherwise) {
  if (!options.control.empty()) return options.control;
  return config.control_socket.empty() ? otherwise : config.control_socket;
}

std::string log_dir(const watch::config::Config& config) {
  return config.log.dir.empty() ? watch::control::default_log_dir() : config.log.dir;
}

int run(const Options& options, const cli::CommonOptions& common) {
  if (options.pipeline.size() > 1)
    throw Error(ExitCode::usage, "the pipeline is one word: put it in quotes, camwatch run -- 'camgrab | camserve'");
  const bool single = !options.pipeline.empty();
  if (single && !options.config.empty())
    throw Error(ExitCode::usage, "-c and a pipeline at the same time: one of them");
  watch::config::Config config =
      single ? watch::config::parse_pipeline(options.pipeline.front()) : read_config(options);
  watch::check_programs(config);
  watch::warn_of_passwords(config);
  config.log.dir = log_dir(config);
  watch::control::make_folder(config.log.dir, false);
  const std::string control = control_socket(options, config, watch::control::default_control_socket());
  watch::process::Loop loop;
  watch::process::SystemProcesses processes;
  watch::Supervisor supervisor(
      std::move(config),
      {.control_socket = control, .echo = options.echo || single, .single = single, .stats = common.stats}, loop,
      processes);
  return supervisor.run();
}

int check(const Options& options) {
  const watch::config::Config config = read_config(options);
  watch::check_programs(config);
  watch::warn_of_passwords(config);
  std::size_t stages = 0;
  for (const auto& chain : config.chains) stages += chain.stages.size();
  fmt::print("{}: OK, chains: {}, stages: {}\n{}", config.file, config.chains.size(), stages, watch::tree_of(config));
  return 0;
}

/// Sends a command; what camwatch refuses is an Error with the code it gives.
std::string ask(const Options& options, const watch::config::Config& config, const std::string& command,
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

int status(const Options& options) {
  const std::string answer = ask(options, places(options), "status", std::chrono::seconds(10));
  std::fputs(options.json ? (answer + "\n").c_str() : watch::control::table_of(answer).c_str(), stdout);
  return 0;
}

int command(const Options& options, const char* name) {
  ask(options, places(options), name, std::chrono::minutes(2));
  return 0;
}

/// Of the camwatch that runs, else of the configuration.
std::string present_log_dir(const Options& options, const watch::config::Config& config) {
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

int logs(const Options& options) {
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

}  // namespace

int main(int argc, char** argv) {
  return cli::run("camwatch", [&] {
    Options options;
    cli::App app("camwatch", "Runs chains of programs joined by pipes, watches that frames flow, restarts what stops.",
                 kExamples);
    app->require_subcommand(1);
    app->set_help_all_flag("--help-all", "Print the help of all commands and exit")->group("General");

    const auto add = [&](const char* name, const char* what) {
      CLI::App* sub = app.subcommand(name, what);
      sub->add_option("-c,--config", options.config, "Configuration, see camwatch.yaml(5)")->type_name("FILE");
      sub->add_option("--control", options.control, "Control socket of the camwatch that is meant")
          ->type_name("SOCKET");
      return sub;
    };
    const auto targeted = [&](CLI::App* sub, bool needed) {
      sub->add_option("target", options.target, "A chain, or one stage of it")
          ->type_name("CHAIN[/STAGE]")
          ->required(needed);
      return sub;
    };
    CLI::App* const run_command =
        add("run", "Run the chains of a configuration, or one pipeline given in quotes after --");
    run_command->add_flag("--echo", options.echo,
                          "Print the lines of the stages on stderr too (a pipeline's always are)");
    run_command->add_option("pipeline", options.pipeline, "A pipeline as in a shell, but run without one")
        ->type_name("'PIPELINE'");
    CLI::App* const check_command = add("check", "Check a configuration and show its chains");
    CLI::App* const status_command = add("status", "Show what runs");
    status_command->add_flag("--json", options.json, "As JSON");
    CLI::App* const logs_command = targeted(add("logs", "Show what the stages have written on stderr"), false);
    logs_command->add_flag("-f,--follow", options.follow, "Go on with new lines as they come");
    logs_command
        ->add_option_function<std::string>(
            "-n,--lines",
            [&](const std::string& text) {
              const auto number = parse_integer(text, 0, 1'000'000);
              if (!number) throw CLI::ValidationError(fmt::format("--lines: cannot use '{}': a whole number", text));
              options.lines = *number;
            },
            "Lines of the past to show (default 50)")
        ->type_name("N");
    CLI::App* const start_command = targeted(add("start", "Start a chain or stage that was stopped"), true);
    CLI::App* const restart_command = targeted(add("restart", "Restart a chain or one stage of it"), true);
    CLI::App* const stop_command =
        targeted(add("stop", "Stop a chain or stage; without one camwatch itself, with all that it runs"), false);

    if (const auto code = app.parse(argc, argv)) return *code;
    if (app.common().stats.count() > 0 && !*run_command) throw Error(ExitCode::usage, "--stats is for camwatch run");
    if (*run_command) return run(options, app.common());
    if (*check_command) return check(options);
    if (*status_command) return status(options);
    if (*logs_command) return logs(options);
    if (*start_command) return command(options, "start");
    if (*restart_command) return command(options, "restart");
    (void)stop_command;
    return command(options, "stop");
  });
}
