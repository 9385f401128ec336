#include "net/loop.hpp"

#include <optional>
#include <stdexcept>
#include <thread>

#include "net/net_helpers.hpp"

namespace campipe::net {
namespace {

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
