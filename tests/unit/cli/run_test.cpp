#include "cli/run.hpp"

#include <csignal>
#include <new>
#include <stdexcept>

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/stderr_to.hpp"

namespace campipe::cli {
namespace {

struct Outcome {
  int code;
  std::vector<std::string> lines;
};

Outcome outcome_of(const std::function<int()>& body) {
  WritesToStderr sink;
  const int code = run("camtest", body);
  return {code, sink.take()};
}

TEST(Run, AnswersTheCodeOfABodyThatReturnsAndSaysNothing) {
  for (const int code : {0, 1, 64, 75}) {
    const Outcome outcome = outcome_of([code] { return code; });
    EXPECT_EQ(outcome.code, code);
    EXPECT_TRUE(outcome.lines.empty());
  }
}

TEST(Run, MakesOneLineAndTheExitCodeOfWhatIsThrown) {
  struct Case {
    const char* name;
    std::function<int()> body;
    int code;
    std::string line;
  };
  for (const Case& c : {
           Case{"usage", [] { return throw Error(ExitCode::usage, "no such option"), 0; }, 64, "no such option"},
           Case{"bad data", [] { return throw Error(ExitCode::bad_data, "no stream"), 0; }, 65, "no stream"},
           Case{"no input", [] { return throw_errno(ENOENT, "front.nut"), 0; }, 66,
                "front.nut: No such file or directory"},
           Case{"unavailable", [] { return throw Error(ExitCode::unavailable, "no x264"), 0; }, 69, "no x264"},
           Case{"create", [] { return throw_errno(ENOSPC, "out.nut"), 0; }, 73, "out.nut: No space left on device"},
           Case{"io", [] { return throw_errno(EIO, "read"), 0; }, 74, "read: Input/output error"},
           Case{"busy", [] { return throw_errno(EBUSY, "/dev/video0"), 0; }, 75,
                "/dev/video0: Device or resource busy"},
           Case{"protocol", [] { return throw Error(ExitCode::protocol, "no RTSP"), 0; }, 76, "no RTSP"},
           Case{"permission", [] { return throw_errno(EACCES, "/dev/video0"), 0; }, 77,
                "/dev/video0: Permission denied"},
           Case{"config", [] { return throw Error(ExitCode::config, "line 3"), 0; }, 78, "line 3"},
           Case{"memory", [] { return throw std::bad_alloc(), 0; }, 71, "out of memory"},
           Case{"a bug", [] { return throw std::logic_error("index 3 of 2"), 0; }, 70, "index 3 of 2"},
           Case{"no exception class", [] { return throw 42, 0; }, 70, "an exception of unknown type"},
           Case{"hostile text", [] { return throw Error(ExitCode::usage, "a\nb\x1b[2J"), 0; }, 64, "a\\x0ab\\x1b[2J"},
       }) {
    const Outcome outcome = outcome_of(c.body);
    EXPECT_EQ(outcome.code, c.code) << c.name;
    EXPECT_EQ(outcome.lines, std::vector{"camtest: " + c.line + "\n"}) << c.name;
  }
}

TEST(Run, IgnoresSigpipeInTheBody) {
  std::signal(SIGPIPE, SIG_DFL);
  bool ignored = false;
  run("camtest", [&] {
    struct sigaction now{};
    ::sigaction(SIGPIPE, nullptr, &now);
    ignored = now.sa_handler == SIG_IGN;
    return 0;
  });
  EXPECT_TRUE(ignored);
}

TEST(Run, NamesTheToolInTheLinesOfTheBody) {
  const Outcome outcome = outcome_of([] {
    log::info("hello");
    return 0;
  });
  EXPECT_EQ(outcome.lines, std::vector<std::string>{"camtest: hello\n"});
}

int end_with_closed_output() {
  return run("camtest", [] { return throw OutputClosed("stdout"), 0; });
}

TEST(RunDeathTest, EndsQuietlyAsIfBySigpipeWhenTheReaderIsGone) {
  EXPECT_EXIT(std::exit(end_with_closed_output()), testing::KilledBySignal(SIGPIPE), "^$");
}

TEST(RunDeathTest, AnswersAnErrorOfInputAndOutputWhereSigpipeIsBlocked) {
  EXPECT_EXIT(
      {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
        std::exit(end_with_closed_output());
      },
      testing::ExitedWithCode(74), "^$");
}

}  // namespace
}  // namespace campipe::cli
