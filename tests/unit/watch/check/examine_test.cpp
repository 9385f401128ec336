#include "watch/check/examine.hpp"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "watch/chain/chain_rig.hpp"
#include "watch/check/programs.hpp"

namespace campipe::watch {
namespace {

using check::Answer;
using check::Finding;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

config::Config config(const std::string& stages) {
  return config::parse_config("version: 1\nchains:\n  c:\n    stages:\n" + stages, "c.yaml");
}

/// A folder of our own tools, which answer as a test says.
class ExamineTest : public testing::Test {
protected:
  ExamineTest() {
    for (const char* tool : {"camgrab", "camenc", "camserve"}) make_program(folder_.path() + "/" + tool);
  }
  static void make_program(const std::string& path) {
    std::ofstream(path) << "#!/bin/sh\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }
  /// What is found, as text; `answers` by the name of the tool.
  std::vector<std::string> found(const std::string& stages, const std::map<std::string, Answer>& answers) {
    const config::Config read = config(stages);
    std::vector<std::string> all;
    for (const Finding& one : check::examine(read, folder_.path(), [&](const process::Command& command) {
           asked_.push_back(command);
           const std::string tool = config::program_name(command.argv.front());
           return answers.contains(tool) ? answers.at(tool) : Answer{};
         })) {
      all.push_back((one.is_warning ? "warning " : "") + check::text_of(one, read.file));
    }
    return all;
  }
  std::string stage(const std::string& name, const std::string& tool, const std::string& rest) const {
    return "      " + name + ": {cmd: [\"" + folder_.path() + "/" + tool + "\"" + rest + "]}\n";
  }

  fake::TempFolder folder_;
  std::vector<process::Command> asked_;
};

TEST_F(ExamineTest, ToolIsAskedWithItsOwnArgumentsAndEnvironment) {
  const std::string stages =
      "      a: {cmd: [\"" + folder_.path() + "/camgrab\", pattern, -o, \"shm:x\"], env: {CAMGRAB_URL: here}}\n";
  EXPECT_THAT(found(stages, {}), IsEmpty());
  ASSERT_EQ(asked_.size(), 1U);
  EXPECT_THAT(asked_[0].argv, ElementsAre(folder_.path() + "/camgrab", "--check", "pattern", "-o", "shm:x"));
  EXPECT_THAT(asked_[0].env, testing::Contains("CAMGRAB_URL=here"));
}

TEST_F(ExamineTest, ProgramsOfOtherFoldersAreNeverRun) {
  const fake::TempFolder other;
  make_program(other.path() + "/camgrab");
  make_program(folder_.path() + "/camother");
  EXPECT_THAT(found("      a: {cmd: [\"" + other.path() + "/camgrab\", -o, \"shm:x\"]}\n" +
                        stage("b", "camother", ", \"shm:x\""),
                    {}),
              IsEmpty());
  EXPECT_THAT(asked_, IsEmpty());
  std::filesystem::create_symlink(folder_.path() + "/camgrab", other.path() + "/link");
  found("      a: {cmd: [\"" + other.path() + "/link\", -o, \"shm:x\"]}\n", {});
  EXPECT_EQ(asked_.size(), 1U);
}

TEST_F(ExamineTest, WhatAToolRefusesIsToldAtTheWordItNames) {
  const auto all = found(
      stage("a", "camgrab", ", --ratee, \"5\", -o, \"shm:x\""),
      {{"camgrab", {.code = 64, .in_time = true, .out = {}, .err = "camgrab: note\ncamgrab: unknown: --ratee\n"}}});
  ASSERT_EQ(all.size(), 1U);
  EXPECT_THAT(all[0], HasSubstr("c/a: unknown: --ratee"));
  EXPECT_EQ(all[0].find("c.yaml:5:" + std::to_string(29 + folder_.path().size())), 0U) << all[0];
}

TEST_F(ExamineTest, PasswordsOfMessagesAreHidden) {
  const auto all =
      found(stage("a", "camgrab", ", -o, \"shm:x\""),
            {{"camgrab", {.code = 66, .in_time = true, .out = {}, .err = "camgrab: rtsp://u:secret@h/: no\n"}}});
  ASSERT_EQ(all.size(), 1U);
  EXPECT_THAT(all[0], HasSubstr("rtsp://u:***@h/"));
}

TEST_F(ExamineTest, OddAnswersAreFindings) {
  const std::string stages = stage("a", "camgrab", ", -o, \"shm:x\"");
  EXPECT_THAT(found(stages, {{"camgrab", {.code = 0, .in_time = true, .out = "usage: camgrab", .err = {}}}}),
              ElementsAre(HasSubstr("answered something else")));
  EXPECT_THAT(found(stages, {{"camgrab", {.code = 137, .in_time = false, .out = {}, .err = {}}}}),
              ElementsAre(HasSubstr("did not say in 10 s")));
  EXPECT_THAT(found(stages, {{"camgrab", {.code = 70, .in_time = true, .out = {}, .err = {}}}}),
              ElementsAre(HasSubstr("exit 70 without a word")));
  // What only another user may read is no fault of the file.
  EXPECT_THAT(found(stages, {{"camgrab", {.code = 77, .in_time = true, .out = {}, .err = "camgrab: no\n"}}}),
              ElementsAre(testing::StartsWith("warning ")));
}

TEST_F(ExamineTest, RingsWithoutAWriterAreWarnedOfOnlyWhereAllIsKnown) {
  const std::string stages = stage("b", "camserve", ", \"shm:y\"");
  const std::map<std::string, Answer> reads{
      {"camserve", {.code = 0, .in_time = true, .out = "input shm:y\n", .err = {}}},
      {"camgrab", {.code = 64, .in_time = true, .out = {}, .err = "x"}}};
  EXPECT_THAT(found(stages, reads), ElementsAre(testing::AllOf(testing::StartsWith("warning "), HasSubstr("shm:y"))));
  EXPECT_EQ(found(stages + stage("a", "camgrab", ", -o, \"shm:x\""), reads).size(), 1U);
}

TEST_F(ExamineTest, AddressesCollide) {
  const auto collide = [&](const std::string& one, const std::string& other) {
    return !found(stage("a", "camserve", ", \"shm:*\""),
                  {{"camserve",
                    {.code = 0, .in_time = true, .out = "listen " + one + "\nlisten 127.0.0.9:1\n", .err = {}}}})
                .empty() ||
           found(stage("a", "camserve", ", \"shm:*\"") + stage("b", "camgrab", ", -o, \"shm:x\""),
                 {{"camserve", {.code = 0, .in_time = true, .out = "listen " + one + "\n", .err = {}}},
                  {"camgrab", {.code = 0, .in_time = true, .out = "listen " + other + "\n", .err = {}}}})
                   .size() == 1;
  };
  EXPECT_TRUE(collide("127.0.0.1:80", "127.0.0.1:80"));
  EXPECT_TRUE(collide(":80", "127.0.0.1:80"));
  EXPECT_TRUE(collide("[::1]:80", "[::]:80"));
  EXPECT_TRUE(collide("unix:/a", "unix:/a"));
  EXPECT_FALSE(collide("127.0.0.1:80", "127.0.0.2:80"));
  EXPECT_FALSE(collide("127.0.0.1:0", "127.0.0.1:0"));
  EXPECT_FALSE(collide("unix:/a", "unix:/b"));
}

TEST(Programs, MissingProgramIsToldWithItsPlace) {
  check::require_programs(config("      a: {cmd: [cat]}\n"));
  try {
    check::require_programs(config("      a: {cmd: [cat]}\n      b: {from: a, cmd: [no-such-program-here]}\n"));
    FAIL() << "found";
  } catch (const config::ConfigError& error) {
    EXPECT_EQ(error.position().line, 6);
    EXPECT_THAT(error.what(), HasSubstr("c/b: there is no program 'no-such-program-here' in $PATH"));
  }
}

TEST(Programs, ProgramIsLookedForInTheStagesOwnPath) {
  EXPECT_THROW(check::require_programs(config("      a: {cmd: [cat], env: {PATH: /nowhere}}\n")), config::ConfigError);
}

TEST(RunTool, AnswersWithWhatItWroteAndItsCode) {
  const Answer answer = check::run_tool({.argv = {"sh", "-c", "echo out; echo err >&2; cat; exit 3"}, .env = {}});
  EXPECT_EQ(answer.code, 3);
  EXPECT_EQ(answer.out, "out\n");
  EXPECT_EQ(answer.err, "err\n");
}

TEST(RunTool, KeepsOnlySoMuch) {
  const Answer answer =
      check::run_tool({.argv = {"sh", "-c", "head -c 300000 /dev/zero; head -c 9 /dev/zero >&2"}, .env = {}});
  EXPECT_EQ(answer.out.size(), 65536U);
  EXPECT_EQ(answer.err.size(), 9U);
  EXPECT_EQ(answer.code, 0);
}

}  // namespace
}  // namespace campipe::watch
