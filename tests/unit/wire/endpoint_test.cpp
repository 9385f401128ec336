#include "wire/endpoint.hpp"

#include <filesystem>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <pty.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.hpp"
#include "wire/wire_support.hpp"

namespace campipe::wire::test {
namespace {

/// What `body` throws: exit code and message.
template <class Body>
std::pair<int, std::string> refusal(Body body) {
  try {
    body();
  } catch (const Error& error) {
    return {static_cast<int>(error.code()), error.what()};
  }
  return {0, ""};
}

std::pair<int, std::string> input_refusal(const std::string& text) {
  return refusal([&] { open_input(parse_endpoint(text)); });
}
std::pair<int, std::string> output_refusal(const std::string& text) {
  return refusal([&] { open_output(parse_endpoint(text)); });
}

class EndpointTest : public ::testing::Test {
protected:
  EndpointTest() {
    log::init({.tool = "camenc"});
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  std::string folder_ = ::testing::TempDir() + "wire-endpoint";
};

TEST_F(EndpointTest, ReadsTheGrammar) {
  EXPECT_EQ(parse_endpoint("-").kind, Endpoint::Kind::standard);
  EXPECT_EQ(parse_endpoint("fd:7").kind, Endpoint::Kind::fd);
  EXPECT_EQ(parse_endpoint("fd:7").fd, 7);
  EXPECT_EQ(parse_endpoint("./a.nut").kind, Endpoint::Kind::path);
  EXPECT_EQ(parse_endpoint("./a.nut").path, "./a.nut");
  EXPECT_EQ(parse_endpoint("shm:front.h264").kind, Endpoint::Kind::ring);
  EXPECT_EQ(parse_endpoint("shm:front.h264").name, "front.h264");
  EXPECT_EQ(parse_endpoint("dir/a:b").kind, Endpoint::Kind::path);
}

TEST_F(EndpointTest, RefusesWhatIsNotOfTheGrammar) {
  using ::testing::HasSubstr;
  using ::testing::Pair;
  for (const char* text :
       {"", "fd:", "fd:-1", "fd:x", "fd:99999999999", "shm:", "shm:a b", "shm:a.b.c", "shm:../x", "shm:.x"}) {
    EXPECT_EQ(refusal([&] { parse_endpoint(text); }).first, 64) << text;
  }
  EXPECT_THAT(
      refusal([] { parse_endpoint("rtsp://admin:secret@cam/1"); }),
      Pair(64, "rtsp://admin:***@cam/1 is a URL, and camenc reads streams: camgrab 'rtsp://admin:***@cam/1' | camenc"));
  EXPECT_THAT(refusal([] { parse_endpoint("file:///tmp/a.nut"); }),
              Pair(64, HasSubstr("give the path itself, /tmp/a.nut")));
}

TEST_F(EndpointTest, NamesAreLettersDigitsAndDashes) {
  EXPECT_TRUE(is_stream_name("front_Door-2"));
  EXPECT_TRUE(is_stream_name(std::string(64, 'a')));
  for (const std::string& name :
       {std::string(), std::string(65, 'a'), std::string("a.b"), std::string("a/b"), std::string("ä")}) {
    EXPECT_FALSE(is_stream_name(name)) << name;
  }
}

TEST_F(EndpointTest, ExitCodesSayWhatIsWrong) {
  const std::string locked = folder_ + "/locked";
  std::filesystem::create_directories(locked);
  EXPECT_EQ(input_refusal(folder_ + "/none").first, 66);
  EXPECT_EQ(input_refusal(folder_).first, 66);
  EXPECT_EQ(input_refusal("fd:777"), std::pair(66, std::string("fd:777: no such descriptor is open")));
  EXPECT_EQ(output_refusal(folder_).first, 73);
  EXPECT_EQ(output_refusal(folder_ + "/none/a.nut").first, 73);
  EXPECT_EQ(output_refusal("fd:777"), std::pair(73, std::string("fd:777: no such descriptor is open")));
  if (::geteuid() != 0) {
    ::chmod(locked.c_str(), 0);
    EXPECT_EQ(input_refusal(locked + "/a").first, 77);
    EXPECT_EQ(output_refusal(locked + "/a").first, 77);
    ::chmod(locked.c_str(), 0700);
  }
}

TEST_F(EndpointTest, ATerminalIsNoPlaceForAStream) {
  int controller = -1;
  int terminal = -1;
  ASSERT_EQ(::openpty(&controller, &terminal, nullptr, nullptr, nullptr), 0);
  const Fd a(controller);
  const Fd b(terminal);
  const std::string name = "fd:" + std::to_string(terminal);
  EXPECT_EQ(input_refusal(name).first, 64);
  EXPECT_EQ(output_refusal(name).first, 64);
}

TEST_F(EndpointTest, ADescriptorForTheOtherDirectionIsRefused) {
  const Pipe pipe = make_pipe();
  EXPECT_EQ(input_refusal("fd:" + std::to_string(pipe.write_end.get())).first, 66);
  EXPECT_EQ(output_refusal("fd:" + std::to_string(pipe.read_end.get())).first, 73);
}

TEST_F(EndpointTest, DescriptorsAreDuplicatedAndStayBlocking) {
  const Pipe pipe = make_pipe();
  const Fd copy = open_input(parse_endpoint("fd:" + std::to_string(pipe.read_end.get())));
  EXPECT_NE(copy.get(), pipe.read_end.get());
  EXPECT_EQ(::fcntl(pipe.read_end.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(copy.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(EndpointTest, APathIsCreatedOrTruncated) {
  const std::string path = folder_ + "/out.nut";
  EXPECT_EQ(write_all(open_output(parse_endpoint(path)).get(), bytes_of("long text")), 0);
  EXPECT_EQ(write_all(open_output(parse_endpoint(path)).get(), bytes_of("short")), 0);
  EXPECT_EQ(std::filesystem::file_size(path), 5U);
}

}  // namespace
}  // namespace campipe::wire::test
