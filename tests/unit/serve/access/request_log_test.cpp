#include "serve/access/request_log.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/own_folder.hpp"
#include "base/stderr_to.hpp"

namespace campipe::serve::access {
namespace {

using std::chrono::seconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kNoon = 1'796'126'400;  // 2026-12-01 12:00:00 UTC

TEST(RequestLogLine, IsTheCombinedFormatAndTheDuration) {
  EXPECT_EQ(format_line({.peer_host = "192.0.2.7",
                         .line = "GET /stream/cam?fps=5 HTTP/1.1",
                         .status = 200,
                         .bytes = 81234,
                         .referer = "http://cam/",
                         .user_agent = "curl/7.88.1",
                         .duration_ms = 12'345},
                        kNoon),
            R"(192.0.2.7 - - [01/Dec/2026:12:00:00 +0000] "GET /stream/cam?fps=5 HTTP/1.1" 200 81234 "http://cam/" )"
            R"("curl/7.88.1" 12.345)");
  EXPECT_EQ(
      format_line({.peer_host = "unix", .line = {}, .status = 499, .referer = {}, .user_agent = {}, .duration_ms = 7},
                  kNoon),
      R"(unix - - [01/Dec/2026:12:00:00 +0000] "-" 499 0 "-" "-" 0.007)");
}

TEST(RequestLogLine, HasNoSecrets) {
  const std::string line = format_line({.peer_host = "h",
                                        .line = "GET /stream/cam?token=geheim&x=1 HTTP/1.1",
                                        .referer = "http://u:geheim@h/?password=geheim",
                                        .user_agent = "x"},
                                       kNoon);
  EXPECT_THAT(line, Not(HasSubstr("geheim")));
  EXPECT_THAT(line, HasSubstr("\"GET /stream/cam?token=***&x=1 HTTP/1.1\""));
}

TEST(RequestLogLine, IsOneLineOfPlainTextWhateverComes) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  const std::string line = format_line({.peer_host = "h", .line = all, .referer = all, .user_agent = all}, kNoon);
  EXPECT_TRUE(std::ranges::all_of(line, [](char c) { return c >= 0x20 && c < 0x7F; }));
  EXPECT_EQ(std::ranges::count(line, '"'), 6);
  EXPECT_THAT(line, HasSubstr(R"(\x00\x01)"));
  EXPECT_THAT(line, HasSubstr(R"(!\x22#)"));
  EXPECT_THAT(line, HasSubstr(R"([\x5c])"));
  const std::string huge(1 << 20, '\xFF');
  EXPECT_LT(format_line({.peer_host = "h", .line = huge, .referer = huge, .user_agent = huge}, kNoon).size(), 4096U);
}

class RequestLogTest : public testing::Test {
protected:
  RequestLogTest() { log::init({.tool = "t"}); }
  ~RequestLogTest() override { log::init({}); }

  static std::string text(const std::string& path) {
    std::ostringstream out;
    out << std::ifstream(path).rdbuf();
    return out.str();
  }
  /// Of the lines of `path`, what was asked for.
  static std::vector<std::string> lines(const std::string& path) {
    std::ifstream file(path);
    std::vector<std::string> found;
    for (std::string line; std::getline(file, line);) {
      const std::size_t at = std::min(line.find('"'), line.size());
      found.push_back(line.substr(at, line.find('"', at + 1) - at));
    }
    return found;
  }
  static void write(RequestLog& log, std::string_view line) {
    log.write({.peer_host = "h", .line = line, .status = 200, .referer = {}, .user_agent = {}});
  }
  ExitCode refusal(const std::string& path) {
    try {
      RequestLog log(loop_, hub_, path);
    } catch (const Error& error) {
      return error.code();
    }
    return ExitCode::ok;
  }
  std::uint64_t lost() const {
    const auto found = hub_.counters().find("access_log_lost_lines_total");
    return found == hub_.counters().end() ? 0 : found->second;
  }

  net::Loop loop_{net::Loop::Time::manual};
  hub::Hub hub_;
  OwnFolder folder_;
  std::string path_ = folder_ / "access.log";
  WritesToStderr told_;
};

TEST_F(RequestLogTest, AppendsToWhatIsThere) {
  std::ofstream(path_) << "before\n";
  {
    RequestLog log(loop_, hub_, path_);
    write(log, "a");
    EXPECT_THAT(text(path_), testing::StartsWith("before\nh - - ["));
    write(log, "b");
  }
  EXPECT_EQ(std::ranges::count(text(path_), '\n'), 3);
}

TEST_F(RequestLogTest, ANewFileIsNotForEverybody) {
  const RequestLog log(loop_, hub_, path_);
  struct stat about{};
  ASSERT_EQ(::stat(path_.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0027U, 0U);
}

TEST_F(RequestLogTest, AFileThatWasMovedOrDeletedIsMadeAnewWithinASecond) {
  RequestLog log(loop_, hub_, path_);
  write(log, "a");
  std::filesystem::rename(path_, path_ + ".1");
  write(log, "b");  // just looked
  loop_.advance(seconds(1));
  log.tick();
  write(log, "c");
  EXPECT_THAT(lines(path_ + ".1"), testing::ElementsAre("\"a", "\"b"));
  EXPECT_THAT(lines(path_), testing::ElementsAre("\"c"));
  std::filesystem::remove(path_);
  loop_.advance(seconds(1));
  write(log, "d");  // it looks, too
  EXPECT_THAT(lines(path_), testing::ElementsAre("\"d"));
  std::ofstream(path_ + ".2") << "other\n";
  std::filesystem::rename(path_ + ".2", path_);
  loop_.advance(seconds(1));
  write(log, "e");
  EXPECT_THAT(text(path_), testing::StartsWith("other\nh "));
  std::filesystem::resize_file(path_, 0);  // copytruncate
  write(log, "f");
  EXPECT_THAT(lines(path_), testing::ElementsAre("\"f"));
  EXPECT_EQ(lost(), 0U);
  EXPECT_TRUE(told_.take().empty());
}

TEST_F(RequestLogTest, LinesOfAFileThatCannotBeMadeAnewAreCountedAndToldOnce) {
  const std::string inner = folder_ / "logs";
  std::filesystem::create_directory(inner);
  RequestLog log(loop_, hub_, inner + "/a");
  std::filesystem::remove_all(inner);
  loop_.advance(seconds(1));
  for (int i = 0; i < 5; ++i) write(log, "x");
  EXPECT_EQ(lost(), 5U);
  EXPECT_THAT(told_.take(),
              testing::ElementsAre("t: access log " + inner +
                                   "/a: No such file or directory: lines are lost until it can be written\n"));
  std::filesystem::create_directory(inner);
  loop_.advance(seconds(1));
  write(log, "y");
  EXPECT_THAT(lines(inner + "/a"), testing::ElementsAre("\"y"));
  EXPECT_THAT(told_.take(), testing::ElementsAre(EndsWith("written again, 5 lines are lost\n")));
}

TEST_F(RequestLogTest, AMovedFileGoesOnWhereThereCanBeNoOther) {
  const std::string inner = folder_ / "logs", moved = folder_ / "moved";
  std::filesystem::create_directory(inner);
  RequestLog log(loop_, hub_, inner + "/a");
  std::filesystem::rename(inner, moved);
  loop_.advance(seconds(1));
  write(log, "x");
  EXPECT_THAT(lines(moved + "/a"), testing::ElementsAre("\"x"));
  EXPECT_EQ(lost(), 0U);
}

TEST_F(RequestLogTest, AfterATornLineTheNextBeginsItsOwn) {
  std::signal(SIGXFSZ, SIG_IGN);
  RequestLog log(loop_, hub_, path_);
  write(log, "whole");
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit some{std::filesystem::file_size(path_) + 10, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &some), 0);
  write(log, "torn");
  write(log, "lost");
  ::setrlimit(RLIMIT_FSIZE, &before);
  write(log, "next");
  EXPECT_EQ(lost(), 2U);
  EXPECT_THAT(lines(path_), testing::ElementsAre("\"whole", "", "\"next"));
}

TEST_F(RequestLogTest, WhatIsNoFileIsRefused) {
  EXPECT_EQ(refusal("-"), ExitCode::usage);
  EXPECT_EQ(refusal(folder_ / "no/such/folder"), ExitCode::cannot_create);
  EXPECT_EQ(refusal(folder_ / "."), ExitCode::cannot_create);
  EXPECT_EQ(refusal("/dev/null"), ExitCode::cannot_create);
  const std::string fifo = folder_ / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(refusal(fifo), ExitCode::cannot_create);
}

}  // namespace
}  // namespace campipe::serve::access
