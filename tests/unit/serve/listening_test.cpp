#include "serve/listening.hpp"

#include <cstdlib>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/own_folder.hpp"
#include "base/stderr_to.hpp"
#include "net/address.hpp"
#include "net/net_helpers.hpp"

namespace campipe::serve {
namespace {

using testing::HasSubstr;

class StartListening : public testing::Test {
protected:
  StartListening() { log::init({.tool = "unit_serve", .level = log::Level::error}); }
  ~StartListening() override { log::init({}); }

  static std::pair<ExitCode, std::string> refusal(const ListenAt& at) {
    try {
      start_listening(at);
    } catch (const Error& error) {
      return {error.code(), error.what()};
    }
    return {ExitCode::ok, "listens"};
  }
  static std::string address(const Fd& fd) { return net::local_address(fd.get()).to_string(); }
};

TEST_F(StartListening, OpensAllThatIsGivenAndNothingElse) {
  const OwnFolder folder;
  const Listening out = start_listening({.http = {"127.0.0.1:0", "[::1]:0", "unix:" + folder / "http"},
                                         .rtsp = {"127.0.0.1:0", "127.0.0.1:0"},
                                         .socket_mode = std::nullopt});
  ASSERT_EQ(out.http.size(), 3U);
  ASSERT_EQ(out.rtsp.size(), 2U);
  EXPECT_EQ(out.files.size(), 1U);
  EXPECT_THAT(address(out.http[0]), testing::StartsWith("127.0.0.1:"));
  EXPECT_THAT(address(out.http[1]), testing::StartsWith("[::1]:"));
  EXPECT_EQ(address(out.http[2]), "unix:" + folder / "http");
  EXPECT_NE(address(out.rtsp[0]), address(out.rtsp[1]));
  for (const auto* sockets : {&out.http, &out.rtsp}) {
    for (const Fd& fd : *sockets) {
      net::TestClient client(net::local_address(fd.get()));
      EXPECT_EQ(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    }
  }
  const Listening none = start_listening({});
  EXPECT_TRUE(none.http.empty());
  EXPECT_TRUE(none.rtsp.empty());
}

TEST_F(StartListening, ASocketFileHasTheModeAskedForAndGoesWithTheListening) {
  const OwnFolder folder;
  const std::string path = folder / "http";
  {
    const Listening out = start_listening({.http = {"unix:" + path}, .rtsp = {}, .socket_mode = 0640});
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_TRUE(S_ISSOCK(status.st_mode));
    EXPECT_EQ(status.st_mode & 0777U, 0640U);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(StartListening, WhatCannotBeListenedToSaysWhichOptionAndWhy) {
  const OwnFolder folder;
  const Fd taken = net::listen_anywhere();
  const std::string in_use = address(taken);
  const std::string file = folder.write("file", {});
  struct Case {
    ListenAt at;
    ExitCode code;
    std::string words;
  };
  for (const Case& c : {
           Case{{.http = {in_use}, .rtsp = {}, .socket_mode = {}}, ExitCode::try_again, "--http"},
           Case{{.http = {"127.0.0.1:0"}, .rtsp = {in_use}, .socket_mode = {}}, ExitCode::try_again, "--rtsp"},
           Case{{.http = {"192.0.2.1:0"}, .rtsp = {}, .socket_mode = {}}, ExitCode::unavailable, "192.0.2.1"},
           Case{{.http = {"unix:" + file}, .rtsp = {}, .socket_mode = {}}, ExitCode::cannot_create, file},
           Case{{.http = {}, .rtsp = {"unix:" + folder / "s"}, .socket_mode = {}},
                ExitCode::usage,
                "players know no unix sockets"},
           Case{{.http = {"127.0.0.1:99999"}, .rtsp = {}, .socket_mode = {}}, ExitCode::usage, "--http"},
           Case{{.http = {""}, .rtsp = {}, .socket_mode = {}}, ExitCode::usage, "--http"},
       }) {
    const auto [code, text] = refusal(c.at);
    EXPECT_EQ(code, c.code) << text;
    EXPECT_THAT(text, HasSubstr(c.words));
  }
  EXPECT_TRUE(std::filesystem::exists(file)) << "what is no socket stays";
}

TEST_F(StartListening, RtspListensOnTheHostsOfHttpWhenNothingIsSaidOfIt) {
  const auto hosts = [](const std::vector<std::string>& http) {
    const Listening out = start_listening({.http = http, .rtsp = {}, .socket_mode = {}, .rtsp_follows = true});
    std::vector<std::string> at;
    for (const Fd& fd : out.rtsp) at.push_back(address(fd));
    return at;
  };
  const OwnFolder folder;
  using testing::ElementsAre;
  EXPECT_THAT(hosts({"127.70.1.1:0", "127.70.1.2:0"}), ElementsAre("127.70.1.1:8554", "127.70.1.2:8554"));
  EXPECT_THAT(hosts({"127.70.1.1:0", "unix:" + folder / "s", "127.70.1.1:0"}), ElementsAre("127.70.1.1:8554"));
}

TEST_F(StartListening, WhereRtspCannotFollowItSaysSoAndTheRestIsServed) {
  log::init({.tool = "t"});
  const Fd taken = net::listen_tcp(net::resolve_listen_address("127.70.1.3:8554", ""), "--rtsp");
  WritesToStderr told;
  const Listening out =
      start_listening({.http = {"127.70.1.3:0", "127.70.1.4:0"}, .rtsp = {}, .socket_mode = {}, .rtsp_follows = true});
  EXPECT_EQ(out.http.size(), 2U);
  ASSERT_EQ(out.rtsp.size(), 1U);
  EXPECT_EQ(address(out.rtsp.front()), "127.70.1.4:8554");
  EXPECT_THAT(told.take(),
              testing::ElementsAre(testing::AllOf(
                  HasSubstr("t: RTSP is not served on 127.70.1.3: --rtsp 127.70.1.3:8554"), HasSubstr("in use"))));
}

/// In a process of its own, whose descriptors from 3 on are what systemd passes: see sd_listen_fds(3).
class InheritedDeathTest : public StartListening {
protected:
  InheritedDeathTest() { GTEST_FLAG_SET(death_test_style, "fast"); }

  static void pass(const std::vector<int>& fds, const char* names) {
    std::vector<int> safe;
    for (const int fd : fds) safe.push_back(::fcntl(fd, F_DUPFD, 100));
    int next = 3;
    for (const int fd : safe) ::dup2(fd, next++);
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDS", std::to_string(fds.size()).c_str(), 1);
    ::setenv("LISTEN_FDNAMES", names, 1);
  }

  Fd first_ = net::listen_anywhere(), second_ = net::listen_anywhere();
  std::string first_at_ = address(first_), second_at_ = address(second_);
};

constexpr int kAsExpected = 42;

TEST_F(InheritedDeathTest, PassedSocketsTakeThePlaceOfThoseGivenByTheirNames) {
  struct Case {
    const char* names;
    bool first_is_rtsp, second_is_rtsp;
  };
  for (const Case& c : {Case{"http:rtsp", false, true}, Case{"camserve-rtsp.socket:camserve-http.socket", true, false},
                        Case{"", false, false}}) {
    EXPECT_EXIT(
        {
          pass({first_.get(), second_.get()}, c.names);
          const Listening out = start_listening({.http = {"127.0.0.1:0"}, .rtsp = {"127.0.0.1:0"}, .socket_mode = {}});
          const auto has = [](const std::vector<Fd>& in, const std::string& at) {
            return std::ranges::any_of(in, [&](const Fd& fd) { return address(fd) == at; });
          };
          const bool good = has(c.first_is_rtsp ? out.rtsp : out.http, first_at_) &&
                            has(c.second_is_rtsp ? out.rtsp : out.http, second_at_) && !out.http.empty() &&
                            !out.rtsp.empty() && out.http.size() + out.rtsp.size() == (*c.names == '\0' ? 3U : 2U);
          std::_Exit(good ? kAsExpected : 1);
        },
        testing::ExitedWithCode(kAsExpected), "")
        << c.names;
  }
}

TEST_F(InheritedDeathTest, ASocketOfAProtocolThatIsOffIsNotServedAndSaidSo) {
  EXPECT_EXIT(
      {
        log::init({.tool = "t"});
        pass({first_.get()}, "rtsp");
        const Listening out = start_listening({.http = {}, .rtsp = {}, .socket_mode = {}});
        std::_Exit(out.http.empty() && out.rtsp.empty() ? kAsExpected : 1);
      },
      testing::ExitedWithCode(kAsExpected), "the inherited socket .* is not served: --rtsp none");
}

TEST_F(InheritedDeathTest, SocketsForAnotherProcessAreNotTouched) {
  EXPECT_EXIT(
      {
        pass({first_.get()}, "http");
        ::setenv("LISTEN_PID", "1", 1);
        const Listening out = start_listening({.http = {"127.0.0.1:0"}, .rtsp = {}, .socket_mode = {}});
        std::_Exit(out.http.size() == 1 && address(out.http[0]) != first_at_ ? kAsExpected : 1);
      },
      testing::ExitedWithCode(kAsExpected), "");
}

}  // namespace
}  // namespace campipe::serve
