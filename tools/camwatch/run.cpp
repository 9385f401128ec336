#include "run.hpp"

#include <cstdio>

#include <fmt/format.h>

#include "base/log.hpp"
#include "cli/signals.hpp"
#include "watch/check/examine.hpp"
#include "watch/check/programs.hpp"
#include "watch/check/run_tool.hpp"
#include "watch/config/pipeline.hpp"
#include "watch/control/paths.hpp"
#include "watch/overview.hpp"
#include "watch/supervisor.hpp"

namespace campipe {

namespace {

/// As `run` uses it. Throws Error.
watch::config::Config ready_to_run(watch::config::Config config) {
  watch::check::require_programs(config);
  watch::warn_of_passwords(config);
  config.log.dir = log_dir(config);
  watch::control::make_folder(config.log.dir, false);
  return config;
}

}  // namespace

int run(const WatchOptions& options, const cli::CommonOptions& common) {
  if (options.pipeline.size() > 1)
    throw Error(ExitCode::usage, "the pipeline is one word: put it in quotes, camwatch run -- 'camgrab | camserve'");
  const bool single = !options.pipeline.empty();
  if (single && !options.config.empty())
    throw Error(ExitCode::usage, "-c and a pipeline at the same time: one of them");
  watch::config::Config config =
      ready_to_run(single ? watch::config::parse_pipeline(options.pipeline.front()) : read_config(options));
  watch::SupervisorOptions how{
      .control_socket = control_socket(options, config, watch::control::default_control_socket()),
      .echo = options.echo || single,
      .single = single,
      .stats = common.stats,
      .load = {},
      .hangup_reloads = !cli::has_terminal()};
  if (!single) how.load = [file = config.file] { return ready_to_run(watch::config::load_config(file)); };
  watch::process::Loop loop;
  watch::process::SystemProcesses processes;
  watch::Supervisor supervisor(std::move(config), std::move(how), loop, processes);
  return supervisor.run();
}

bool find_faults(const watch::config::Config& config) {
  bool any = false;
  for (const auto& finding : watch::check::examine(config, watch::check::own_folder(), watch::check::run_tool)) {
    any = any || !finding.is_warning;
    const std::string text = watch::check::text_of(finding, config.file);
    finding.is_warning ? log::warning("{}", text) : log::error("{}", text);
  }
  return any;
}

int check(const WatchOptions& options) {
  const watch::config::Config config = read_config(options);
  watch::warn_of_passwords(config);
  if (find_faults(config)) return static_cast<int>(ExitCode::config);
  std::size_t stages = 0;
  for (const auto& chain : config.chains) stages += chain.stages.size();
  fmt::print("{}: OK, chains: {}, stages: {}\n{}", config.file, config.chains.size(), stages, watch::tree_of(config));
  return 0;
}

}  // namespace campipe
