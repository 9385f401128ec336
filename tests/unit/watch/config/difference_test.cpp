#include "watch/config/difference.hpp"

#include <gmock/gmock.h>

namespace campipe::watch {
namespace {

using config::Change;
using testing::ElementsAre;

config::Config parsed(const std::string& text) {
  return config::parse_config("version: 1\n" + text, "t.yaml");
}

TEST(Difference, WhatAStageIsStartedWithNeedsANewProcessAndPoliciesDoNot) {
  const std::string before = "chains: {c: {stages: {s: {cmd: [a, b]}}}}\n";
  struct Case {
    const char* stage;
    Change change;
  };
  for (const Case& one : {
           Case{"cmd: [a, b]", Change::none},
           Case{"cmd: [a, c]", Change::processes},
           Case{"cmd: [a, b], env: {X: y}", Change::processes},
           Case{"cmd: [a, b], env_file: /x", Change::processes},
           Case{"cmd: [a, b], limits: {nofile: 99}", Change::processes},
           Case{"cmd: [a, b], watchdog: {heartbeat: 9s}", Change::processes},
           Case{"cmd: [a, b], watchdog: {stall: 9s}", Change::policies},
           Case{"cmd: [a, b], restart: never", Change::policies},
           Case{"cmd: [a, b], stop: {drain: 9s}", Change::policies},
           Case{"cmd: [a, b], required: false", Change::policies},
       }) {
    const auto after = parsed("\n\nchains:\n  c: {stages: {s: {" + std::string(one.stage) + "}}}\n");
    EXPECT_EQ(config::change_between(parsed(before).chains.front(), after.chains.front()), one.change) << one.stage;
  }
  const auto joined = parsed("chains: {c: {stages: {s: {cmd: [a, b]}, t: {from: s, cmd: [d]}}}}\n");
  const auto paired = parsed("chains: {c: {stages: {s: {cmd: [a, b]}, t: {from: s, link: paired, cmd: [d]}}}}\n");
  EXPECT_EQ(config::change_between(joined.chains.front(), paired.chains.front()), Change::processes);
  EXPECT_EQ(config::change_between(parsed(before).chains.front(), joined.chains.front()), Change::processes);
}

TEST(Difference, TemplatesAndDefaultsCountByWhatTheyMakeOfTheChains) {
  const std::string rest = "chains:\n  x: {template: t, vars: {n: \"1\"}}\n  y: {template: t, vars: {n: \"2\"}}\n";
  const auto before = parsed("templates: {t: {s: {cmd: [a, \"${n}\"]}}}\n" + rest);
  EXPECT_THAT(config::difference(before, before).unchanged, ElementsAre("x", "y"));
  EXPECT_TRUE(config::difference(before, before).empty());
  const auto after = parsed("defaults: {stop: {term: 9s}}\ntemplates: {t: {s: {cmd: [a, \"${n}\"]}}}\n" + rest);
  EXPECT_THAT(config::difference(before, after).adjusted, ElementsAre("x", "y"));
  const auto other = parsed("templates: {t: {s: {cmd: [b, \"${n}\"]}}}\n" + rest);
  EXPECT_THAT(config::difference(before, other).restarted, ElementsAre("x", "y"));
}

TEST(Difference, SettingsOfCamwatchItself) {
  const std::string rest = "chains: {c: {stages: {s: {cmd: [a]}}}}\n";
  const auto before = parsed(rest);
  const auto after = parsed("control: {socket: /x}\nhooks: {lost: [a]}\ndefaults: {log: {keep: 9}}\n" + rest);
  const auto found = config::difference(before, after);
  EXPECT_TRUE(found.control);
  EXPECT_TRUE(found.hooks);
  EXPECT_TRUE(found.log);
  EXPECT_THAT(found.unchanged, ElementsAre("c"));
}

}  // namespace
}  // namespace campipe::watch
