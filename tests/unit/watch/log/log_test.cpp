#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/no_descriptors.hpp"
#include "watch/flow/report.hpp"
#include "watch/log/file.hpp"
#include "watch/log/line_reader.hpp"
#include "watch/log/view.hpp"

namespace campipe::watch {
namespace {

using namespace std::chrono_literals;

class LogFolder : public testing::Test {
protected:
  void SetUp() override {
    dir_ = testing::TempDir() + "watch-log-XXXXXX";
    ASSERT_NE(::mkdtemp(dir_.data()), nullptr);
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  std::string text(const std::string& name) const {
    std::ifstream in(dir_ + "/" + name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::vector<std::string> shown(log::Request request) const {
    request.dir = dir_;
    std::vector<std::string> lines;
    log::show_logs(request, [&](std::string_view line) {
      lines.emplace_back(line.substr(line.find(' ') + 1));
      return true;
    });
    return lines;
  }
  std::string dir_;
};

TEST(LineReader, CutsLinesAcrossReads) {
  std::vector<std::string> lines;
  log::LineReader reader(1000, [&](std::string_view line) { lines.emplace_back(line); });
  reader.feed("one\ntw", 1s);
  reader.feed("o\r\nthree\rfour", 1s);
  reader.end(1s);
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "two", "three", "four"}));
}

TEST(LineReader, CutsWhatNeverEnds) {
  std::vector<std::size_t> lengths;
  log::LineReader reader(1000, [&](std::string_view line) { lengths.push_back(line.size()); });
  reader.feed(std::string(10000, 'x'), 1s);
  reader.end(1s);
  EXPECT_EQ(lengths, (std::vector<std::size_t>{4096, 4096, 1808}));
}

TEST(LineReader, LeavesOutWhatIsTooMuchAndSaysHowMuch) {
  std::vector<std::string> lines;
  log::LineReader reader(3, [&](std::string_view line) { lines.emplace_back(line); });
  for (int i = 0; i < 100; ++i) reader.feed("x\n", 1s + i * 1ms);
  EXPECT_EQ(lines.size(), 3U);
  reader.tick(2500ms);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines.back(), "(97 lines left out: over 3 a second)");
  reader.feed("y\n", 2600ms);
  EXPECT_EQ(lines.back(), "y");
}

TEST_F(LogFolder, RotatesBySizeAndKeepsAsManyAsAsked) {
  log::File log(dir_ + "/a.log", {200, 2});
  for (int i = 0; i < 20; ++i) log.write("enc[1]", std::string(50, static_cast<char>('a' + i)));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_), {}), 3);
  for (const char* name : {"a.log", "a.log.1", "a.log.2"}) {
    EXPECT_LE(std::filesystem::file_size(dir_ + "/" + name), 200U);
    EXPECT_GT(std::filesystem::file_size(dir_ + "/" + name), 0U);
  }
  EXPECT_NE(text("a.log").find(std::string(50, 't')), std::string::npos);
}

TEST_F(LogFolder, WithoutDescriptorsTheOlderOnesStay) {
  log::File log(dir_ + "/a.log", {100, 3});
  for (const char* line : {"one", "two", "three"}) log.write("s", std::string(60, ' ') + line);
  ASSERT_NE(text("a.log.2").find("one"), std::string::npos);
  {
    const campipe::test::NoDescriptors none(campipe::test::NoDescriptors::Freed::stay_away);
    for (int i = 0; i < 10; ++i) log.write("s", std::string(60, ' ') + "missed");
  }
  log.write("s", "four");
  EXPECT_NE(text("a.log.3").find("one"), std::string::npos);  // one rotation, whose new file could not be had
  EXPECT_NE(text("a.log.2").find("two"), std::string::npos);
  EXPECT_NE(text("a.log.1").find("three"), std::string::npos);
  EXPECT_NE(text("a.log").find("four"), std::string::npos);
}

TEST_F(LogFolder, FileThatCannotBeRenamedStartsOverAndTheOlderOnesStay) {
  log::File log(dir_ + "/a.log", {100, 2});
  for (const char* line : {"one", "two"}) log.write("s", std::string(60, ' ') + line);
  std::filesystem::create_directory(dir_ + "/a.log.0");  // in the way
  std::ofstream(dir_ + "/a.log.0/x") << "x";
  for (const char* line : {"three", "four"}) log.write("s", std::string(60, ' ') + line);
  EXPECT_NE(text("a.log.1").find("one"), std::string::npos);
  EXPECT_NE(text("a.log").find("four"), std::string::npos);
  EXPECT_LE(text("a.log").size(), 100U);
}

TEST_F(LogFolder, MovedOrDeletedFileIsMadeAnewWithinASecond) {
  log::File log(dir_ + "/a.log", {1000, 1});
  log.write("s", "one");
  std::filesystem::rename(dir_ + "/a.log", dir_ + "/elsewhere");
  log.tick();
  log.write("s", "two");
  EXPECT_NE(text("elsewhere").find("one"), std::string::npos);
  EXPECT_NE(text("a.log").find("two"), std::string::npos);
  std::filesystem::remove(dir_ + "/a.log");
  log.tick();
  log.write("s", "three");
  EXPECT_NE(text("a.log").find("three"), std::string::npos);
  std::filesystem::rename(dir_ + "/a.log", dir_ + "/b.log");  // as logrotate's "create"
  std::ofstream(dir_ + "/a.log") << "";
  log.tick();
  log.write("s", "four");
  EXPECT_NE(text("a.log").find("four"), std::string::npos);
}

TEST_F(LogFolder, FileThatWasCutHasRoomAgain) {
  log::File log(dir_ + "/a.log", {200, 1});
  for (int i = 0; i < 2; ++i) log.write("s", std::string(60, 'x'));
  std::filesystem::resize_file(dir_ + "/a.log", 0);  // as logrotate's copytruncate
  log.tick();
  log.write("s", "one");
  EXPECT_NE(text("a.log").find("one"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/a.log.1"));
}

TEST_F(LogFolder, MovesToAnotherPathOrStays) {
  log::File log(dir_ + "/a.log", {1000, 1});
  EXPECT_THROW(log.move_to(dir_ + "/none/a.log", {1000, 1}), Error);
  log.write("s", "one");
  log.move_to(dir_ + "/b.log", {1000, 1});
  log.write("s", "two");
  EXPECT_NE(text("a.log").find("one"), std::string::npos);
  EXPECT_NE(text("b.log").find("two"), std::string::npos);
}

TEST_F(LogFolder, GoesOnAfterARestart) {
  log::File(dir_ + "/a.log", {1000, 1}).write("x", "first");
  log::File(dir_ + "/a.log", {1000, 1}).write("x", "second");
  EXPECT_NE(text("a.log").find("x: first\n"), std::string::npos);
  EXPECT_NE(text("a.log").find("x: second\n"), std::string::npos);
}

TEST_F(LogFolder, NeverHoldsAPasswordNorControlBytes) {
  log::File log(dir_ + "/a.log", {10000, 1});
  log.write("grab[1]", "cannot open rtsp://user:hunter2@cam/x \x1b[31mred");
  EXPECT_EQ(text("a.log").find("hunter2"), std::string::npos);
  EXPECT_NE(text("a.log").find("rtsp://user:***@cam/x \\x1b[31mred"), std::string::npos);
}

TEST_F(LogFolder, AFolderThatIsNotThereIsExit73) {
  try {
    log::File log(dir_ + "/none/a.log", {100, 1});
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::cannot_create);
  }
}

TEST_F(LogFolder, ViewPicksChainAndStageAndSortsByTime) {
  std::ofstream(dir_ + "/a.log") << "2026-01-01T00:00:01.000Z enc[5]: one\n2026-01-01T00:00:03.000Z encoder[6]: three\n"
                                 << "2026-01-01T00:00:04.000Z camwatch: enc: killed\n";
  std::ofstream(dir_ + "/b.log") << "2026-01-01T00:00:02.000Z x[7]: two\n";
  EXPECT_EQ(shown({}), (std::vector<std::string>{"a/enc[5]: one", "b/x[7]: two", "a/encoder[6]: three",
                                                 "a/camwatch: enc: killed"}));
  EXPECT_EQ(shown({.chain = "a", .lines = 2}),
            (std::vector<std::string>{"encoder[6]: three", "camwatch: enc: killed"}));
  EXPECT_EQ(shown({.chain = "a", .stage = "enc"}), (std::vector<std::string>{"enc[5]: one", "camwatch: enc: killed"}));
  EXPECT_THROW(shown({.chain = "c"}), Error);
}

TEST(Report, ReadsWhatATool) {
  const flow::Report report = flow::parse_report(
      "X_CAMPIPE_STATE=stalled\nX_CAMPIPE_FRAMES_IN=12\nX_CAMPIPE_FRAMES_OUT=11\nX_CAMPIPE_LAST_US=99\nX_CAMPIPE_"
      "BLOCKED=1\nWATCHDOG=1");
  EXPECT_EQ(report.flow, cli::Flow::stalled);
  EXPECT_EQ(report.frames_in, 12U);
  EXPECT_EQ(report.frames_out, 11U);
  EXPECT_EQ(report.last_us, 99);
  EXPECT_EQ(report.blocked, true);
  EXPECT_TRUE(report.heartbeat);
  EXPECT_FALSE(report.ready);
}

TEST(Report, ReadsWhatIsSaidOfTheSource) {
  const flow::Report lost = flow::parse_report(
      "X_CAMPIPE_STATE=waiting\nX_CAMPIPE_SOURCE_SINCE_MS=1796085333514\nX_CAMPIPE_SOURCE=lost\n"
      "X_CAMPIPE_SOURCE_REASON=a=b: \x1b[31mrefused\n");
  ASSERT_TRUE(lost.source);
  EXPECT_EQ(lost.source->state, SourceState::lost);
  EXPECT_EQ(lost.source->since_us, 1796085333514000);
  EXPECT_EQ(lost.source->reason, "a=b: \\x1b[31mrefused");
  EXPECT_EQ(flow::parse_report("X_CAMPIPE_SOURCE=resting\n").source->state, SourceState::resting);
  EXPECT_FALSE(flow::parse_report("X_CAMPIPE_STATE=flowing\n").source);
  EXPECT_FALSE(flow::parse_report("X_CAMPIPE_SOURCE=dancing\nX_CAMPIPE_SOURCE_REASON=x\n").source);
  EXPECT_EQ(flow::parse_report("X_CAMPIPE_SOURCE=lost\nX_CAMPIPE_SOURCE_SINCE_MS=-1\nX_CAMPIPE_SOURCE_REASON=" +
                               std::string(9000, 'x'))
                .source->reason.size(),
            kMaxSourceReason);
}

TEST(Report, LeavesOutWhatIsMalformed) {
  const flow::Report report = flow::parse_report(
      "READY=1\nX_CAMPIPE_STATE=dancing\nX_CAMPIPE_FRAMES_IN=-1\nX_CAMPIPE_FRAMES_OUT=1e9\n=\n\nSTATUS");
  EXPECT_TRUE(report.ready);
  EXPECT_FALSE(report.flow);
  EXPECT_FALSE(report.frames_in);
  EXPECT_FALSE(report.frames_out);
}

}  // namespace
}  // namespace campipe::watch
