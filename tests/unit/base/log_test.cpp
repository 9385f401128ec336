#include "base/log.hpp"

#include <cerrno>
#include <cstdlib>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/stderr_to.hpp"

namespace campipe::log {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::MatchesRegex;

class Log : public testing::Test {
protected:
  ~Log() override { init({}); }
};

TEST_F(Log, EachLineIsOneWrite) {
  WritesToStderr sink;
  init({.tool = "camenc"});
  error("{}: no such device", "/dev/video9");
  warning("two");
  info("three {}", 3);
  relay("camgrab", "what it wrote");
  EXPECT_THAT(sink.take(), ElementsAre("camenc: /dev/video9: no such device\n", "camenc: two\n", "camenc: three 3\n",
                                       "camgrab: what it wrote\n"));
}

TEST_F(Log, TheLevelDecidesWhatIsWritten) {
  struct Case {
    Level level;
    std::vector<std::string> lines;
  };
  for (const Case& c : {
           Case{Level::error, {"t: e\n"}},
           Case{Level::warning, {"t: e\n", "t: w\n"}},
           Case{Level::info, {"t: e\n", "t: w\n", "t: i\n", "other: r\n"}},
           Case{Level::debug, {"t: e\n", "t: w\n", "t: i\n", "other: r\n", "t: d\n"}},
       }) {
    WritesToStderr sink;
    init({.tool = "t", .level = c.level});
    error("e");
    warning("w");
    info("i");
    relay("other", "r");
    debug("d");
    EXPECT_EQ(sink.take(), c.lines) << static_cast<int>(c.level);
  }
}

TEST_F(Log, JsonLinesCarryTimeToolLevelAndMessage) {
  WritesToStderr sink;
  init({.tool = "camrec", .style = Style::json});
  warning("a \"quoted\" \\ path\n\x1b");
  relay("cam\"enc", "line");
  EXPECT_THAT(
      sink.take(),
      ElementsAre(
          MatchesRegex(
              R"(\{"time_us":[0-9]+,"tool":"camrec","level":"warning","message":"a \\"quoted\\" \\\\ path\\u000a\\u001b"\}.)"),
          MatchesRegex(R"(\{"time_us":[0-9]+,"tool":"cam\\"enc","level":"info","message":"line"\}.)")));
}

struct TextCase {
  std::string in;
  std::string printable;
  std::string json;
};

const TextCase kTexts[] = {
    {"", "", ""},
    {"plain", "plain", "plain"},
    {"a\tb", "a\tb", "a\\u0009b"},
    {"a\nb\r", "a\\x0ab\\x0d", "a\\u000ab\\u000d"},
    {"\x1b[2J", "\\x1b[2J", "\\u001b[2J"},
    {std::string("\0x", 2), "\\x00x", "\\u0000x"},
    {"\x7f", "\\x7f", "\x7f"},
    {"\"\\", "\"\\", "\\\"\\\\"},
    {"Grün €", "Grün €", "Grün €"},
    {"\xf0\x9f\x93\xb7", "\xf0\x9f\x93\xb7", "\xf0\x9f\x93\xb7"},
    {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},  // U+10FFFF
    // Cut off in the middle, a continuation alone, bytes that never occur.
    {"\xe2\x82", "\\xe2\\x82", "\\ufffd\\ufffd"},
    {"\x80", "\\x80", "\\ufffd"},
    {"\xff\xfe", "\\xff\\xfe", "\\ufffd\\ufffd"},
    {"\xe2(\xa1", "\\xe2(\\xa1", "\\ufffd(\\ufffd"},
    // Overlong forms of NUL, ESC and '/', a surrogate, beyond U+10FFFF.
    {"\xc0\x80", "\\xc0\\x80", "\\ufffd\\ufffd"},
    {"\xe0\x80\x9b", "\\xe0\\x80\\x9b", "\\ufffd\\ufffd\\ufffd"},
    {"\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf", "\\ufffd\\ufffd\\ufffd\\ufffd"},
    {"\xed\xa0\x80", "\\xed\\xa0\\x80", "\\ufffd\\ufffd\\ufffd"},
    {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"},
    // C1 controls: U+009B is CSI, which terminals obey as they obey ESC [.
    {"\xc2\x9b"
     "2J",
     "\\xc2\\x9b2J",
     "\xc2\x9b"
     "2J"},
    {"\xc2\xa0", "\xc2\xa0", "\xc2\xa0"},
};

TEST_F(Log, PrintableTextHasNoByteThatATerminalObeys) {
  for (const TextCase& c : kTexts) EXPECT_EQ(printable(c.in), c.printable) << testing::PrintToString(c.in);
}

TEST_F(Log, EscapedTextIsTheInsideOfAJsonString) {
  for (const TextCase& c : kTexts) EXPECT_EQ(json_escape(c.in), c.json) << testing::PrintToString(c.in);
}

TEST_F(Log, HostileTextStaysOneLine) {
  WritesToStderr sink;
  init({.tool = "t"});
  info("{}", "first\nsecond\x1b]0;title\x07");
  EXPECT_THAT(sink.take(), ElementsAre("t: first\\x0asecond\\x1b]0;title\\x07\n"));
}

TEST_F(Log, LinesOfSeveralThreadsStayWhole) {
  constexpr int kThreads = 4, kLines = 50;
  WritesToStderr sink;
  init({.tool = "t"});
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([i] {
      for (int line = 0; line < kLines; ++line) info("{}", std::string(100, static_cast<char>('a' + i)));
    });
  }
  for (int left = kThreads * kLines; left > 0; --left) {
    const std::string line = sink.next();
    ASSERT_EQ(line.size(), 104U);
    EXPECT_EQ(line, "t: " + std::string(100, line[3]) + "\n");
  }
  for (auto& thread : threads) thread.join();
}

TEST_F(Log, SurvivesAStderrThatTakesNothing) {
  init({.tool = "t"});
  {
    const Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    ASSERT_TRUE(full);
    const StderrTo to(full.get());
    error("lost");
  }
  {
    const Fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));  // not open for writing
    ASSERT_TRUE(nothing);
    const StderrTo to(nothing.get());
    error("lost");
  }
  WritesToStderr sink;
  error("seen");
  EXPECT_THAT(sink.take(), ElementsAre("t: seen\n"));
}

/// A terminal as stderr; what appears on it is read from the other side.
class LogOnTerminal : public Log {
protected:
  LogOnTerminal() : far_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)) {
    ::grantpt(far_.get());
    ::unlockpt(far_.get());
    near_ = Fd(::open(::ptsname(far_.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    ::setenv("TERM", "xterm", 1);
    ::dup2(near_.get(), STDOUT_FILENO);  // that of a test program is a pipe
  }
  ~LogOnTerminal() override {
    status("");
    ::dup2(stdout_.get(), STDOUT_FILENO);
    ::unsetenv("TERM");
  }

  std::string shown() {
    std::string text;
    std::array<char, 4096> buffer{};
    for (ssize_t got = 0; (got = ::read(far_.get(), buffer.data(), buffer.size())) > 0;) {
      text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return text;
  }

  Fd stdout_{::dup(STDOUT_FILENO)};
  Fd far_, near_;
};

TEST_F(LogOnTerminal, RewritesTheStatusInPlaceAndPutsLinesAboveIt) {
  const StderrTo to(near_.get());
  init({.tool = "t"});
  ASSERT_TRUE(status_possible());
  status("");
  EXPECT_EQ(shown(), "");
  status("30 fps");
  EXPECT_EQ(shown(), "\r\x1b[Kt: 30 fps");
  status("31 fps\x1b");
  EXPECT_EQ(shown(), "\r\x1b[Kt: 31 fps\\x1b");
  info("event");
  EXPECT_EQ(shown(), "\r\x1b[Kt: event\r\nt: 31 fps\\x1b");
  status("");
  EXPECT_EQ(shown(), "\r\x1b[K");
  info("event");
  EXPECT_EQ(shown(), "t: event\r\n");
}

TEST_F(LogOnTerminal, CutsTheStatusAtTheTerminalsWidth) {
  const StderrTo to(near_.get());
  init({.tool = "t"});
  const winsize size{.ws_row = 24, .ws_col = 12, .ws_xpixel = 0, .ws_ypixel = 0};
  ASSERT_EQ(::ioctl(near_.get(), TIOCSWINSZ, &size), 0);
  EXPECT_EQ(status_width(), 8U);
  status("12345678");
  EXPECT_EQ(shown(), "\r\x1b[Kt: 12345678");
  status("123456789");
  EXPECT_EQ(shown(), "\r\x1b[Kt: 12345678");
  status("ääääääää…");
  EXPECT_EQ(shown(), "\r\x1b[Kt: ääääääää");
}

TEST_F(LogOnTerminal, OnlyOneProcessShowsItsStatus) {
  const StderrTo to(near_.get());
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  Fd goes_on(ends[1]);
  const pid_t other = ::fork();
  if (other == 0) {
    init({.tool = "other"});
    status("here");
    char byte = 0;
    ::close(ends[1]);
    [[maybe_unused]] const auto got = ::read(ends[0], &byte, 1);
    ::_exit(0);
  }
  ::close(ends[0]);
  pollfd ready{far_.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&ready, 1, 20'000), 1);
  EXPECT_EQ(shown(), "\r\x1b[Kother: here");
  init({.tool = "t"});
  status("30 fps");
  EXPECT_EQ(shown(), "");
  goes_on.reset();
  ASSERT_EQ(::waitpid(other, nullptr, 0), other);
  status("30 fps");
  EXPECT_EQ(shown(), "\r\x1b[Kt: 30 fps");
}

TEST_F(LogOnTerminal, ProgramThatFeedsAPipeLeavesTheLineToTheOneBehindIt) {
  const StderrTo to(near_.get());
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const Fd reader(ends[0]), writer(ends[1]);
  ::dup2(writer.get(), STDOUT_FILENO);
  init({.tool = "t"});
  EXPECT_FALSE(status_possible());
}

TEST_F(LogOnTerminal, ShowsNoStatusWhereItCannotBeRewritten) {
  struct Case {
    const char* why;
    const char* term;
    Options options;
  };
  for (const Case& c : {
           Case{"quiet", "xterm", {.tool = "t", .level = Level::error}},
           Case{"warnings only", "xterm", {.tool = "t", .level = Level::warning}},
           Case{"json", "xterm", {.tool = "t", .style = Style::json}},
           Case{"dumb", "dumb", {.tool = "t"}},
           Case{"no TERM", nullptr, {.tool = "t"}},
       }) {
    if (c.term != nullptr) ::setenv("TERM", c.term, 1);
    if (c.term == nullptr) ::unsetenv("TERM");
    const StderrTo to(near_.get());
    init(c.options);
    EXPECT_FALSE(status_possible()) << c.why;
    status("30 fps");
    EXPECT_EQ(shown(), "") << c.why;
  }
  ::setenv("TERM", "xterm", 1);
  WritesToStderr sink;  // no terminal
  init({.tool = "t"});
  status("30 fps");
  EXPECT_THAT(sink.take(), IsEmpty());
}

}  // namespace
}  // namespace campipe::log
