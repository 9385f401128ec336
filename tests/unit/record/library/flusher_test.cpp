#include "record/library/flusher.hpp"

#include <cerrno>
#include <thread>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/log.hpp"
#include "base/stderr_to.hpp"
#include "record/temp_folder.hpp"

namespace campipe::record::library {
namespace {

using namespace std::chrono_literals;

/// Waits for what another thread does; a test that waits in vain ends by ctest's time limit.
template <class Condition>
void wait_until(Condition&& condition) {
  while (!condition()) std::this_thread::yield();
}

class FlusherTest : public testing::Test {
protected:
  std::shared_ptr<segment::File> file(const std::string& name) const {
    auto made = std::make_shared<segment::File>(folder_, name);
    EXPECT_EQ(made->create(), 0);
    return made;
  }

  TempFolder temp_;
  segment::Folder folder_ = temp_.folder();
  const std::vector<std::byte> bytes_ = std::vector<std::byte>(100);
};

TEST_F(FlusherTest, SyncsEachFileAfterEachWrite) {
  Flusher flusher(1ms);
  const auto a = file("a"), b = file("b");
  flusher.watch(a);
  flusher.watch(b);
  for (int round = 0; round < 3; ++round) {
    for (const auto& each : {a, b}) {
      EXPECT_EQ(each->write_at(0, bytes_), 0);
      wait_until([&] { return !each->dirty(); });
    }
  }
  EXPECT_EQ(a->sync_error(), 0);
}

TEST_F(FlusherTest, LetsGoOfFilesThatNobodyHolds) {
  Flusher flusher(1ms);
  std::weak_ptr<segment::File> gone;
  {
    const auto a = file("a");
    gone = a;
    flusher.watch(a);
    EXPECT_EQ(a->write_at(0, bytes_), 0);
  }
  wait_until([&] { return gone.expired(); });
  const auto b = file("b");
  flusher.watch(b);
  EXPECT_EQ(b->write_at(0, bytes_), 0);
  wait_until([&] { return !b->dirty(); });
}

TEST_F(FlusherTest, EndsAtOnceHoweverLongItsInterval) {
  Flusher idle(24h);
  Flusher busy(24h);
  const auto a = file("a");
  busy.watch(a);
  EXPECT_EQ(a->write_at(0, bytes_), 0);
}

TEST_F(FlusherTest, AnErrorStaysInTheFileAndIsSaidOnce) {
  WritesToStderr sink;
  log::init({.tool = "t"});
  ASSERT_EQ(::mkfifo((temp_.path() / "fifo").c_str(), 0600), 0);
  const auto broken = std::make_shared<segment::File>(folder_, "fifo");
  ASSERT_EQ(broken->open_existing(), 0);
  EXPECT_EQ(broken->write_at(0, bytes_), ESPIPE);  // a pipe can be neither written at a place nor synced
  ASSERT_TRUE(broken->dirty());
  Flusher flusher(1ms);
  flusher.watch(broken);
  wait_until([&] { return broken->sync_error() != 0; });
  EXPECT_EQ(broken->sync_error(), EINVAL);
  EXPECT_EQ(sink.next(), "t: " + broken->path() +
                             ": cannot sync: Invalid argument: what is on the disk is unknown, a new segment begins\n");
  EXPECT_EQ(broken->write_at(0, bytes_), ESPIPE);
  const auto healthy = file("a");
  flusher.watch(healthy);
  for (int turn = 0; turn < 3; ++turn) {
    EXPECT_EQ(healthy->write_at(0, bytes_), 0);
    wait_until([&] { return !healthy->dirty(); });
  }
  EXPECT_TRUE(broken->dirty()) << "not tried again: the kernel tells an error once";
  EXPECT_TRUE(sink.take().empty());
  log::init({});
}

}  // namespace
}  // namespace campipe::record::library
