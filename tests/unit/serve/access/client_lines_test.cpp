#include "serve/access/client_lines.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/log.hpp"
#include "base/stderr_to.hpp"

namespace campipe::serve::access {
namespace {

using About = ClientLines::About;

class ClientLinesTest : public testing::Test {
protected:
  ClientLinesTest() { log::init({.tool = "t"}); }
  ~ClientLinesTest() override { log::init({}); }
  WritesToStderr told_;
};

TEST_F(ClientLinesTest, FewClientsHaveALineEach) {
  ClientLines lines;
  for (int i = 0; i < 20; ++i) lines.say(About::came, "one", i);
  lines.tick(60'000);
  EXPECT_EQ(told_.take(), std::vector<std::string>(20, "t: one\n"));
}

TEST_F(ClientLinesTest, OfMoreOneLineTellsHowManyCameAndLeft) {
  ClientLines lines;
  for (int i = 0; i < 500; ++i) lines.say(About::came, "came", 1'000 + i);
  for (int i = 0; i < 470; ++i) lines.say(About::left, "left", 2'000 + i);
  lines.tick(10'999);
  EXPECT_EQ(told_.take().size(), 20U);
  lines.tick(11'000);
  EXPECT_THAT(told_.take(), testing::ElementsAre(
                                "t: … 480 more clients came, 470 left in the last 10 s; --access-log FILE has each\n"));
  lines.tick(30'000);
  EXPECT_TRUE(told_.take().empty());
  lines.say(About::left, "later", 31'000);
  EXPECT_THAT(told_.take(), testing::ElementsAre("t: later\n"));
}

TEST_F(ClientLinesTest, ALineBehindTheTenSecondsBeginsAnewWithoutATick) {
  ClientLines lines("the access log has each");
  for (int i = 0; i < 21; ++i) lines.say(About::trouble, "bad", 0);
  told_.take();
  lines.say(About::came, "next", 10'000);
  EXPECT_THAT(
      told_.take(),
      testing::ElementsAre(
          "t: … 0 more clients came, 0 left, 1 had trouble in the last 10 s; the access log has each\n", "t: next\n"));
}

TEST_F(ClientLinesTest, NothingIsLeftUntoldAtTheEnd) {
  {
    ClientLines lines;
    for (int i = 0; i < 22; ++i) lines.say(About::left, "left", 0);
    told_.take();
  }
  EXPECT_THAT(told_.take(), testing::ElementsAre(testing::HasSubstr("0 more clients came, 2 left")));
}

}  // namespace
}  // namespace campipe::serve::access
