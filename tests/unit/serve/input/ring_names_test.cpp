#include "serve/input/ring_names.hpp"

#include <chrono>
#include <optional>

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/no_descriptors.hpp"
#include "ring/kernel/names.hpp"
#include "wire/shm/ring_support.hpp"

namespace campipe::serve {
namespace {

using testing::ElementsAre;
using namespace std::chrono_literals;

/// Needs inotify. Rings' objects are empty files: nobody opens them here.
class RingNamesTest : public testing::Test {
protected:
  ~RingNamesTest() override {
    for (const char* name : {"front.h264", "back.h264"}) remove(name);
  }
  void start() {
    names_.start();
    settle();
  }
  /// As open(2) would, without a descriptor.
  static void make(const std::string& name) {
    ASSERT_EQ(::mknod(ring::kernel::object_path(name).c_str(), S_IFREG | 0600, 0), 0);
  }
  static void remove(const std::string& name) { ::unlink(ring::kernel::object_path(name).c_str()); }
  /// What has changed is seen, and looked at.
  void settle() {
    loop_.run_once(false);
    loop_.advance(20ms);
  }

  std::vector<std::string> told_;
  net::Loop loop_{net::Loop::Time::manual};
  input::RingNames names_{loop_,
                          {"*.h264"},
                          {.on_there = [this](const std::string& name) { told_.push_back("there " + name); },
                           .on_gone = [this](const std::string& name) { told_.push_back("gone " + name); }}};
};

TEST_F(RingNamesTest, TellsWhatComesAndGoes) {
  make("front.h264");
  start();
  EXPECT_THAT(told_, ElementsAre("there front.h264"));
  make("back.h264");
  remove("front.h264");
  settle();
  EXPECT_THAT(told_, ElementsAre("there front.h264", "gone front.h264", "there back.h264"));
}

TEST_F(RingNamesTest, KeepsWhatItKnowsWhileTheFolderCannotBeRead) {
  make("front.h264");
  start();
  {
    const campipe::test::NoDescriptors none;
    make("back.h264");
    settle();
    loop_.advance(2s);
    EXPECT_EQ(told_.size(), 1U);
    EXPECT_TRUE(names_.unmatched().empty());
  }
  EXPECT_THAT(told_, ElementsAre("there front.h264"));
  loop_.advance(500ms);  // nothing has changed since
  EXPECT_THAT(told_, ElementsAre("there front.h264", "there back.h264"));
}

}  // namespace
}  // namespace campipe::serve
