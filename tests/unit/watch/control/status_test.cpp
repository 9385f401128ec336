#include "watch/control/status.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"

namespace campipe::watch {
namespace {

using testing::HasSubstr;
using testing::Not;

control::StageStatus stage(const std::string& name, const std::string& state) {
  control::StageStatus status;
  status.name = name;
  status.state = state;
  status.pid = 17;
  status.tells = true;
  return status;
}

control::Status two_chains() {
  control::StageStatus grab = stage("grab", "lost");
  grab.lost = true;
  grab.lost_for_s = 12;
  grab.reason = "Connection refused";
  control::StageStatus enc = stage("enc", "flowing");
  enc.fps_in = 30, enc.fps_out = 15, enc.last_frame_age_s = 0.02, enc.restarts = 2, enc.last_exit = "exit 1";
  control::StageStatus serve = stage("serve", "restarting");
  serve.pid = 0, serve.failing = true, serve.starts_in_s = 12, serve.last_exit = "exit 75: busy";
  serve.last_words = "port 80: \x1b[31min use";
  control::Status status;
  status.chains = {{.name = "front", .state = "lost", .stages = {grab, enc}},
                   {.name = "back", .state = "failing", .stages = {serve}},
                   {.name = "side", .state = "running", .stages = {enc}}};
  return status;
}

TEST(Status, TableSaysWhyBesideEachStateAndSumsUp) {
  const std::string table = control::table_of(to_json(two_chains()));
  EXPECT_THAT(table, HasSubstr("  grab       lost"));
  EXPECT_THAT(table, HasSubstr("for 12.0s: Connection refused"));
  EXPECT_THAT(table, testing::ContainsRegex("enc +flowing +17 +30.0 +15.0 +20ms .* 2 +exit 1"));
  EXPECT_THAT(table, HasSubstr("exit 75: busy: port 80: \\x1b[31min use, again in 12.0s"));
  EXPECT_THAT(table, HasSubstr("3 chains: 1 lost, 1 failing, 1 running; 4 stages, 3 with a process, 4 restarts\n"));
}

TEST(Status, OnlyWhatIsAskedForCounts) {
  const std::string all = to_json(two_chains());
  EXPECT_TRUE(control::is_in_trouble(all));
  EXPECT_TRUE(control::is_in_trouble(control::only(all, "front")));
  EXPECT_TRUE(control::is_in_trouble(control::only(all, "back")));
  EXPECT_FALSE(control::is_in_trouble(control::only(all, "side")));
  EXPECT_TRUE(control::is_in_trouble(control::only(all, "front/grab")));
  EXPECT_FALSE(control::is_in_trouble(control::only(all, "front/enc")));
  EXPECT_THAT(control::table_of(control::only(all, "front/enc")), Not(HasSubstr("grab")));
  for (const char* target : {"none", "front/none", "/", "front/"}) {
    EXPECT_THROW(control::only(all, target), Error) << target;
  }
}

TEST(Status, OtherAnswersAreAProtocolError) {
  for (const char* text :
       {"", "{}", "[]", R"({"chains":[{}]})", R"({"chains":[{"name":"a","state":"b","stages":[{}]}]})"}) {
    EXPECT_THROW(control::table_of(text), Error) << text;
  }
  EXPECT_THROW(control::is_in_trouble("{}"), Error);
}

TEST(Status, OneLineForAllChainsFitsOrNamesThoseInTrouble) {
  const auto chains = two_chains().chains;
  EXPECT_EQ(control::one_line(chains, 200),
            "front: grab lost, enc 30.0 fps; back: serve restarting; side: enc 30.0 fps");
  EXPECT_EQ(control::one_line(chains, 60), "3 chains: 1 failing, 1 lost, 1 running: front, back");
}

}  // namespace
}  // namespace campipe::watch
