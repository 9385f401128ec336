#include "ffmpeg/input.hpp"

extern "C" {
#include <libavutil/error.h>
}

#include <cerrno>

#include <gtest/gtest.h>

#include "base/own_folder.hpp"
#include "ffmpeg/clip.hpp"
#include "ffmpeg/memory_file.hpp"
#include "ffmpeg/mkv_writer.hpp"
#include "ffmpeg/tcp_sender.hpp"

namespace campipe::ffmpeg {
namespace {

TEST(Input, TellsTheTracksOfBareStreams) {
  struct Case {
    const char* file;
    media::VideoCodec codec;
    Size size;
    std::size_t packets;
    media::ColourRange range;
  };
  // Size and colour of bare H.264 and H.265 are in their parameter sets alone, which are not read here.
  for (const Case& c : {
           Case{"small.h264", media::VideoCodec::h264, {}, 4, media::ColourRange::unknown},
           Case{"h264_slices_aud.h264", media::VideoCodec::h264, {}, 3, media::ColourRange::unknown},
           Case{"small.h265", media::VideoCodec::h265, {}, 4, media::ColourRange::unknown},
           Case{"small.jpg", media::VideoCodec::mjpeg, {322, 180}, 1, media::ColourRange::full},
       }) {
    auto input = open_file(data_path(c.file));
    ASSERT_NE(input, nullptr) << c.file;
    EXPECT_TRUE(input->is_bare()) << c.file;
    EXPECT_TRUE(input->has_length()) << c.file;
    EXPECT_EQ(input->unknown_video(), "") << c.file;
    ASSERT_EQ(input->tracks().size(), 1U) << c.file;
    ASSERT_TRUE(input->tracks()[0].video) << c.file;
    EXPECT_EQ(input->tracks()[0].video->codec, c.codec) << c.file;
    EXPECT_EQ(input->tracks()[0].video->size, c.size) << c.file;
    EXPECT_EQ(input->tracks()[0].video->range, c.range) << c.file;
    InputRead last = InputRead::packet;
    const auto packets = packets_of(*input, &last);
    EXPECT_EQ(packets.size(), c.packets) << c.file;
    EXPECT_TRUE(packets.at(0).keyframe) << c.file;
    EXPECT_EQ(last, InputRead::end) << c.file;
  }
}

TEST(Input, APayloadOutlivesItsInput) {
  const auto file = bytes_of_file(data_path("small.jpg"));
  InputPacket packet;
  {
    auto input = open_file(data_path("small.jpg"));
    ASSERT_NE(input, nullptr);
    ASSERT_EQ(input->read(packet), InputRead::packet);
  }
  EXPECT_TRUE(std::ranges::equal(packet.payload.bytes(), file));
}

/// A Matroska file of H.264 and, where asked, sound.
class InputOfMatroska : public testing::Test {
protected:
  std::vector<std::byte> matroska(std::optional<media::AudioFormat> audio = std::nullopt) const {
    Clip clip = clip_;
    clip.format.audio = std::move(audio);
    MemoryFile file;
    MkvWriter writer(MkvWriter::Format::matroska, clip.format, kStartUs, file.sink());
    EXPECT_EQ(writer.write(clip.packets), 0);
    EXPECT_EQ(writer.finish(), 0);
    return file.bytes;
  }

  OwnFolder folder_;
  Clip clip_ = h264_clip(20, 5);
};

TEST_F(InputOfMatroska, TellsEachKindOfAudioTrack) {
  using enum media::AudioCodec;
  for (const media::AudioFormat& audio : {
           media::AudioFormat{.codec = pcm_alaw, .sample_rate_hz = 8000, .channels = 1},
           media::AudioFormat{.codec = pcm_mulaw, .sample_rate_hz = 16000, .channels = 1},
           media::AudioFormat{.codec = pcm_s16le, .sample_rate_hz = 48000, .channels = 2},
           media::AudioFormat{
               .codec = aac, .sample_rate_hz = 48000, .channels = 2, .extradata = {std::byte{0x11}, std::byte{0x90}}},
       }) {
    auto input = open_file(folder_.write("audio.mkv", matroska(audio)));
    ASSERT_NE(input, nullptr);
    ASSERT_EQ(input->tracks().size(), 2U) << media::name(audio.codec);
    const InputTrack& track = input->tracks()[1];
    ASSERT_TRUE(track.audio);
    EXPECT_EQ(track.extradata, audio.extradata);
    media::AudioFormat expected = audio;
    expected.extradata.clear();
    EXPECT_EQ(*track.audio, expected) << media::name(audio.codec);
  }
}

TEST_F(InputOfMatroska, AFileThatIsCutOffGivesWhatIsThereAndEnds) {
  const auto file = matroska();
  std::size_t last_count = 0;
  for (std::size_t size = 1000; size < file.size(); size += 499) {
    int error = 0;
    auto input =
        Input::open("file:" + folder_.write("cut.mkv", std::span(file).first(size)), {.protocols = "file"}, error);
    if (input == nullptr) {
      EXPECT_LT(error, 0) << size;
      continue;
    }
    InputRead last = InputRead::packet;
    const auto count = packets_of(*input, &last).size();
    EXPECT_NE(last, InputRead::interrupted) << size;
    EXPECT_GE(count, last_count) << size;
    EXPECT_LE(count, 20U) << size;
    last_count = count;
  }
  EXPECT_GE(last_count, 18U);
}

TEST_F(InputOfMatroska, SurvivesFlippedBytes) {
  const auto file = matroska();
  for (std::size_t at = 0; at < file.size(); at += 53) {
    auto damaged = file;
    damaged[at] ^= std::byte{0xFF};
    int error = 0;
    auto input = Input::open("file:" + folder_.write("flipped.mkv", damaged), {.protocols = "file"}, error);
    if (input == nullptr) continue;
    for (const InputPacket& packet : packets_of(*input)) EXPECT_LE(packet.payload.size(), file.size()) << at;
  }
}

int error_of_opening(const std::string& url, const std::string& protocols = "file") {
  int error = 0;
  EXPECT_EQ(Input::open(url, {.protocols = protocols}, error), nullptr) << url;
  return error;
}

TEST(InputOpen, AnswersTheErrorOfWhatIsNoInput) {
  const OwnFolder folder;
  const std::vector<std::byte> noise(100'000, std::byte{0x5A});
  EXPECT_EQ(error_of_opening("file:" + folder / "missing"), AVERROR(ENOENT));
  EXPECT_EQ(error_of_opening("file:" + folder.write("empty", {})), AVERROR_INVALIDDATA);
  EXPECT_EQ(error_of_opening("file:" + folder.write("noise", noise)), AVERROR_INVALIDDATA);
  EXPECT_EQ(error_of_opening("nosuchprotocol://host/a", "nosuchprotocol"), AVERROR_PROTOCOL_NOT_FOUND);
  EXPECT_LT(error_of_opening("file:" + folder.path().string()), 0);
  EXPECT_LT(error_of_opening(""), 0);
}

TEST(InputOpen, UsesNoProtocolThatIsNotAllowed) {
  const OwnFolder folder;
  const std::string path = folder.write("a.h264", bytes_of_file(data_path("small.h264")));
  EXPECT_LT(error_of_opening("file:" + path, "http"), 0);
  EXPECT_LT(error_of_opening("concat:" + path, "file"), 0);
  // A playlist must not reach what the input itself may not.
  const std::string list = "ffconcat version 1.0\nfile 'http://127.0.0.1:1/a.h264'\n";
  EXPECT_LT(error_of_opening("file:" + folder.write("list.ffconcat", std::as_bytes(std::span(list)))), 0);
}

class InputOverTcp : public testing::Test {
protected:
  /// "Give up", from the call on that has this number.
  std::function<bool()> from_call(int number) {
    return [this, number] { return ++calls_ >= number; };
  }

  int calls_ = 0;
};

TEST_F(InputOverTcp, OpeningGivesUpWhenAsked) {
  const TcpSender silent({}, TcpSender::Then::wait);
  int error = 0;
  EXPECT_EQ(Input::open("tcp://" + silent.address(), {.protocols = "tcp", .interrupted = from_call(4)}, error),
            nullptr);
  EXPECT_EQ(error, AVERROR_EXIT);
  EXPECT_GE(calls_, 4);
}

TEST_F(InputOverTcp, ReadingGivesUpWhenAsked) {
  const Clip clip = h264_clip(10, 5);
  MemoryFile file;
  MkvWriter writer(MkvWriter::Format::matroska, clip.format, kStartUs, file.sink());
  for (const media::Packet& packet : clip.packets) ASSERT_EQ(writer.write({&packet, 1}), 0);
  bool give_up = false;
  const TcpSender live(file.bytes, TcpSender::Then::wait);
  int error = 0;
  auto input =
      Input::open("tcp://" + live.address(), {.protocols = "tcp", .interrupted = [&] { return give_up; }}, error);
  ASSERT_NE(input, nullptr) << error;
  EXPECT_FALSE(input->has_length());
  InputPacket packet;
  for (int i = 0; i < 5; ++i) ASSERT_EQ(input->read(packet), InputRead::packet) << i;
  EXPECT_EQ(packet.pts_ns, 4 * kFrameUs * 1000);
  give_up = true;
  InputRead last = InputRead::packet;
  packets_of(*input, &last);  // those that have already come may still be given
  EXPECT_EQ(last, InputRead::interrupted);
  EXPECT_EQ(input->error(), AVERROR_EXIT);
}

TEST_F(InputOverTcp, APeerThatClosesEndsIt) {
  const Clip clip = h264_clip(10, 5);
  MemoryFile file;
  MkvWriter writer(MkvWriter::Format::matroska, clip.format, kStartUs, file.sink());
  for (const media::Packet& packet : clip.packets) ASSERT_EQ(writer.write({&packet, 1}), 0);
  const TcpSender live(file.bytes, TcpSender::Then::close);
  int error = 0;
  auto input = Input::open("tcp://" + live.address(), {.protocols = "tcp"}, error);
  ASSERT_NE(input, nullptr) << error;
  InputRead last = InputRead::packet;
  EXPECT_EQ(packets_of(*input, &last).size(), 10U);
  EXPECT_EQ(last, InputRead::end);
}

TEST(InputExplain, GivesTheExitCodeAndPlainWords) {
  struct Case {
    int averror;
    bool network;
    ExitCode code;
    const char* why;
  };
  for (const Case& c : {
           Case{AVERROR_HTTP_UNAUTHORIZED, true, ExitCode::permission, "wrong user or password (401)"},
           Case{AVERROR_HTTP_FORBIDDEN, true, ExitCode::permission, "forbidden for this user (403)"},
           Case{AVERROR_HTTP_NOT_FOUND, true, ExitCode::no_input, "there is no such stream (404)"},
           Case{AVERROR_HTTP_BAD_REQUEST, true, ExitCode::protocol, "the server refuses the request"},
           Case{AVERROR_HTTP_OTHER_4XX, true, ExitCode::protocol, "the server refuses the request"},
           Case{AVERROR_HTTP_SERVER_ERROR, true, ExitCode::unavailable, "the server reports an error of its own"},
           Case{AVERROR_INVALIDDATA, true, ExitCode::bad_data, "what it sends is no stream"},
           Case{AVERROR_INVALIDDATA, false, ExitCode::bad_data, "no video that campipe knows"},
           Case{AVERROR_PROTOCOL_NOT_FOUND, true, ExitCode::no_input, "libavformat does not speak this protocol"},
           Case{AVERROR_STREAM_NOT_FOUND, false, ExitCode::bad_data, "no video that campipe knows"},
           Case{AVERROR(EIO), true, ExitCode::unavailable, "cannot reach it: unknown name or closed connection"},
           Case{AVERROR_EOF, true, ExitCode::unavailable, "the server closed the connection"},
           Case{AVERROR(EINVAL), true, ExitCode::no_input, "not a URL that libavformat understands"},
           Case{AVERROR(ECONNREFUSED), true, ExitCode::unavailable, "Connection refused"},
           Case{AVERROR_EOF, false, ExitCode::bad_data, "it is empty"},
           Case{AVERROR(ENOENT), false, ExitCode::no_input, "No such file or directory"},
           Case{AVERROR(EACCES), false, ExitCode::permission, "Permission denied"},
           Case{AVERROR(EIO), false, ExitCode::io_error, "Input/output error"},
           Case{AVERROR_BUG, false, ExitCode::bad_data, "Internal bug, should not have happened"},
       }) {
    const InputFailure failure = explain(c.averror, c.network);
    EXPECT_EQ(failure.code, c.code) << c.why;
    EXPECT_EQ(failure.why, c.why);
  }
}

}  // namespace
}  // namespace campipe::ffmpeg
