#include "watch/config/config.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "base/log.hpp"

namespace campipe::watch {
namespace {

using namespace std::chrono_literals;

constexpr const char* kSmall = R"(version: 1
chains:
  front:
    stages:
      grab: {cmd: [camgrab, pattern]}
      enc: {from: grab, cmd: [camenc]}
      serve: {from: enc, cmd: [camserve]}
)";

TEST(Config, ReadsAChain) {
  const config::Config config = config::parse_config(kSmall, "c.yaml");
  ASSERT_EQ(config.chains.size(), 1U);
  ASSERT_EQ(config.chains[0].stages.size(), 3U);
  EXPECT_EQ(config.chains[0].name, "front");
  EXPECT_EQ(config.chains[0].stages[1].from, std::vector<std::string>{"grab"});
  EXPECT_EQ(config.chains[0].stages[0].cmd, (std::vector<std::string>{"camgrab", "pattern"}));
  EXPECT_EQ(config.chains[0].stages[0].restart.first, 100ms);
  EXPECT_TRUE(config.chains[0].stages[2].required);
}

TEST(Config, PoliciesGoFromDefaultsOverChainToStage) {
  const config::Config config = config::parse_config(R"(version: 1
defaults:
  restart: {first: 1s, max: 20s, factor: 3, jitter: none, stable: 2m}
  watchdog: {startup: 0, stall: 4s, heartbeat: 6s}
  stop: {order: together, drain: 500ms, term: 2s}
  limits: {nofile: 300, memory: 64MiB}
  log: {dir: /tmp/x, max_size: 1MiB, keep: 2, lines_per_s: 7}
  env: {A: "1", B: "1"}
control: {socket: /tmp/s}
hooks: {failing: [/bin/true, "{chain}"]}
chains:
  yard:
    watchdog: {stall: 10s}
    restart: on-failure
    env: {B: "2"}
    stages:
      grab: {cmd: [camgrab, pattern]}
      out: {from: grab, cmd: [cat], required: no, watchdog: off, restart: {when: never}, stop: {drain: 10s}, env: {C: "3"}, link: paired}
)",
                                                     "c.yaml");
  EXPECT_EQ(config.log.dir, "/tmp/x");
  EXPECT_EQ(config.log.max_size_bytes, 1 << 20);
  EXPECT_EQ(config.log.keep, 2);
  EXPECT_EQ(config.log.lines_per_s, 7);
  EXPECT_EQ(config.control_socket, "/tmp/s");
  EXPECT_EQ(config.hooks.failing, (std::vector<std::string>{"/bin/true", "{chain}"}));
  const config::StageConfig& grab = config.chains[0].stages[0];
  EXPECT_EQ(grab.restart.when, config::RestartPolicy::When::on_failure);
  EXPECT_EQ(grab.restart.factor, 3);
  EXPECT_FALSE(grab.restart.jitter);
  EXPECT_EQ(grab.watchdog.startup, 0s);
  EXPECT_EQ(grab.watchdog.stall, 10s);
  EXPECT_EQ(grab.watchdog.heartbeat, 6s);
  EXPECT_EQ(grab.limits.nofile, 300);
  EXPECT_EQ(grab.limits.memory_bytes, 64 << 20);
  EXPECT_EQ(grab.env, (std::map<std::string, std::string>{{"A", "1"}, {"B", "2"}}));
  const config::StageConfig& out = config.chains[0].stages[1];
  EXPECT_FALSE(out.required);
  EXPECT_EQ(out.link, config::Link::paired);
  EXPECT_EQ(out.restart.when, config::RestartPolicy::When::never);
  EXPECT_EQ(out.restart.first, 1s);
  EXPECT_EQ(out.watchdog.stall, 0s);
  EXPECT_EQ(out.stop.order, config::StopPolicy::Order::together);
  EXPECT_EQ(out.stop.drain, 10s);
  EXPECT_EQ(out.stop.term, 2s);
  EXPECT_EQ(out.env.at("C"), "3");
}

TEST(Config, TemplatesTakeVariablesAndAChainMayChangeTheirStages) {
  const config::Config config = config::parse_config(R"(version: 1
templates:
  ipcam:
    grab: {cmd: [camgrab, --url-file, "${url_file}"], env: {WHO: "${chain}/${stage}", PRICE: "5$$"}}
    enc: {from: grab, cmd: [camenc, -s, "1280x720"]}
chains:
  front: {template: ipcam, vars: {url_file: /etc/front.url}, stages: {serve: {from: enc, cmd: [camserve]}}}
  yard:
    template: ipcam
    vars: {url_file: /etc/yard.url}
    stages:
      enc: {cmd: [camenc, -c, h264]}
      rec: {from: enc, cmd: [camrec, /rec]}
)",
                                                     "c.yaml");
  ASSERT_EQ(config.chains.size(), 2U);
  EXPECT_EQ(config.chains[0].stages[0].cmd[2], "/etc/front.url");
  EXPECT_EQ(config.chains[0].stages[0].env.at("WHO"), "front/grab");
  EXPECT_EQ(config.chains[0].stages[0].env.at("PRICE"), "5$");
  EXPECT_EQ(config.chains[1].stages[0].cmd[2], "/etc/yard.url");
  EXPECT_EQ(config.chains[1].stages[1].cmd, (std::vector<std::string>{"camenc", "-c", "h264"}));
  EXPECT_EQ(config.chains[1].stages[1].from, std::vector<std::string>{"grab"});
}

struct Refused {
  const char* text;
  config::Position at;
  const char* says;
};

/// `body` as the stages of one chain from line 5 on, indented by 6.
std::string chain_of(const std::string& body) {
  return "version: 1\nchains:\n  a:\n    stages:\n" + body;
}

TEST(Config, RefusesWhatIsWrongWithItsPlace) {
  const std::vector<Refused> cases{
      {"", {1, 1}, "empty"},
      {"{}", {1, 1}, "version: is missing"},
      {"version: 2\nchains: {}\n", {1, 10}, "cannot use '2'"},
      {"version: 1\n", {1, 1}, "chains: is missing"},
      {"version: 1\nchains: {}\n", {2, 9}, "nothing to run"},
      {"version: 1\nchains: [a]\n", {2, 9}, "needs a map"},
      {"version: 1\nchain: {}\n", {2, 1}, "chain: unknown key"},
      {"version: 1\nversion: 1\n", {2, 1}, "twice"},
      {"version: 1\n--- \nversion: 1\n", {2, 1}, "second document"},
      {"version: 1\nchains: {a: [}\n", {2, 14}, "not YAML"},
      {"version: 1\nchains:\n  a: {stages: {g: {cmd: [camgrab]}}\n", {4, 1}, "'{' of line 3 is not closed"},
      {"version: 1\nchains:\n\ta: 1\n", {3, 3}, "line 3 is indented with a tab"},
      {"version: 1\nchains:\n  a: {stages: {}}\n", {3, 3}, "has no stages"},
      {"version: 1\nchains:\n  'a b': {}\n", {3, 3}, "no name"},
      {"version: 1\ndefaults: {restart: {first: 5}}\nchains: {}\n", {2, 29}, "write it like"},
      {"version: 1\ndefaults: {restart: {first: 1m, max: 1s}}\n", {1, 1}, "chains: is missing"},
      {"version: 1\nchains: {}\ndefaults: {restart: {first: 1m, max: 1s}}\n", {3, 21}, "first is longer than max"},
      {"version: 1\nchains: {}\ndefaults: {restart: sometimes}\n", {3, 21}, "one of always, on-failure, never"},
      {"version: 1\nchains: {}\ndefaults: {restart: {factor: many}}\n", {3, 30}, "a number from 1 to 10"},
      {"version: 1\nchains: {}\ndefaults: {watchdog: {stall: 1s}}\n", {3, 30}, "at least 2s"},
      {"version: 1\nchains: {}\ndefaults: {log: {keep: -1}}\n", {3, 24}, "from 0 to 99"},
      {"version: 1\nchains: {}\ndefaults: {log: {max_size: big}}\n", {3, 28}, "8MiB"},
      {"version: 1\nchains: {}\ndefaults: {log: {dir: logs}}\n", {3, 23}, "path from the root"},
      {"version: 1\nchains: {}\ndefaults: {limits: {cpu: 2}}\n", {3, 21}, "unknown key"},
      {"version: 1\nchains: {}\ncontrol: {socket: here}\n", {3, 19}, "path from the root"},
      {"version: 1\nchains: {}\nhooks: {failing: /bin/true}\n", {3, 18}, "list of words"},
      {"version: 1\nchains: {}\nschedule: {}\n", {3, 1}, "schedule: unknown key"},
      {"version: 1\ntemplates: {t: {s: {cmd: [x], colour: red}}}\nchains: {}\n", {2, 31}, "colour: unknown key"},
      {"version: 1\nchains:\n  a: {template: t}\n", {3, 17}, "no template 't'"},
  };
  for (const Refused& c : cases) {
    try {
      config::parse_config(c.text, "c.yaml");
      ADD_FAILURE() << "taken: " << c.text;
    } catch (const config::ConfigError& error) {
      EXPECT_EQ(error.code(), ExitCode::config);
      EXPECT_EQ(error.position().line, c.at.line) << c.text << error.what();
      EXPECT_EQ(error.position().column, c.at.column) << c.text << error.what();
      EXPECT_NE(std::string(error.what()).find(c.says), std::string::npos) << error.what();
      EXPECT_TRUE(std::string(error.what()).starts_with("c.yaml:")) << error.what();
    }
  }
}

TEST(Config, RefusesStagesThatCannotWorkWithTheirPlace) {
  const std::vector<Refused> cases{
      {"      s: {}\n", {5, 7}, "cmd: is missing"},
      {"      s: {cmd: camgrab}\n", {5, 16}, "list of words"},
      {"      s: {cmd: []}\n", {5, 16}, "needs a program"},
      {"      s: {cmd: [\"\"]}\n", {5, 16}, "needs a program"},
      {"      s: {cmd: [[a]]}\n", {5, 17}, "single value"},
      {"      s: {cmd: [cat, $HOME]}\n", {5, 22}, "a $ alone"},
      {"      s: {cmd: [cat, \"${x}\"]}\n", {5, 22}, "no variable ${x}"},
      {"      s: {cmd: [cat], link: rope}\n", {5, 29}, "shm"},
      {"      s: {cmd: [cat], link: pipe}\n", {5, 7}, "needs a from"},
      {"      s: {cmd: [cat], required: maybe}\n", {5, 33}, "true or false"},
      {"      s: {cmd: [cat], env: {'a b': x}}\n", {5, 36}, "no name of an environment variable"},
      {"      s: {cmd: [cat], env_file: secrets}\n", {5, 7}, "path from the root"},
      {"      s: {cmd: [cat], schedule: now}\n", {5, 23}, "unknown key"},
      {"      s: {cmd: [cat]}\n      s: {cmd: [cat]}\n", {6, 7}, "twice"},
      {"      a: {cmd: [cat]}\n      b: {from: x, cmd: [cat]}\n", {6, 17}, "no stage 'x'"},
      {"      a: {cmd: [cat]}\n      b: {from: b, cmd: [cat]}\n", {6, 17}, "cannot read itself"},
      {"      a: {cmd: [cat]}\n      b: {from: [a, a], cmd: [cat]}\n", {6, 18}, "twice"},
      {"      a: {from: c, cmd: [cat]}\n      b: {from: a, cmd: [cat]}\n      c: {from: b, cmd: [cat]}\n",
       {5, 17},
       "circle through a, b, c"},
      {"      a: {cmd: [cat]}\n      b: {cmd: [cat]}\n", {5, 7}, "connected with no other"},
      {"      a: {cmd: [cat]}\n      b: {from: a, cmd: [cat]}\n      c: {from: a, cmd: [cat]}\n",
       {5, 17},
       "feeds 2 stages"},
      {"      a: {cmd: [cat]}\n      b: {cmd: [cat]}\n      c: {from: [a, b], cmd: [cat]}\n",
       {7, 18},
       "several inputs"},
      {"      a: {cmd: [cat, 'fd:out']}\n", {5, 22}, "no further stage reads it"},
      {"      a: {cmd: [cat, 'fd:in.x']}\n", {5, 22}, "no stage 'x'"},
      {"      a: {cmd: [cat, 'fd:out']}\n      b: {from: a, cmd: [cat]}\n      c: {from: a, cmd: [cat]}\n",
       {5, 22},
       "write fd:out.STAGE"},
      {"      enc: {cmd: [camenc, -o, x.nut]}\n", {5, 7}, "nothing to read"},
      {"      grab: {cmd: [camgrab]}\n", {5, 7}, "nobody reads its output"},
      {"      s: {cmd: [camserve, x.nut]}\n      r: {from: s, cmd: [cat]}\n", {5, 7}, "no output"},
  };
  for (const Refused& c : cases) {
    try {
      config::parse_config(chain_of(c.text), "c.yaml");
      ADD_FAILURE() << "taken: " << c.text;
    } catch (const config::ConfigError& error) {
      EXPECT_EQ(error.position().line, c.at.line) << c.text << error.what();
      EXPECT_EQ(error.position().column, c.at.column) << c.text << error.what();
      EXPECT_NE(std::string(error.what()).find(c.says), std::string::npos) << error.what();
    }
  }
}

TEST(Config, RefusesAVariableThatNobodyUses) {
  EXPECT_THROW(config::parse_config("version: 1\nchains: {a: {vars: {x: y}, stages: {s: {cmd: [cat]}}}}\n", "c"),
               config::ConfigError);
}

TEST(Config, RefusesAliasesThatGrowWithoutEnd) {
  std::string text = "version: 1\nx0: &x0 [a, a, a, a, a, a, a, a, a, a]\n";
  for (int i = 1; i < 12; ++i) {
    text += "x" + std::to_string(i) + ": &x" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) text += (k > 0 ? ", *x" : "*x") + std::to_string(i - 1);
    text += "]\n";
  }
  EXPECT_THROW(config::parse_config(text, "c"), config::ConfigError);
}

TEST(Config, MissingFileIsExit66AndAFolderToo) {
  for (const char* path : {"/nonexistent/camwatch.yaml", "/tmp"}) {
    try {
      config::load_config(path);
      ADD_FAILURE() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::no_input) << error.what();
    }
  }
}

TEST(Config, EnvFileTellsTheLineButNotTheSecret) {
  const std::string path = testing::TempDir() + "/env";
  std::ofstream(path) << "# comment\n\nA=1\nB=\"two words\"\nC='x'\nURL=rtsp://u:p@h\r\n";
  EXPECT_EQ(config::read_env_file(path),
            (std::map<std::string, std::string>{{"A", "1"}, {"B", "two words"}, {"C", "x"}, {"URL", "rtsp://u:p@h"}}));
  std::ofstream(path) << "A=1\nsecret words\n";
  try {
    config::read_env_file(path);
    ADD_FAILURE();
  } catch (const config::ConfigError& error) {
    EXPECT_EQ(error.position().line, 2);
    EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos);
  }
}

TEST(Config, HooksAndTheirTime) {
  const auto parsed = config::parse_config(
      "version: 1\nhooks: {lost: [a, b], recovered: [c], lost-after: 30s}\nchains: {c: {stages: {s: {cmd: [x]}}}}\n",
      "t");
  EXPECT_EQ(parsed.hooks.lost, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(parsed.hooks.recovered, (std::vector<std::string>{"c"}));
  EXPECT_TRUE(parsed.hooks.failing.empty());
  EXPECT_EQ(parsed.hooks.lost_after, config::Duration(std::chrono::seconds(30)));
  EXPECT_EQ(parsed.hooks_at[1].line, 2);
}

}  // namespace
}  // namespace campipe::watch
