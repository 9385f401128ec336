#include "capture/v4l2/device_watch.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/fd.hpp"

namespace campipe::capture {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

struct DeviceWatch : testing::Test {
  std::filesystem::path folder = testing::TempDir() + "device-watch-" + std::to_string(::getpid());
  Fd stop{::eventfd(0, EFD_CLOEXEC)};
  Host host{stop.get(), {}};

  void SetUp() override { std::filesystem::create_directories(folder); }
  void TearDown() override { std::filesystem::remove_all(folder); }

  /// Waits for `name` in the folder while `act` is done again and again, until the wait is over.
  Wake wait_while(const char* name, const std::function<void(int)>& act, std::int64_t limit_ns) {
    std::atomic<bool> over = false;
    std::thread actor([&] {
      for (int i = 0; !over; ++i) {
        act(i);
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    });
    const Wake wake = v4l2::wait_for_device(folder / name, host, monotonic_ns() + limit_ns);
    over = true;
    actor.join();
    return wake;
  }
  void touch(const std::string& name) const { std::ofstream(folder / name) << "x"; }
  void make(const std::string& name) const {
    std::filesystem::remove(folder / name);
    touch(name);
  }
};

TEST_F(DeviceWatch, WakesWhenTheDeviceAppears) {
  EXPECT_EQ(wait_while("video0", [this](int) { make("video0"); }, 60 * kSecond), Wake::ready);
}

TEST_F(DeviceWatch, WakesWhenItsFolderHasToAppearFirst) {
  EXPECT_EQ(wait_while("by-id/cam", [this](int i) { make("by-id" + std::to_string(i)); }, 60 * kSecond), Wake::ready);
}

TEST_F(DeviceWatch, SleepsThroughWhatHappensToOthers) {
  std::atomic<int> made = 0;
  const auto make_others = [&](int i) { make("other" + std::to_string(i % 3)), ++made; };
  while (made < 20) ASSERT_EQ(wait_while("video0", make_others, kSecond / 5), Wake::timeout);
}

TEST_F(DeviceWatch, EndsWhenAskedToStop) {
  const std::uint64_t one = 1;
  ASSERT_EQ(::write(stop.get(), &one, sizeof one), 8);
  EXPECT_EQ(v4l2::wait_for_device(folder / "video0", host, kNever), Wake::stopped);
}

}  // namespace
}  // namespace campipe::capture
