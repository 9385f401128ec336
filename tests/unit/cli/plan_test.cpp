#include "cli/plan.hpp"

#include <gtest/gtest.h>

namespace campipe::cli {
namespace {

TEST(Plan, ComesBackFromItsText) {
  const Plan plan{.inputs = {"-", "shm:front.raw", "/a b\\c\nd", ""},
                  .outputs = {"fd:3"},
                  .folders = {"/rec"},
                  .listens = {"127.0.0.1:8080", "unix:/run/x"},
                  .waits = true};
  EXPECT_EQ(parse_plan(to_text(plan)), plan);
  EXPECT_EQ(parse_plan(""), Plan{});
}

TEST(Plan, OtherTextIsNone) {
  for (const char* text : {"input -", "input\n", "usage: x\n", "output a\\x\n", "input a\\\n", "\n", "input a\n\n"})
    EXPECT_EQ(parse_plan(text), std::nullopt) << text;
}

}  // namespace
}  // namespace campipe::cli
