#include "serve/still/child_filter.hpp"

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/net_helpers.hpp"

namespace campipe::serve {
namespace {

using net::turn_until;

class ChildFilterTest : public testing::Test {
protected:
  ChildFilterTest() { std::signal(SIGPIPE, SIG_IGN); }  // as cli::run() does
  void start(std::vector<std::string> argv, std::string_view input = "", still::ChildFilter::Limits limits = {}) {
    child_ = std::make_unique<still::ChildFilter>(
        loop_, std::move(argv), media::Payload::copy_of(std::as_bytes(std::span(input.data(), input.size()))),
        [this](Expected<still::ChildFilter::Bytes, std::string> result) {
          if (result)
            output_ = std::string(reinterpret_cast<const char*>(result->data()), result->size());
          else
            failure_ = result.error();
          done_ = true;
          child_.reset();  // as owners do
        },
        limits);
  }
  void finish() {
    turn_until(loop_, [&] { return done_; });
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);  // no zombie
    EXPECT_EQ(errno, ECHILD);
  }

  net::Loop loop_{net::Loop::Time::manual};
  std::unique_ptr<still::ChildFilter> child_;
  std::string output_, failure_;
  bool done_ = false;
};

TEST_F(ChildFilterTest, PassesBytesThroughAProgram) {
  const std::string input(3 << 20, 'x');
  start({"cat"}, input);
  finish();
  EXPECT_EQ(output_, input);
}

TEST_F(ChildFilterTest, ProgramThatDoesNotReadItsInputIsFine) {
  start({"/bin/sh", "-c", "echo done"}, std::string(3 << 20, 'x'));
  finish();
  EXPECT_EQ(output_, "done\n");
}

TEST_F(ChildFilterTest, LastLineOfStderrIsTheReason) {
  start({"/bin/sh", "-c", "echo first >&2; echo 'tool: it broke' >&2; exit 65"});
  finish();
  EXPECT_EQ(failure_, "tool: it broke");
}

TEST_F(ChildFilterTest, MissingProgramIsTold) {
  start({"no-such-program-here"});
  EXPECT_FALSE(done_);  // never from the constructor
  finish();
  EXPECT_NE(failure_.find("no-such-program-here"), std::string::npos);
}

TEST_F(ChildFilterTest, TimeLimitKills) {
  start({"sleep", "100"}, "", {.time_ms = 50});
  loop_.advance(std::chrono::milliseconds(49));
  EXPECT_FALSE(done_);
  loop_.advance(std::chrono::milliseconds(1));
  finish();
  EXPECT_NE(failure_.find("took over"), std::string::npos);
}

TEST_F(ChildFilterTest, GrandchildThatKeepsThePipesOpenDoesNotHoldUp) {
  const std::string path = testing::TempDir() + "/campipe-grandchild-" + std::to_string(::getpid());
  std::filesystem::remove(path);
  start({"/bin/sh", "-c", "sleep 1000 & echo $! > $0.new; mv $0.new $0; wait", path}, "", {.time_ms = 50});
  turn_until(loop_, [&] { return std::filesystem::exists(path); });
  loop_.advance(std::chrono::milliseconds(50));
  finish();
  pid_t grandchild = 0;
  std::ifstream(path) >> grandchild;
  ASSERT_GT(grandchild, 0);
  EXPECT_EQ(::kill(grandchild, SIGKILL), 0) << "it was there all the time";
  std::filesystem::remove(path);
  EXPECT_NE(failure_.find("took over"), std::string::npos);
}

TEST_F(ChildFilterTest, OutputLimitKills) {
  start({"cat", "/dev/zero"}, "", {.output_bytes = 1 << 20});
  finish();
  EXPECT_EQ(failure_, "wrote too much");
}

TEST_F(ChildFilterTest, NothingOfOursIsInherited) {
  ::setenv("NOTIFY_SOCKET", "/nowhere", 1);
  const Fd open(::fcntl(STDIN_FILENO, F_DUPFD, 57));  // not close-on-exec, as what we were started with
  start({"/bin/sh", "-c", "test -e /proc/$$/fd/$0 && echo open; echo ${NOTIFY_SOCKET:-none}",
         std::to_string(open.get())});
  finish();
  ::unsetenv("NOTIFY_SOCKET");
  EXPECT_EQ(output_, "none\n");
}

TEST_F(ChildFilterTest, DestructorEndsTheChild) {
  start({"sleep", "100"});
  child_.reset();
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

/// All descriptors below a low limit are in use but for those that are given back.
class Scarcity {
public:
  Scarcity() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit low = before_;
    low.rlim_cur = kLimit;
    ::setrlimit(RLIMIT_NOFILE, &low);
    for (Fd fd(::dup(STDIN_FILENO)); fd; fd = Fd(::dup(STDIN_FILENO))) taken_.push_back(std::move(fd));
  }
  ~Scarcity() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  void give_back(std::size_t count) { taken_.resize(taken_.size() - count); }
  static std::size_t open_descriptors() {
    std::size_t count = 0;
    for (int fd = 0; fd < kLimit; ++fd) count += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    return count;
  }

private:
  static constexpr int kLimit = 64;
  rlimit before_{};
  std::vector<Fd> taken_;
};

TEST_F(ChildFilterTest, WithoutDescriptorsItFailsAsAnOutcomeAndLeaksNothing) {
  constexpr std::size_t kNeeded = 7;  // three pipes and the child's own
  for (std::size_t free = 0; free <= kNeeded; ++free) {
    Scarcity scarcity;
    scarcity.give_back(free);
    const std::size_t before = Scarcity::open_descriptors();
    done_ = false;
    output_.clear();
    failure_.clear();
    ASSERT_NO_THROW(start({"cat"}, "text")) << free;
    EXPECT_FALSE(done_) << free;  // never from the constructor
    finish();
    EXPECT_EQ(output_, free < kNeeded ? "" : "text") << free;
    EXPECT_EQ(failure_.find("cannot start cat: ") == 0, free < kNeeded) << free << ": " << failure_;
    EXPECT_EQ(Scarcity::open_descriptors(), before) << free;
  }
}

}  // namespace
}  // namespace campipe::serve
