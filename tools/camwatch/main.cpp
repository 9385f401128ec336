#include <cstdio>
#include <string>

#include <fmt/format.h>

#include "ask.hpp"
#include "cli/app.hpp"
#include "cli/run.hpp"
#include "options.hpp"
#include "run.hpp"
#include "watch/control/paths.hpp"

namespace campipe {

watch::config::Config read_config(const WatchOptions& options) {
  return watch::config::load_config(options.config.empty() ? watch::control::default_config_path() : options.config);
}

std::string control_socket(const WatchOptions& options, const watch::config::Config& config,
                           const std::string& otherwise) {
  if (!options.control.empty()) return options.control;
  return config.control_socket.empty() ? otherwise : config.control_socket;
}

std::string log_dir(const watch::config::Config& config) {
  return config.log.dir.empty() ? watch::control::default_log_dir() : config.log.dir;
}

namespace {

constexpr const char* kExamples =
    "  camwatch run -- 'camgrab pattern | camenc | camserve'\n"
    "  camwatch check -c cameras.yaml\n"
    "  camwatch run -c cameras.yaml\n"
    "  camwatch reload -c cameras.yaml\n"
    "  camwatch status\n"
    "  camwatch status front\n"
    "  camwatch logs -f front/enc\n"
    "  camwatch restart front/enc\n"
    "  camwatch stop";

int camwatch(int argc, char** argv) {
  WatchOptions options;
  cli::App app("camwatch", "Runs chains of programs joined by pipes, watches that frames flow, restarts what stops.",
               kExamples);
  app->require_subcommand(1);
  app->set_help_all_flag("--help-all", "Print the help of all commands and exit")->group("General");

  const auto add = [&](const char* name, const char* what) {
    CLI::App* sub = app.subcommand(name, what);
    sub->add_option("-c,--config", options.config, "Configuration, see camwatch.yaml(5)")->type_name("FILE");
    sub->add_option("--control", options.control, "Control socket of the camwatch that is meant")->type_name("SOCKET");
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
  CLI::App* const reload_command = add("reload", "Read the configuration again and change what is different");
  CLI::App* const status_command = targeted(add("status", "Show what runs; exit 1 when something fails"), false);
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
  if (app.common().check) return 0;
  if (*run_command) return run(options, app.common());
  if (*check_command) return check(options);
  if (*reload_command) return reload(options);
  if (*status_command) return status(options);
  if (*logs_command) return logs(options);
  if (*start_command) return command(options, "start");
  if (*restart_command) return command(options, "restart");
  (void)stop_command;
  return command(options, "stop");
}

}  // namespace

}  // namespace campipe

int main(int argc, char** argv) {
  return campipe::cli::run("camwatch", [&] { return campipe::camwatch(argc, argv); });
}
