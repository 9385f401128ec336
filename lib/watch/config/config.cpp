#include "watch/config/config.hpp"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <set>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "base/fd.hpp"
#include "watch/config/variables.hpp"
#include "watch/config/wiring.hpp"
#include "watch/config/yaml_node.hpp"

namespace campipe::watch::config {

namespace {

constexpr std::size_t kMaxFile = 1 << 20;
constexpr std::size_t kMaxChains = 256;
constexpr std::size_t kMaxStages = 64;
constexpr std::size_t kMaxWords = 256;

using Key = const std::string&;

void parse_restart(RestartPolicy& policy, const YamlNode& node) {
  using When = RestartPolicy::When;
  static constexpr std::array kWhen{When::always, When::on_failure, When::never};
  const auto when = [&](const YamlNode& value) {
    policy.when = kWhen[value.one_of({"always", "on-failure", "never"})];
  };
  if (node.is_scalar()) return when(node);
  node.each([&](Key key, const YamlNode& value) {
    if (key == "when") return when(value);
    if (key == "first") return void(policy.first = value.duration());
    if (key == "max") return void(policy.max = value.duration());
    if (key == "factor") return void(policy.factor = value.number(1, 10));
    if (key == "jitter") return void(policy.jitter = value.one_of({"full", "none"}) == 0);
    if (key == "stable") return void(policy.stable = value.duration());
    value.unknown_key("when, first, max, factor, jitter, stable");
  });
  if (policy.first > policy.max) node.fail("first is longer than max");
  if (policy.max < std::chrono::milliseconds(10)) node.fail("max is under 10ms: that would be a busy loop");
}

void parse_watchdog(WatchdogPolicy& policy, const YamlNode& node) {
  if (node.is_scalar()) {
    node.one_of({"off"});
    policy = {Duration(0), Duration(0), Duration(0)};
    return;
  }
  // A shorter time than two of the stages' reports (one a second) would call every stage hung.
  const auto limit = [](const YamlNode& value) {
    const Duration duration = value.duration();
    if (duration != Duration(0) && duration < std::chrono::seconds(2))
      value.fail("at least 2s (stages report every second), or 0 = never");
    return duration;
  };
  node.each([&](Key key, const YamlNode& value) {
    if (key == "startup") return void(policy.startup = limit(value));
    if (key == "stall") return void(policy.stall = limit(value));
    if (key == "heartbeat") return void(policy.heartbeat = limit(value));
    value.unknown_key("startup, stall, heartbeat");
  });
}

void parse_stop(StopPolicy& policy, const YamlNode& node) {
  node.each([&](Key key, const YamlNode& value) {
    if (key == "order") {
      policy.order = value.one_of({"upstream_first", "together"}) == 0 ? StopPolicy::Order::upstream_first
                                                                       : StopPolicy::Order::together;
      return;
    }
    if (key == "drain") return void(policy.drain = value.duration());
    if (key == "term") return void(policy.term = value.duration());
    value.unknown_key("order, drain, term");
  });
}

void parse_limits(Limits& limits, const YamlNode& node) {
  node.each([&](Key key, const YamlNode& value) {
    if (key == "nofile") return void(limits.nofile = value.integer(16, 1 << 20));
    if (key == "memory") return void(limits.memory_bytes = value.bytes(1 << 20));
    value.unknown_key("nofile, memory");
  });
}

void parse_log(LogPolicy& log, const YamlNode& node) {
  node.each([&](Key key, const YamlNode& value) {
    if (key == "dir") {
      log.dir = value.non_empty_text();
      if (log.dir.front() != '/') value.fail("needs a path from the root (/…)");
      return;
    }
    if (key == "max_size") return void(log.max_size_bytes = value.bytes(4096));
    if (key == "keep") return void(log.keep = static_cast<int>(value.integer(0, 99)));
    if (key == "lines_per_s") return void(log.lines_per_s = static_cast<int>(value.integer(1, 100'000)));
    value.unknown_key("dir, max_size, keep, lines_per_s");
  });
}

void parse_env(std::map<std::string, std::string>& env, const YamlNode& node) {
  node.each([&](Key key, const YamlNode& value) {
    if (!is_variable_name(key)) value.fail("is no name of an environment variable");
    env[key] = value.text();
  });
}

std::vector<std::string> parse_argv(const YamlNode& node) {
  if (!node.is_sequence()) node.fail("needs a list of words, [camgrab, \"/dev/video0\"]: no shell splits it");
  std::vector<std::string> words;
  for (const YamlNode& item : node.items()) words.push_back(item.text());
  if (words.empty() || words.front().empty()) node.fail("needs a program as its first word");
  if (words.size() > kMaxWords) node.fail(fmt::format("at most {} words", kMaxWords));
  return words;
}

/// What a chain and a stage can say alike. Answers false when `key` is none of it.
bool parse_policy(StageConfig& stage, Key key, const YamlNode& value) {
  if (key == "restart") return parse_restart(stage.restart, value), true;
  if (key == "watchdog") return parse_watchdog(stage.watchdog, value), true;
  if (key == "stop") return parse_stop(stage.stop, value), true;
  if (key == "limits") return parse_limits(stage.limits, value), true;
  if (key == "env") return parse_env(stage.env, value), true;
  if (key == "env_file") return stage.env_file = value.non_empty_text(), true;
  return false;
}

Link parse_link(const YamlNode& value) {
  static constexpr std::array kLinks{Link::pipe, Link::paired, Link::ring};
  return kLinks[value.one_of({"pipe", "paired", "shm"})];
}

void parse_stage(StageConfig& stage, const YamlNode& node) {
  node.each([&](Key key, const YamlNode& value) {
    if (key == "cmd") {
      stage.cmd = parse_argv(value);
      stage.cmd_at.clear();
      for (const YamlNode& word : value.items()) stage.cmd_at.push_back(word.at());
      return;
    }
    if (key == "from") {
      stage.from.clear(), stage.from_at.clear();
      for (const YamlNode& name : value.items())
        stage.from.push_back(name.non_empty_text()), stage.from_at.push_back(name.at());
      return;
    }
    if (key == "link") return void(stage.link = parse_link(value));
    if (key == "required") return void(stage.required = value.boolean());
    if (!parse_policy(stage, key, value)) {
      value.unknown_key("cmd, from, link, required, env, env_file, restart, watchdog, stop, limits");
    }
  });
}

class Parser {
public:
  Parser(const std::string& text, const std::string& file) {
    config_.file = file;
    document_.file = file;
    if (text.size() > kMaxFile) throw ConfigError(file, {1, 1}, "over 1 MiB: that is no configuration");
    root_.emplace(YamlNode::load(text, document_));
  }

  Config parse() {
    std::optional<YamlNode> defaults, templates, chains;
    bool version = false;
    root_->each([&](Key key, const YamlNode& value) {
      if (key == "version") return version = true, void(value.integer(1, 1));
      if (key == "defaults") return void(defaults = value);
      if (key == "control") return parse_control(value);
      if (key == "hooks") return parse_hooks(value);
      if (key == "templates") return void(templates = value);
      if (key == "chains") return void(chains = value);
      value.unknown_key("version, defaults, control, hooks, templates, chains");
    });
    if (!version) root_->fail("version: is missing: write version: 1");
    if (!chains) root_->fail("chains: is missing: nothing to run");
    if (defaults) parse_defaults(*defaults);
    if (templates) parse_templates(*templates);
    chains->each_named([&](const std::string& name, Position at, const YamlNode& node) {
      if (config_.chains.size() >= kMaxChains) node.fail(fmt::format("at most {} chains", kMaxChains));
      parse_chain(name, at, node);
    });
    if (config_.chains.empty()) chains->fail("is empty: nothing to run");
    return std::move(config_);
  }

private:
  void parse_defaults(const YamlNode& node) {
    node.each([&](Key key, const YamlNode& value) {
      if (key == "log") return parse_log(config_.log, value);
      if (key == "env_file") value.unknown_key("restart, watchdog, stop, log, limits, env");
      if (!parse_policy(defaults_, key, value)) value.unknown_key("restart, watchdog, stop, log, limits, env");
    });
  }

  void parse_control(const YamlNode& node) {
    node.each([&](Key key, const YamlNode& value) {
      if (key != "socket") value.unknown_key("socket");
      config_.control_socket = value.non_empty_text();
      if (config_.control_socket.front() != '/') value.fail("needs a path from the root (/…)");
    });
  }

  void parse_hooks(const YamlNode& node) {
    node.each([&](Key key, const YamlNode& value) {
      Hooks& hooks = config_.hooks;
      if (key == "failing") return config_.hooks_at[0] = value.at(), void(hooks.failing = parse_argv(value));
      if (key == "lost") return config_.hooks_at[1] = value.at(), void(hooks.lost = parse_argv(value));
      if (key == "recovered") return config_.hooks_at[2] = value.at(), void(hooks.recovered = parse_argv(value));
      if (key == "lost-after") return void(hooks.lost_after = value.duration());
      value.unknown_key("failing, lost, recovered, lost-after");
    });
  }

  /// Each template's stages are checked by themselves, so that one nobody uses is right as well.
  void parse_templates(const YamlNode& node) {
    node.each_named([&](const std::string& name, Position, const YamlNode& value) {
      value.each_named([&](const std::string&, Position, const YamlNode& stage) {
        StageConfig checked;
        parse_stage(checked, stage);
      });
      templates_.emplace(name, value);
    });
  }

  void parse_chain(const std::string& name, Position at, const YamlNode& node) {
    StageConfig base = defaults_;
    std::optional<YamlNode> used, stages;
    std::map<std::string, Variable> variables;
    node.each([&](Key key, const YamlNode& value) {
      if (key == "template") return void(used = value);
      if (key == "vars") return parse_variables(variables, value);
      if (key == "stages") return void(stages = value);
      if (!parse_policy(base, key, value)) {
        value.unknown_key("template, vars, stages, env, env_file, restart, watchdog, stop, limits");
      }
    });
    ChainConfig chain{.name = name, .stages = {}, .at = at};
    if (used) {
      const auto found = templates_.find(used->text());
      if (found == templates_.end()) used->fail(fmt::format("there is no template '{}'", used->text()));
      add_stages(chain, found->second, base);
    }
    if (stages) add_stages(chain, *stages, base);
    if (chain.stages.empty()) throw ConfigError(config_.file, at, fmt::format("chains.{}: has no stages", name));
    expand_variables(chain, variables);
    check_stages(chain);
    plan_wiring(chain, config_.file);  // throws
    config_.chains.push_back(std::move(chain));
  }

  static void parse_variables(std::map<std::string, Variable>& variables, const YamlNode& node) {
    node.each_named([&](const std::string& name, Position at, const YamlNode& value) {
      if (name == "chain" || name == "stage") value.fail("is set by camwatch itself");
      variables[name] = {.value = value.text(), .at = at};
    });
  }

  /// Adds stages, or changes keys of those that the template brought.
  void add_stages(ChainConfig& chain, const YamlNode& node, const StageConfig& base) {
    node.each_named([&](const std::string& name, Position at, const YamlNode& value) {
      const auto found = std::ranges::find(chain.stages, name, &StageConfig::name);
      if (found != chain.stages.end()) return parse_stage(*found, value);
      if (chain.stages.size() >= kMaxStages) value.fail(fmt::format("at most {} stages in a chain", kMaxStages));
      StageConfig stage = base;
      stage.name = name;
      stage.at = at;
      parse_stage(stage, value);
      if (stage.cmd.empty()) throw ConfigError(config_.file, at, fmt::format("{}: cmd: is missing", value.path()));
      chain.stages.push_back(std::move(stage));
    });
  }

  void expand_variables(ChainConfig& chain, std::map<std::string, Variable>& variables) {
    for (StageConfig& stage : chain.stages) {
      const auto expand = [&](std::string& text, Position at) {
        text =
            expand_text(text, variables, {{"chain", chain.name}, {"stage", stage.name}}, [&](const std::string& what) {
              throw ConfigError(config_.file, at, fmt::format("{}/{}: {}", chain.name, stage.name, what));
            });
      };
      for (std::size_t i = 0; i < stage.cmd.size(); ++i) expand(stage.cmd[i], stage.cmd_at[i]);
      for (auto& [name, value] : stage.env) expand(value, stage.at);
      expand(stage.env_file, stage.at);
    }
    for (const auto& [name, variable] : variables) {
      if (!variable.used)
        throw ConfigError(config_.file, variable.at, fmt::format("{}: no stage uses ${{{}}}", chain.name, name));
    }
  }

  void check_stages(const ChainConfig& chain) const {
    for (const StageConfig& stage : chain.stages) {
      const auto refuse = [&](Position at, const std::string& what) {
        throw ConfigError(config_.file, at, fmt::format("{}/{}: {}", chain.name, stage.name, what));
      };
      if (stage.cmd.front().empty()) refuse(stage.cmd_at.front(), "needs a program as its first word");
      if (!stage.env_file.empty() && stage.env_file.front() != '/')
        refuse(stage.at, "env_file needs a path from the root (/…)");
    }
  }

  Config config_;
  YamlDocument document_;
  std::optional<YamlNode> root_;
  StageConfig defaults_;
  std::map<std::string, YamlNode> templates_;
};

}  // namespace

ConfigError::ConfigError(const std::string& file, Position at, const std::string& message)
    : Error(ExitCode::config, fmt::format("{}:{}:{}: {}", file, at.line, at.column, message)), at_(at) {}

bool is_name(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

Config parse_config(const std::string& text, const std::string& file) {
  return Parser(text, file).parse();
}

Config load_config(const std::string& path) {
  return parse_config(read_text_file(path, kMaxFile), path);
}

}  // namespace campipe::watch::config
