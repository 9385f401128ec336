#include "cli/signals.hpp"

#include <csignal>
#include <cstdlib>

#include <gtest/gtest.h>
#include <unistd.h>

namespace campipe::cli {
namespace {

using namespace std::chrono_literals;

bool readable_now(const StopSignal& stop) {
  return wait_readable(stop.fd(), -1, 0) == Readable::ready;
}

TEST(StopSignal, IsNotStoppedUnlessAsked) {
  const StopSignal stop;
  EXPECT_FALSE(stop.stopped());
  EXPECT_FALSE(readable_now(stop));
}

TEST(StopSignal, StaysReadableOnceRequested) {
  StopSignal stop(1ms);
  for (int i = 0; i < 3; ++i) {
    stop.request();
    EXPECT_TRUE(stop.stopped());
    EXPECT_TRUE(readable_now(stop));
  }
}

/// In a process of its own: what is sent to this one would meet whatever the tests before left blocked.
class StopSignalDeathTest : public testing::TestWithParam<int> {
protected:
  StopSignalDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

constexpr int kStoppedInOrder = 42;

[[noreturn]] void wait_for_stop(int signal, void (*disposition)(int)) {
  for (const int each : {SIGINT, SIGTERM, SIGHUP}) std::signal(each, disposition);
  {
    const StopSignal stop(600s);
    ::kill(::getpid(), signal);
    if (wait_readable(stop.fd(), -1, -1) != Readable::ready || !stop.stopped()) std::_Exit(1);
  }
  std::_Exit(kStoppedInOrder);
}

TEST_P(StopSignalDeathTest, AsksForAnOrderlyEnd) {
  EXPECT_EXIT(wait_for_stop(GetParam(), SIG_DFL), testing::ExitedWithCode(kStoppedInOrder), "^$");
}

INSTANTIATE_TEST_SUITE_P(Each, StopSignalDeathTest, testing::Values(SIGINT, SIGTERM, SIGHUP));

TEST_F(StopSignalDeathTest, SigtermStopsEvenAProcessThatWasToldToIgnoreIt) {
  EXPECT_EXIT(wait_for_stop(SIGTERM, SIG_IGN), testing::ExitedWithCode(kStoppedInOrder), "^$");
}

[[noreturn]] void keep_ignoring(int signal) {
  std::signal(signal, SIG_IGN);
  const StopSignal stop(600s, 0ms);
  ::kill(::getpid(), signal);  // to a process that ignores it: gone when this returns
  const bool stopped = wait_readable(stop.fd(), -1, 0) == Readable::ready;
  ::kill(::getpid(), SIGTERM);
  const bool after = wait_readable(stop.fd(), -1, -1) == Readable::ready;
  std::_Exit(!stopped && after ? kStoppedInOrder : 1);
}

TEST_F(StopSignalDeathTest, SignalsThatNohupAndBackgroundJobsIgnoreStayIgnored) {
  // A signal that was not ignored would be the first of two and end the process with 1.
  EXPECT_EXIT(keep_ignoring(SIGHUP), testing::ExitedWithCode(kStoppedInOrder), "^$");
  EXPECT_EXIT(keep_ignoring(SIGINT), testing::ExitedWithCode(kStoppedInOrder), "^$");
}

[[noreturn]] void hang_after(int first, int second) {
  const StopSignal stop(second == 0 ? 1ms : 600s, 0ms);
  ::kill(::getpid(), first);
  wait_readable(stop.fd(), -1, -1);
  if (second != 0) ::kill(::getpid(), second);
  for (;;) ::pause();
}

TEST_F(StopSignalDeathTest, EndsWithZeroAndALineWhenTheOrderlyEndDoesNotCome) {
  EXPECT_EXIT(hang_after(SIGTERM, 0), testing::ExitedWithCode(0),
              "stopping took over 1 ms: ended without writing the rest");
}

TEST_F(StopSignalDeathTest, EndsAtOnceWithOneAfterASecondSignal) {
  EXPECT_EXIT(hang_after(SIGTERM, SIGTERM), testing::ExitedWithCode(1), "^$");
  EXPECT_EXIT(hang_after(SIGINT, SIGTERM), testing::ExitedWithCode(1), "^$");
  EXPECT_EXIT(hang_after(SIGTERM, SIGINT), testing::ExitedWithCode(1), "^$");
}

/// `others` while the orderly end is under way, which does not come before `grace` is over.
[[noreturn]] void hang_through(std::chrono::milliseconds insist, std::initializer_list<int> others) {
  const StopSignal stop(300ms, insist);
  ::kill(::getpid(), SIGHUP);
  wait_readable(stop.fd(), -1, -1);
  for (const int signal : others) ::kill(::getpid(), signal);
  for (;;) ::pause();
}

TEST_F(StopSignalDeathTest, TakesSignalsThatComeAtOnceForOneWish) {
  const char* const grace = "stopping took over 300 ms";
  EXPECT_EXIT(hang_through(600s, {SIGHUP, SIGTERM, SIGINT}), testing::ExitedWithCode(0), grace);
  EXPECT_EXIT(hang_through(0ms, {SIGHUP}), testing::ExitedWithCode(0), grace);
}

}  // namespace
}  // namespace campipe::cli
