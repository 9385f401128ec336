#include "watch/config/pipeline.hpp"

#include <gtest/gtest.h>

namespace campipe::watch {
namespace {

using Words = std::vector<std::string>;

TEST(Pipeline, SplitsWordsAsAShellDoes) {
  const struct {
    const char* text;
    Words words;
  } cases[] = {
      {"prog a b", {"prog", "a", "b"}},
      {"  prog\ta  ", {"prog", "a"}},
      {"prog 'a b' \"c d\" e\\ f", {"prog", "a b", "c d", "e f"}},
      {"prog '' \"\"", {"prog", "", ""}},
      {"prog a'b'\"c\"d", {"prog", "abcd"}},
      {"prog \"a\\\"b\\\\c\\d\"", {"prog", "a\"b\\c\\d"}},
      {"prog '$HOME;&|>'", {"prog", "$HOME;&|>"}},
      {"prog 'rtsp://h/s?a=1&b=2'", {"prog", "rtsp://h/s?a=1&b=2"}},
      {"prog a~b x=y", {"prog", "a~b", "x=y"}},
      {"prog \\$x", {"prog", "$x"}},
  };
  for (const auto& c : cases) EXPECT_EQ(config::parse_pipeline(c.text).chains[0].stages[0].cmd, c.words) << c.text;
}

TEST(Pipeline, MakesAChainThatEndsWithItsSource) {
  const config::Config config = config::parse_pipeline("camgrab pattern -n 5|camenc | camenc -c h264 |camserve");
  ASSERT_EQ(config.chains.size(), 1U);
  EXPECT_EQ(config.chains[0].name, "main");
  Words names;
  for (const auto& stage : config.chains[0].stages) names.push_back(stage.name);
  EXPECT_EQ(names, (Words{"camgrab", "camenc", "camenc-2", "camserve"}));
  EXPECT_EQ(config.chains[0].stages[3].from, Words{"camenc-2"});
  EXPECT_EQ(config.chains[0].stages[0].restart.when, config::RestartPolicy::When::on_failure);
}

TEST(Pipeline, RefusesWhatOnlyAShellCouldDo) {
  const struct {
    const char* text;
    const char* place;
    const char* says;
  } cases[] = {
      {"", "pipeline:1:", "without a program"},
      {"a |", "pipeline:4:", "without a program"},
      {"| a", "pipeline:1:", "without a program"},
      {"a || b", "pipeline:4:", "without a program"},
      {"a; b", "pipeline:2:", "';'"},
      {"a & ", "pipeline:3:", "'&'"},
      {"a > x", "pipeline:3:", "'>'"},
      {"a < x", "pipeline:3:", "'<'"},
      {"a $(b)", "pipeline:3:", "'$'"},
      {"a \"$b\"", "pipeline:4:", "'$'"},
      {"a `b`", "pipeline:3:", "'`'"},
      {"(a)", "pipeline:1:", "'('"},
      {"a 'b", "pipeline:3:", "not closed"},
      {"a \"b", "pipeline:3:", "not closed"},
      {"a b\\", "pipeline:4:", "at the end"},
      {"A=1 b", "pipeline:1:", "put env before it"},
      {"cat ~/x", "pipeline:5:", "'~'"},
      {"camgrab | camenc", "pipeline:", "nobody reads its output"},
      {"camenc | camserve", "pipeline:", "nothing to read"},
  };
  for (const auto& c : cases) {
    try {
      config::parse_pipeline(c.text);
      ADD_FAILURE() << "taken: " << c.text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
      EXPECT_TRUE(std::string(error.what()).starts_with(c.place)) << c.text << " -> " << error.what();
      EXPECT_NE(std::string(error.what()).find(c.says), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace campipe::watch
