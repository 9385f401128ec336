#include "wire/recognise.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/eventfd.h>

#include "wire/make_reader.hpp"
#include "wire/wire_support.hpp"

namespace campipe::wire::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kRemedy =
    "): NUT, JPEG, H.264/H.265 Annex B and Y4M are recognised, raw needs --input-format rawvideo:PIXFMT:WxH@FPS";

std::string refusal(std::span<const std::byte> bytes, stream::ReadOptions options = {}) {
  try {
    read_piped(bytes, std::move(options));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    return error.what();
  }
  return "accepted";
}

TEST(Recognise, RefusesWhatIsNoStreamWithOneLine) {
  EXPECT_EQ(refusal(bytes_of("hello, world\nand more\n")),
            std::string("stdin: this is no video stream I know (starts with \"hello, world\"") + kRemedy);
  EXPECT_EQ(refusal(Bytes(3)), std::string("stdin: this is no video stream I know (starts with 00 00 00") + kRemedy);
  EXPECT_THAT(refusal(Bytes(100'000)), StartsWith("stdin: this is no video stream I know (starts with 00 00 00 00"));
  std::string text;
  for (int line = 0; line < 1000; ++line) text += "line " + std::to_string(line) + "\n";
  EXPECT_THAT(refusal(bytes_of(text)), HasSubstr("starts with \"line 0\""));
  Bytes noise(1 << 20);
  unsigned state = 1;
  for (std::byte& b : noise) b = static_cast<std::byte>((state = state * 1664525 + 1013904223) >> 24);
  EXPECT_THAT(refusal(noise), HasSubstr("this is no video stream I know"));
  EXPECT_THAT(refusal(bytes_of(std::string_view("\0\0\0\x20"
                                                "ftypisom....",
                                                16))),
              HasSubstr("an MP4 file: camgrab reads those"));
}

TEST(Recognise, RefusesEndlessRubbishInBoundedTime) {
  EXPECT_THAT([] { read_all(Fd(::open("/dev/zero", O_RDONLY))); },
              ::testing::ThrowsMessage<Error>(HasSubstr("starts with 00 00")));
}

TEST(Recognise, EmptyInputIsTheEndAndNoError) {
  const Read read = read_piped({});
  EXPECT_EQ(read.last, stream::Pull::end);
  EXPECT_TRUE(read.formats.empty());
  EXPECT_FALSE(read.stats.truncated);
}

TEST(Recognise, WrongInputFormatsAreUsageErrors) {
  for (const char* name :
       {"mp4", "rawvideo", "rawvideo:", "rawvideo:bgr24", "rawvideo:bgr23:640x480@30", "rawvideo:bgr24:640@30",
        "rawvideo:bgr24:640x480@fast", "rawvideo:bgr24:0x480@30", "rawvideo:none:640x480@30"}) {
    stream::ReadOptions options;
    options.input_format = name;
    try {
      make_reader(Fd(), "stdin", options);
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage) << name;
      EXPECT_THAT(error.what(), StartsWith("--input-format ")) << name;
    }
  }
}

TEST(Recognise, StopsWaitingWhenTold) {
  for (const char* format : {"", "nut", "mjpeg", "h264", "y4m", "rawvideo:gray:64x64@30"}) {
    const Pipe pipe = make_pipe();
    const Fd stop(::eventfd(1, EFD_CLOEXEC));
    stream::ReadOptions options;
    options.stop_fd = stop.get();
    options.input_format = format;
    auto reader = make_reader(Fd(::dup(pipe.read_end.get())), "stdin", options);
    stream::Pull pull = reader->next();
    if (pull == stream::Pull::format) pull = reader->next();  // raw knows its format at once
    EXPECT_EQ(pull, stream::Pull::stopped) << format;
  }
}

TEST(Recognise, TellsThatItIsIdle) {
  Pipe pipe = make_pipe();
  int idle = 0;
  stream::ReadOptions options;
  options.on_idle = [&] {
    ++idle;
    pipe.write_end.reset();
  };
  EXPECT_EQ(read_all(std::move(pipe.read_end), options).last, stream::Pull::end);
  EXPECT_EQ(idle, 1);
}

TEST(Recognise, ReadErrorsAreIoErrors) {
  try {
    read_all(Fd(::open("/", O_RDONLY | O_DIRECTORY)));
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::io_error);
  }
}

}  // namespace
}  // namespace campipe::wire::test
