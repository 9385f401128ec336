#include "net/listener.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/no_descriptors.hpp"
#include "net/net_helpers.hpp"

namespace campipe::net {
namespace {

int option(const Fd& fd, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  EXPECT_EQ(::getsockopt(fd.get(), level, name, &value, &size), 0);
  return value;
}

TEST(Listener, ConnectionsNoticeAPeerThatVanished) {
  Loop loop;
  Fd accepted;
  const Listener listener(loop, listen_anywhere(), [&](Fd fd, const Address&) { accepted = std::move(fd); });
  const TestClient client(listener.address());
  turn_until(loop, [&] { return static_cast<bool>(accepted); });
  EXPECT_EQ(option(accepted, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option(accepted, IPPROTO_TCP, TCP_KEEPIDLE), 20);
  EXPECT_EQ(option(accepted, IPPROTO_TCP, TCP_USER_TIMEOUT), 30'000);
}

TEST(Listener, WithoutDescriptorsItSaysSoOnceAndGoesOnWhenThereAreSome) {
  Loop loop;
  std::vector<Fd> accepted;
  const Listener listener(loop, listen_anywhere(), [&](Fd fd, const Address&) { accepted.push_back(std::move(fd)); });
  ::testing::internal::CaptureStderr();
  std::vector<TestClient> clients;
  for (std::size_t round = 1; round <= 3; ++round) {
    clients.emplace_back(listener.address());
    {
      const campipe::test::NoDescriptors none;
      for (int turn = 0; turn < 20; ++turn) loop.run_once(false);
      EXPECT_EQ(accepted.size(), round - 1);
    }
    turn_until(loop, [&] { return accepted.size() == round; });
  }
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::ranges::count(said, '\n'), 1) << said;
  EXPECT_NE(said.find("cannot accept a connection"), std::string::npos) << said;
}

}  // namespace
}  // namespace campipe::net
