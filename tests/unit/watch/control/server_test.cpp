#include "watch/control/server.hpp"

#include <future>

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/no_descriptors.hpp"
#include "watch/chain/chain_rig.hpp"

namespace campipe::watch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

class ControlServerTest : public testing::Test {
protected:
  std::string path() const { return folder_.path() + "/run/socket"; }
  void serve() {
    server_ = std::make_unique<control::Server>(time_.loop, path(),
                                                [this](const std::string& request, control::Server::Reply reply) {
                                                  requests_.push_back(request);
                                                  if (request == "later") {
                                                    later_ = std::move(reply);
                                                  } else {
                                                    reply("to " + request);
                                                  }
                                                });
  }
  Fd connect() const { return fake::connect_to(path()); }
  void send(const Fd& fd, std::string_view text) {
    EXPECT_EQ(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    turn();
  }
  void turn() {
    for (int i = 0; i < 5; ++i) time_.loop.turn();
  }
  /// What has come, with "<end>" behind it when the server has closed the connection.
  static std::string received(const Fd& fd) {
    std::string text(1 << 16, '\0');
    const ssize_t got = ::recv(fd.get(), text.data(), text.size(), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno == ECONNRESET)) return "<end>";
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return got < 0 ? "" : text + received(fd);
  }

  fake::FakeTime time_;
  fake::TempFolder folder_;
  std::vector<std::string> requests_;
  control::Server::Reply later_;
  std::unique_ptr<control::Server> server_;
};

TEST_F(ControlServerTest, OneLineIsAnsweredByOneLine) {
  serve();
  const Fd client = connect();
  send(client, "sta");
  EXPECT_EQ(received(client), "");
  send(client, "tus\n");
  EXPECT_EQ(received(client), "to status\n<end>");
  EXPECT_THAT(requests_, ElementsAre("status"));
}

TEST_F(ControlServerTest, AnswerMayComeLaterAndAfterTheClientHasGone) {
  serve();
  {
    const Fd patient = connect();
    send(patient, "later\n");
    time_.pass(60s);  // the limit is one on the request
    EXPECT_EQ(received(patient), "");
    later_("done");
    turn();
    EXPECT_EQ(received(patient), "done\n<end>");
  }
  Fd hasty = connect();
  send(hasty, "later\n");
  hasty.reset();
  turn();
  later_("nobody is there");
  turn();
}

TEST_F(ControlServerTest, UnfinishedRequestIsDroppedAfterTenSeconds) {
  serve();
  const Fd client = connect();
  send(client, "sta");
  time_.pass(9990ms);
  EXPECT_EQ(received(client), "");
  time_.pass(10ms);
  EXPECT_EQ(received(client), "<end>");
}

TEST_F(ControlServerTest, OverlongRequestIsDropped) {
  serve();
  const Fd client = connect();
  send(client, std::string(5000, 'x'));
  EXPECT_EQ(received(client), "<end>");
  EXPECT_TRUE(requests_.empty());
}

TEST_F(ControlServerTest, SocketIsForItsUserOnlyAndGoesWithTheServer) {
  serve();
  struct stat info{};
  ASSERT_EQ(::stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  server_.reset();
  EXPECT_NE(::stat(path().c_str(), &info), 0);
}

TEST_F(ControlServerTest, SecondServerOnTheSamePathIsRefusedAndALeftOverSocketIsNot) {
  serve();
  try {
    const control::Server second(time_.loop, path(), {});
    FAIL() << "a second server";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::try_again);
  }
  const Fd client = connect();  // the first is still there
  send(client, "status\n");
  EXPECT_EQ(received(client), "to status\n<end>");
  server_.reset();
  std::ofstream(path()) << "left over";
  serve();
  const Fd other = connect();
  send(other, "status\n");
  EXPECT_EQ(received(other), "to status\n<end>");
}

TEST_F(ControlServerTest, WithoutDescriptorsItWaitsInsteadOfSpinning) {
  serve();
  const Fd client = connect();
  {
    const campipe::test::NoDescriptors none;
    turn();
    pollfd ready{time_.loop.descriptor(), POLLIN, 0};
    EXPECT_EQ(::poll(&ready, 1, 0), 0) << "the loop would turn at once";
  }
  time_.pass(200ms);
  send(client, "status\n");
  EXPECT_EQ(received(client), "to status\n<end>");
}

TEST_F(ControlServerTest, OneClientTooManyIsToldSo) {
  serve();
  std::vector<Fd> clients;
  for (int i = 0; i < 16; ++i) {
    clients.push_back(connect());
    turn();
  }
  const Fd late = connect();
  turn();
  const std::string answer = received(late);
  EXPECT_THAT(answer, HasSubstr("\"code\":75"));
  EXPECT_THAT(answer, HasSubstr("<end>"));
}

TEST_F(ControlServerTest, WithoutAServerTheAskerIsToldWhatToDo) {
  try {
    control::ask_control(path(), "status", 1s);
    FAIL() << "an answer";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::unavailable);
    EXPECT_THAT(error.what(), HasSubstr("camwatch run"));
  }
}

TEST_F(ControlServerTest, AskControlGetsTheLine) {
  serve();
  auto answer = std::async(std::launch::async, [this] { return control::ask_control(path(), "status", 20s); });
  while (answer.wait_for(0s) != std::future_status::ready) time_.loop.turn();
  EXPECT_EQ(answer.get(), "to status");
}

TEST_F(ControlServerTest, PathThatIsTooLongIsAConfigurationError) {
  try {
    const control::Server server(time_.loop, folder_.path() + "/" + std::string(120, 'x'), {});
    FAIL() << "a socket";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::config);
  }
}

}  // namespace
}  // namespace campipe::watch
