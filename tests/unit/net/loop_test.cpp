#include "net/loop.hpp"

#include <optional>
#include <stdexcept>
#include <thread>

#include <gmock/gmock.h>

#include "net/net_helpers.hpp"

namespace campipe::net {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Loop, ExceptionOfACallbackComesOutOfRun) {
  Loop loop;
  Timer timer(loop, [] { throw std::runtime_error("from a callback"); });
  timer.start(0);
  EXPECT_THROW(loop.run(), std::runtime_error);
}

TEST(Loop, DeferredTasksRunOnceAndMayDeferMore) {
  Loop loop;
  int runs = 0;
  loop.defer([&] {
    ++runs;
    loop.defer([&] {
      ++runs;
      loop.stop();
    });
  });
  Timer keep(loop, [] {});
  keep.start(60'000);
  loop.run();
  EXPECT_EQ(runs, 2);
}

TEST(Loop, AsyncWakesItFromAnotherThread) {
  Loop loop;
  int calls = 0;
  Async async(loop, [&] {
    ++calls;
    loop.stop();
  });
  std::thread other([&] { async.send(); });
  loop.run();
  other.join();
  EXPECT_EQ(calls, 1);
}

TEST(Loop, TimerMayDestroyItself) {
  Loop loop;
  std::optional<Timer> timer;
  int fired = 0;
  timer.emplace(loop, [&] {
    timer.reset();
    ++fired;
    loop.stop();
  });
  timer->start(0, 1);
  loop.run();
  EXPECT_EQ(fired, 1);
}

/// A loop whose time stands still, and what its timers note: the time since the beginning.
struct ManualLoop : ::testing::Test {
  Loop loop{Loop::Time::manual};
  const std::int64_t begin_ms = loop.now_ms();
  std::vector<std::int64_t> fired_ms;
  Timer timer{loop, [this] { fired_ms.push_back(loop.now_ms() - begin_ms); }};
};

TEST_F(ManualLoop, TimeStandsStillUntilItIsAdvanced) {
  const std::int64_t begin_ns = loop.now_ns();
  timer.start(1);
  const Pulse pulse(loop);
  for (int i = 0; i < 5; ++i) loop.run_once(true);  // some real milliseconds
  EXPECT_EQ(loop.now_ns(), begin_ns);
  EXPECT_EQ(loop.now_ms(), begin_ms);
  EXPECT_THAT(fired_ms, IsEmpty());
  loop.advance(std::chrono::microseconds(1500));
  EXPECT_EQ(loop.now_ns(), begin_ns + 1'500'000);
  EXPECT_THAT(fired_ms, ElementsAre(1));
}

TEST_F(ManualLoop, TimerFiresWhenItIsDueAndNotBefore) {
  timer.start(30);
  loop.advance(milliseconds(29));
  EXPECT_THAT(fired_ms, IsEmpty());
  loop.advance(milliseconds(1));
  EXPECT_THAT(fired_ms, ElementsAre(30));
  loop.advance(milliseconds(1000));
  EXPECT_THAT(fired_ms, ElementsAre(30));
}

TEST_F(ManualLoop, RepeatedTimerFiresAtEachOfItsTimes) {
  timer.start(5, 10);
  loop.advance(milliseconds(30));
  EXPECT_THAT(fired_ms, ElementsAre(5, 15, 25));
  timer.start(1);  // anew, and once
  loop.advance(milliseconds(30));
  EXPECT_THAT(fired_ms, ElementsAre(5, 15, 25, 31));
}

TEST_F(ManualLoop, StoppedAndDestroyedTimersDoNotFire) {
  auto gone = std::make_unique<Timer>(loop, [] { FAIL(); });
  gone->start(5);
  timer.start(5, 5);
  timer.stop();
  gone.reset();
  loop.advance(milliseconds(100));
  EXPECT_THAT(fired_ms, IsEmpty());
}

TEST_F(ManualLoop, TimersFireInTheOrderOfTheirTimesThenOfTheirStart) {
  std::string order;
  Timer a(loop, [&] { order += 'a'; }), b(loop, [&] { order += 'b'; }), c(loop, [&] { order += 'c'; });
  b.start(20);
  c.start(20);
  a.start(10);
  loop.advance(milliseconds(20));
  EXPECT_EQ(order, "abc");
}

TEST_F(ManualLoop, WhatATimerDefersIsDoneBeforeTheNextFires) {
  std::string order;
  Timer first(loop, [&] { loop.defer([&] { order += "deferred "; }); });
  Timer second(loop, [&] { order += "second"; });
  first.start(10);
  second.start(11);
  loop.advance(milliseconds(20));
  EXPECT_EQ(order, "deferred second");
}

TEST_F(ManualLoop, TimerOfNoTimeFiresInTheNextTurnAndNotFromStart) {
  timer.start(0);
  EXPECT_THAT(fired_ms, IsEmpty());
  loop.run_once(false);
  EXPECT_THAT(fired_ms, ElementsAre(0));
}

TEST_F(ManualLoop, TimerMayDestroyItselfOrStartItselfAgain) {
  std::optional<Timer> own;
  own.emplace(loop, [&] { own.reset(); });
  own->start(5, 5);
  Timer again(loop, [&] {
    fired_ms.push_back(0);
    if (fired_ms.size() < 3) again.start(0);
  });
  again.start(7);
  loop.advance(milliseconds(10));
  EXPECT_FALSE(own);
  EXPECT_EQ(fired_ms.size(), 3U);
}

TEST_F(ManualLoop, ExceptionOfATimerComesOutOfAdvance) {
  Timer throws(loop, [] { throw std::runtime_error("from a callback"); });
  throws.start(10);
  EXPECT_THROW(loop.advance(milliseconds(10)), std::runtime_error);
}

TEST_F(ManualLoop, DescriptorsAreWatchedAsEver) {
  auto [a, b] = socket_pair();
  int ready = 0;
  Watch watch(loop, a.get(), [&](int) {
    ++ready;
    watch.set(0);
  });
  watch.set(Watch::kRead);
  ASSERT_EQ(::send(b.get(), "x", 1, 0), 1);
  loop.run();
  EXPECT_EQ(ready, 1);
}

TEST(Watch, MayDestroyItselfInItsCallback) {
  Loop loop;
  auto [a, b] = socket_pair();
  std::optional<Watch> watch;
  int fired = 0;
  watch.emplace(loop, a.get(), [&](int) {
    watch.reset();
    ++fired;
    loop.stop();
  });
  watch->set(Watch::kRead);
  ASSERT_EQ(::send(b.get(), "x", 1, 0), 1);
  loop.run();
  EXPECT_EQ(fired, 1);
}

}  // namespace
}  // namespace campipe::net
