// Unix sockets, and sockets that were passed to us.
#include "net/unix_socket.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/no_descriptors.hpp"
#include "net/http_server.hpp"
#include "net/inherited.hpp"
#include "net/net_helpers.hpp"

namespace campipe::net {
namespace {

class UnixSocketTest : public testing::Test {
protected:
  UnixSocketTest() { std::filesystem::remove(path_); }
  Address address() const { return resolve_listen_address("unix:" + path_, "--http"); }
  UnixListener listen(std::optional<mode_t> mode = {}) const { return listen_unix(address(), mode, "--http"); }
  ExitCode refusal() const {
    try {
      listen();
    } catch (const Error& error) {
      return error.code();
    }
    return ExitCode::ok;
  }
  bool connects() const {
    const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const Address to = address();
    return ::connect(fd.get(), to.get(), to.length) == 0;
  }
  int mode() const {
    struct stat about{};
    EXPECT_EQ(::stat(path_.c_str(), &about), 0);
    return static_cast<int>(about.st_mode & 0777);
  }

  std::string path_ = testing::TempDir() + "/unix-socket-" + std::to_string(::getpid());
};

TEST_F(UnixSocketTest, IsThereWhileItIsHeldAndGoneAfterwards) {
  {
    const UnixListener listener = listen();
    EXPECT_TRUE(connects());
    EXPECT_EQ(local_address(listener.fd.get()).to_string(), "unix:" + path_);
    EXPECT_TRUE(address().is_loopback());
    EXPECT_EQ(address().port(), 0);
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(UnixSocketTest, PermissionsAreThoseOfTheUmaskOrThoseGiven) {
  const mode_t before = ::umask(027);
  {
    const UnixListener by_umask = listen();
    EXPECT_EQ(mode(), 0750);
  }
  {
    const UnixListener given = listen(0666);
    EXPECT_EQ(mode(), 0666);
  }
  ::umask(before);
}

TEST_F(UnixSocketTest, FileOfADeadServerIsReplacedAndALiveOneIsNot) {
  {
    const Fd dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const Address at = address();
    ASSERT_EQ(::bind(dead.get(), at.get(), at.length), 0);
  }
  ASSERT_TRUE(std::filesystem::exists(path_));
  const UnixListener listener = listen();
  EXPECT_TRUE(connects());
  EXPECT_EQ(refusal(), ExitCode::try_again);
  EXPECT_TRUE(connects());
}

TEST_F(UnixSocketTest, WhetherSomebodyListensIsNotGuessedWithoutDescriptors) {
  {
    const Fd dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const Address at = address();
    ASSERT_EQ(::bind(dead.get(), at.get(), at.length), 0);
  }
  Fd one(::dup(STDERR_FILENO)), two(::dup(STDERR_FILENO));
  {
    const campipe::test::NoDescriptors none;
    one.reset();  // for the socket that is to listen, and
    two.reset();  // for the folder's lock; none to ask by
    EXPECT_EQ(refusal(), ExitCode::os_error);
  }
  EXPECT_TRUE(std::filesystem::exists(path_));
  EXPECT_EQ(refusal(), ExitCode::ok);
}

TEST_F(UnixSocketTest, OtherThingsOfThatNameAreLeftAlone) {
  std::ofstream(path_) << "mine";
  EXPECT_EQ(refusal(), ExitCode::cannot_create);
  EXPECT_TRUE(std::filesystem::exists(path_));
  std::filesystem::remove(path_);
}

TEST_F(UnixSocketTest, AnotherServersFileIsNotRemovedAtTheEnd) {
  {
    const UnixListener first = listen();
    std::filesystem::remove(path_);
    std::ofstream(path_) << "somebody else's";
  }
  EXPECT_TRUE(std::filesystem::exists(path_));
  std::filesystem::remove(path_);
}

TEST_F(UnixSocketTest, PathsThatCannotBeAreRefused) {
  for (const std::string& path : {std::string(), std::string(108, 'a')}) {
    try {
      resolve_listen_address("unix:" + path, "--http");
      ADD_FAILURE() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
    }
  }
  path_ = testing::TempDir() + "/no/such/folder/socket";
  EXPECT_EQ(refusal(), ExitCode::no_input);
}

TEST_F(UnixSocketTest, CarriesHttpAndItsPeersAreCalledUnix) {
  Loop loop;
  UnixListener listener = listen();
  std::string peer;
  HttpServer server(loop, std::move(listener.fd), [&](const HttpRequest& request, HttpReply reply) {
    peer = request.peer.to_string();
    reply.send(text_response(200, "hello"));
  });
  TestClient client(address());
  client.send("GET / HTTP/1.0\r\n\r\n");
  turn_until(loop, [&] { return client.ended(); });
  EXPECT_TRUE(client.has("hello\n"));
  EXPECT_EQ(peer, "unix");
}

class InheritedTest : public testing::Test {
protected:
  // Descriptors from 3 on may be in use: a child process has them free.
  static void in_child(const std::function<bool()>& holds) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
      ::_exit(holds() ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  /// Puts them at 3, 4, …
  static void pass(std::initializer_list<int> descriptors, const char* names) {
    int high = 100, next = 3;
    for (const int fd : descriptors) ::dup2(fd, high++);
    for (int fd = 100; fd < high; ++fd) ::dup2(fd, next++);
    ::setenv("LISTEN_FDS", std::to_string(descriptors.size()).c_str(), 1);
    if (names != nullptr) ::setenv("LISTEN_FDNAMES", names, 1);
    if (names == nullptr) ::unsetenv("LISTEN_FDNAMES");
  }
};

TEST_F(InheritedTest, ListeningSocketsAreFoundWithTheirNamesAndOthersAreLeft) {
  const Fd first = listen_anywhere(), second = listen_anywhere(), other(::dup(STDERR_FILENO));
  in_child([&] {
    pass({first.get(), other.get(), second.get()}, "http:fifo:rtsp");
    auto found = inherited_listeners();
    const bool good = found.size() == 2 && found[0].name == "http" && found[0].fd.get() == 3 &&
                      found[1].name == "rtsp" && found[1].fd.get() == 5;
    return good && ::fcntl(4, F_GETFD) == 0 && ::fcntl(3, F_GETFD) == FD_CLOEXEC &&
           (::fcntl(3, F_GETFL) & O_NONBLOCK) != 0;
  });
}

TEST_F(InheritedTest, NamesMayBeMissing) {
  const Fd first = listen_anywhere(), second = listen_anywhere();
  in_child([&] {
    pass({first.get(), second.get()}, nullptr);
    auto found = inherited_listeners();
    return found.size() == 2 && found[0].name.empty() && found[1].name.empty();
  });
}

TEST_F(InheritedTest, ThoseOfAnotherProcessAreNotOurs) {
  const Fd first = listen_anywhere();
  in_child([&] {
    pass({first.get()}, "http");
    ::setenv("LISTEN_PID", "1", 1);
    return inherited_listeners().empty();
  });
}

}  // namespace
}  // namespace campipe::net
