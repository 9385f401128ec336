#include "serve/server.hpp"

#include <csignal>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/log.hpp"
#include "base/own_folder.hpp"
#include "media/media_support.hpp"
#include "net/net_helpers.hpp"

namespace campipe::serve {
namespace {

using testing::HasSubstr;

class ServerTest : public testing::Test {
protected:
  ServerTest() { log::init({.tool = "unit_serve", .level = static_cast<log::Level>(-1)}); }
  ~ServerTest() override { log::init({}); }

  /// Inputs out of `pipe_`, HTTP on a unix socket of this test's own.
  Server::Options options() const {
    Server::Options options;
    options.inputs = {input::parse_spec("cam=fd:" + std::to_string(pipe_.read_end.get()))};
    options.listen.http = {"unix:" + socket_path_};
    return options;
  }

  /// Runs a server while `client` does its part in a thread of its own.
  int serve(const std::function<void()>& client) {
    Server server(options(), stop_, telemetry_);
    std::thread thread(client);
    const int code = server.run();
    thread.join();
    return code;
  }

  void feed(const std::vector<std::byte>& bytes) const { EXPECT_EQ(write_all(pipe_.write_end.get(), bytes), 0); }

  Fd connect() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(socket_path_, address.sun_path);
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return fd;
  }
  static void ask(const Fd& fd, const std::string& path) {
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    EXPECT_EQ(write_all(fd.get(), std::as_bytes(std::span(request))), 0);
  }
  /// Until `text` has `part`, or to the end.
  static std::string read_until(const Fd& fd, std::string_view part = {}) {
    std::string text;
    std::array<char, 65536> buffer{};
    while (part.empty() || text.find(part) == std::string::npos) {
      const ssize_t got = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
      if (got <= 0) break;
      text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return text;
  }

  OwnFolder folder_;
  std::string socket_path_ = folder_ / "http";
  Pipe pipe_ = make_pipe();
  cli::StopSignal stop_{std::chrono::seconds(600)};  // a server that hangs is for ctest to end
  cli::Telemetry telemetry_{{}};
  std::vector<std::byte> image_ = media::test::data_file("small.jpg");
};

TEST_F(ServerTest, EndsWithZeroWhenItsInputsHaveEnded) {
  EXPECT_EQ(serve([&] {
              feed(image_);
              pipe_.write_end.reset();
            }),
            0);
  EXPECT_FALSE(std::filesystem::exists(socket_path_)) << "the socket's file went with it";
}

TEST_F(ServerTest, ClientsGetTheLastFrameAndAnOrderlyEndWhenTheInputEnds) {
  const auto last = media::test::data_file("jpeg_422.jpg");
  std::string text;
  EXPECT_EQ(serve([&] {
              const Fd client = connect();
              feed(image_);
              feed(image_);  // ends the first
              ask(client, "/stream/cam");
              text = read_until(client, "image/jpeg");
              feed(last);
              pipe_.write_end.reset();
              text += read_until(client);
            }),
            0);
  EXPECT_THAT(text, HasSubstr("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(text, HasSubstr(std::string(reinterpret_cast<const char*>(last.data()), last.size())));
}

TEST_F(ServerTest, InputThatIsNoStreamIsTheExitCode) {
  EXPECT_EQ(serve([&] {
              feed(std::vector<std::byte>(200'000, std::byte{0x5A}));
              pipe_.write_end.reset();
            }),
            static_cast<int>(ExitCode::bad_data));
}

TEST_F(ServerTest, SigtermEndsItInOrderWhileClientsWatch) {
  std::string rest = "unread";
  EXPECT_EQ(serve([&] {
              const Fd idle = connect(), client = connect();
              feed(image_);
              feed(image_);
              ask(client, "/stream/cam");
              EXPECT_THAT(read_until(client, "image/jpeg"), HasSubstr("200 OK"));
              ::kill(::getpid(), SIGTERM);
              read_until(client);
              rest = read_until(idle);
            }),
            0);
  EXPECT_EQ(rest, "") << "closed";
  EXPECT_FALSE(std::filesystem::exists(socket_path_));
}

TEST_F(ServerTest, AStopThatCameBeforeItRunsEndsItAtOnce) {
  stop_.request();
  EXPECT_EQ(serve([] {}), 0);
}

TEST_F(ServerTest, APortThatIsTakenIsAnErrorBeforeItRunsAndLeavesNothing) {
  const Fd taken = net::listen_anywhere();
  auto asked = options();
  asked.listen.http.push_back(net::local_address(taken.get()).to_string());
  try {
    const Server server(asked, stop_, telemetry_);
    FAIL() << "listens on a port that is taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::try_again);
    EXPECT_THAT(error.what(), HasSubstr("--http"));
  }
  EXPECT_FALSE(std::filesystem::exists(socket_path_));
}

TEST_F(ServerTest, CountsItsRequests) {
  std::string metrics;
  EXPECT_EQ(serve([&] {
              feed(image_);
              const Fd client = connect();
              ask(client, "/nothing/here");
              read_until(client, "\r\n\r\n");
              const Fd another = connect();
              ask(another, "/metrics");
              metrics = read_until(another, "campipe_http_responses_total{status=\"404\"} 1\n");
              stop_.request();
            }),
            0);
  EXPECT_THAT(metrics, HasSubstr("campipe_http_responses_total{status=\"404\"} 1\n"));
}

}  // namespace
}  // namespace campipe::serve
