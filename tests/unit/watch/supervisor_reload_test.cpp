#include <csignal>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>

#include "watch/supervisor_rig.hpp"

namespace campipe::watch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

class ReloadTest : public fake::SupervisorTest {
protected:
  /// The file has these chains now.
  void write(const std::string& chains, const std::string& more = {}) {
    file_ = std::string(kHead) + more + "chains:\n" + chains;
  }
  static std::vector<std::string> names(const nlohmann::json& answer, const char* key) {
    return answer.at(key).get<std::vector<std::string>>();
  }
};

TEST_F(ReloadTest, UnchangedFileChangesNothing) {
  run();
  file_ += "# a comment\n";
  const auto answer = ask("reload");
  EXPECT_EQ(answer.at("ok"), true);
  EXPECT_THAT(names(answer, "unchanged"), ElementsAre("front", "back"));
  EXPECT_THAT(processes_.terminated, IsEmpty());
  EXPECT_EQ(processes_.all.size(), 3U);
}

TEST_F(ReloadTest, ChainsComeAndGoAndOthersKeepTheirProcesses) {
  run();
  write(std::string("  side: {stages: {new: {cmd: [new]}}}\n") + kFront);
  Request reload(*this, "reload", {});
  EXPECT_THAT(processes_.terminated, ElementsAre("only"));
  EXPECT_EQ(processes_.starts("new"), 0U);  // it may want what the other still has
  EXPECT_FALSE(reload.answered());
  end("only");
  time_.loop.turn();
  const auto answer = reload.answer();
  EXPECT_THAT(names(answer, "added"), ElementsAre("side"));
  EXPECT_THAT(names(answer, "removed"), ElementsAre("back"));
  EXPECT_THAT(names(answer, "unchanged"), ElementsAre("front"));
  EXPECT_EQ(processes_.starts("new"), 1U);
  EXPECT_EQ(processes_.starts("source"), 1U);
  const auto chains = ask("status").at("chains");
  ASSERT_EQ(chains.size(), 2U);
  EXPECT_EQ(chains[0].at("name"), "side");  // as in the file
  EXPECT_EQ(chains[0].at("state"), "running");
  EXPECT_EQ(ask("restart", "back").at("code"), 66);
}

TEST_F(ReloadTest, ChangedChainIsRestartedWithItsNewCommand) {
  run();
  write(std::string(kFront) + "  back: {stages: {only: {cmd: [only, --fast]}}}\n");
  Request reload(*this, "reload", {});
  end("only");
  time_.loop.turn();
  EXPECT_THAT(names(reload.answer(), "restarted"), ElementsAre("back"));
  EXPECT_EQ(processes_.starts("only"), 2U);
  EXPECT_THAT(processes_.of("only").command.argv, ElementsAre("only", "--fast"));
  end("only", 1);
  time_.pass(100ms);
  EXPECT_EQ(processes_.starts("only"), 3U);  // and is looked after
}

TEST_F(ReloadTest, PoliciesAreTakenWithoutARestart) {
  run();
  write(std::string(kFront) + "  back: {restart: {first: 500ms}, stages: {only: {cmd: [only]}}}\n");
  EXPECT_THAT(names(ask("reload"), "adjusted"), ElementsAre("back"));
  EXPECT_THAT(processes_.terminated, IsEmpty());
  end("only", 1);
  time_.pass(490ms);
  EXPECT_EQ(processes_.starts("only"), 1U);
  time_.pass(10ms);
  EXPECT_EQ(processes_.starts("only"), 2U);
}

TEST_F(ReloadTest, HooksAndLogsAreTakenWithoutARestart) {
  run("hooks: {failing: [tell-one]}\n");
  const fake::TempFolder logs;
  file_ = "version: 1\ndefaults: {restart: {first: 100ms, max: 1s, jitter: none}, log: {dir: " + logs.path() +
          "}}\nhooks: {failing: [tell-other]}\nchains:\n" + kFront + kBack;
  const auto answer = ask("reload");
  EXPECT_EQ(answer.at("hooks"), true);
  EXPECT_EQ(answer.at("log"), true);
  EXPECT_THAT(processes_.terminated, IsEmpty());
  for (int i = 0; i < 3; ++i) {
    end("only", 1);
    time_.pass(500ms);
  }
  EXPECT_EQ(processes_.starts("tell-one"), 0U);
  EXPECT_EQ(processes_.starts("tell-other"), 1U);
  std::ifstream log(logs.path() + "/back.log");
  EXPECT_THAT(std::string(std::istreambuf_iterator<char>(log), {}), HasSubstr("only: exit 1"));
  EXPECT_EQ(ask("status").at("log_dir"), logs.path());
}

TEST_F(ReloadTest, HookOfALostSourceIsTakenWithItsTime) {
  run();
  write(std::string(kFront) + kBack, "hooks: {lost: [tell, \"{event} {chain}/{stage}\"], lost-after: 2s}\n");
  EXPECT_EQ(ask("reload").at("hooks"), true);
  time_.pass(4s, [&] { processes_.of("only").report("WATCHDOG=1\nX_CAMPIPE_STATE=waiting"); });
  ASSERT_EQ(processes_.starts("tell"), 1U);
  EXPECT_THAT(processes_.of("tell").command.argv, ElementsAre("tell", "lost back/only"));
}

TEST_F(ReloadTest, FileThatCannotBeUsedChangesNothing) {
  run();
  write("  side: {stages: {new: {cmd: [new], colour: red}}}\n");
  const auto answer = ask("reload");
  EXPECT_EQ(answer.at("ok"), false);
  EXPECT_EQ(answer.at("code"), 78);
  EXPECT_THAT(answer.at("message").get<std::string>(), HasSubstr("test.yaml:4:37: "));
  EXPECT_THAT(processes_.terminated, IsEmpty());
  EXPECT_EQ(state_of("back"), "running");
  write(kBack, "");
  file_ += "  side: {stages: {new: {cmd: [new]}}}\n";
  file_.insert(file_.find("jitter: none}") + 13, ", log: {dir: /nonexistent/campipe}");  // valid, but no place for logs
  EXPECT_EQ(ask("reload").at("code"), 73);
  EXPECT_THAT(processes_.terminated, IsEmpty());
  EXPECT_EQ(state_of("front"), "running");
}

TEST_F(ReloadTest, HangupReloads) {
  run();
  write(kBack);
  send(SIGHUP);
  EXPECT_THAT(processes_.terminated, ElementsAre("source"));
  end("source");
  end("sink");
  time_.loop.turn();
  EXPECT_EQ(state_of("front"), "none");
  EXPECT_FALSE(time_.loop.stopped());
  file_ = "version: 2\n";
  send(SIGHUP);  // told, no more
  EXPECT_EQ(state_of("back"), "running");
}

TEST_F(ReloadTest, StoppedChainStaysStopped) {
  run();
  Request stop(*this, "stop", "back");
  end("only");
  EXPECT_EQ(stop.answer().at("ok"), true);
  write(std::string(kFront) + "  back: {stages: {only: {cmd: [only, --fast]}}}\n");
  EXPECT_THAT(names(ask("reload"), "still_stopped"), ElementsAre("back"));
  time_.loop.turn();
  EXPECT_EQ(state_of("back"), "stopped");
  EXPECT_EQ(processes_.starts("only"), 1U);
  EXPECT_EQ(ask("start", "back").at("ok"), true);
  EXPECT_THAT(processes_.of("only").command.argv, ElementsAre("only", "--fast"));
}

TEST_F(ReloadTest, CommandsMeanwhile) {
  run();
  write(std::string(kFront) + "  back: {stages: {only: {cmd: [only, --fast]}}}\n");
  Request reload(*this, "reload", {});
  EXPECT_EQ(ask("reload").at("code"), 75);
  EXPECT_EQ(ask("restart", "back").at("code"), 75);
  EXPECT_EQ(ask("start", "back/only").at("code"), 75);
  Request stop(*this, "stop", "back");  // the latest wish counts
  end("only");
  EXPECT_EQ(stop.answer().at("ok"), true);
  time_.loop.turn();
  EXPECT_EQ(reload.answer().at("ok"), true);
  EXPECT_EQ(state_of("back"), "stopped");
}

TEST_F(ReloadTest, StopMeanwhileWins) {
  run();
  write(kBack);
  Request reload(*this, "reload", {});
  send(SIGTERM);
  EXPECT_EQ(reload.answer().at("code"), 75);
  for (const char* stage : {"source", "sink", "only"}) end(stage);
  EXPECT_TRUE(time_.loop.stopped());
  EXPECT_EQ(supervisor_->finish(), 0);
}

TEST_F(ReloadTest, LastChainMayGoWhileAnotherComes) {
  file_ = std::string(kHead) + "chains:\n  back: {stages: {only: {cmd: [only], restart: never}}}\n";
  supervisor_ = std::make_unique<Supervisor>(
      load(),
      SupervisorOptions{
          .control_socket = socket(), .echo = false, .single = false, .stats = {}, .load = [this] { return load(); }},
      time_.loop, processes_);
  supervisor_->begin();
  write("  side: {stages: {new: {cmd: [new]}}}\n");
  Request reload(*this, "reload", {});
  end("only");
  time_.loop.turn();
  EXPECT_EQ(reload.answer().at("ok"), true);
  EXPECT_FALSE(time_.loop.stopped());
  EXPECT_EQ(processes_.starts("new"), 1U);
}

}  // namespace
}  // namespace campipe::watch
