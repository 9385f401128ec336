#include "cli/notify.hpp"

#include <csignal>

#include <fcntl.h>
#include <gtest/gtest.h>

#include "base/own_folder.hpp"
#include "cli/notify_socket.hpp"

namespace campipe::cli {
namespace {

TEST(Notifier, SendsEachCallAsOneDatagramToAPathOrAnAbstractName) {
  const OwnFolder folder;
  for (const std::string& name : {folder / "notify", abstract_name("one")}) {
    NotifySocket supervisor(name);
    const Notifier notifier;
    ASSERT_TRUE(notifier.enabled()) << name;
    notifier.send("READY=1");
    notifier.send("WATCHDOG=1\nSTATUS=all is well");
    EXPECT_EQ(supervisor.next(), "READY=1");
    EXPECT_EQ(supervisor.next(), "WATCHDOG=1\nSTATUS=all is well");
    EXPECT_EQ(supervisor.pending(), std::nullopt);
  }
}

TEST(Notifier, TakesTheLongestNameThereIs) {
  std::string name = abstract_name("long");
  name.resize(sizeof(sockaddr_un::sun_path) - 1, 'x');
  NotifySocket supervisor(name);
  const Notifier notifier;
  ASSERT_TRUE(notifier.enabled());
  notifier.send("READY=1");
  EXPECT_EQ(supervisor.next(), "READY=1");
}

TEST(Notifier, DoesNothingWithoutASocketThatItCanReach) {
  const OwnFolder folder;
  const std::string file = folder / "file";
  const Fd made(::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  for (const std::string& name : {
           std::string(),
           std::string("relative"),
           std::string("vsock:2:1234"),
           folder / "missing",
           file,
           abstract_name("nobody"),
           "/" + std::string(sizeof(sockaddr_un::sun_path) - 1, 'x'),
           "@" + std::string(100'000, 'x'),
       }) {
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
    const Notifier notifier;
    EXPECT_FALSE(notifier.enabled()) << name.substr(0, 200);
    notifier.send("READY=1");
  }
  ::unsetenv("NOTIFY_SOCKET");
  const Notifier notifier;
  EXPECT_FALSE(notifier.enabled());
  notifier.send("READY=1");
}

TEST(Notifier, LosesMessagesRatherThanWaitForASupervisorThatReadsNothing) {
  NotifySocket supervisor(abstract_name("full"));
  const Notifier notifier;
  constexpr int kFarMoreThanAQueueHolds = 10'000;
  for (int i = 0; i < kFarMoreThanAQueueHolds; ++i) notifier.send("WATCHDOG=" + std::to_string(i));
  int came = 0;
  for (; const auto message = supervisor.pending(); ++came) EXPECT_EQ(message, "WATCHDOG=" + std::to_string(came));
  EXPECT_GT(came, 0);
  EXPECT_LT(came, kFarMoreThanAQueueHolds);
  notifier.send("STOPPING=1");
  EXPECT_EQ(supervisor.next(), "STOPPING=1");
}

TEST(Notifier, SurvivesTheEndOfTheSupervisorAndMessagesOfAnySize) {
  std::signal(SIGPIPE, SIG_DFL);
  NotifySocket supervisor(abstract_name("gone"));
  const Notifier notifier;
  notifier.send(std::string(16 << 20, 'x'));  // over what a datagram may hold: lost
  notifier.send("READY=1");
  EXPECT_EQ(supervisor.next(), "READY=1");
  supervisor.close();
  for (int i = 0; i < 3; ++i) notifier.send("WATCHDOG=1");
  EXPECT_TRUE(notifier.enabled());
}

}  // namespace
}  // namespace campipe::cli
