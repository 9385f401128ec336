#include "ffmpeg/muxer_output.hpp"

#include <cerrno>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "ffmpeg/memory_file.hpp"

namespace campipe::ffmpeg {
namespace {

TEST(MuxerOutput, AMuxerThatIsNotThereIsUnavailable) {
  for (const char* name : {"no-such-muxer", ""}) {
    try {
      const MuxerOutput output(name, [](std::int64_t, std::span<const std::byte>) { return 0; });
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::unavailable);
      EXPECT_NE(std::string(error.what()).find(std::string("libavformat has no muxer ") + name), std::string::npos);
    }
  }
}

class MuxerOutputTest : public testing::Test {
protected:
  /// A Matroska file with packets of 1000 bytes, one a flush. The first error, or 0.
  static int write_file(MuxerOutput& output, int packets) {
    AVStream* stream = avformat_new_stream(output.context(), nullptr);
    stream->codecpar->codec_type = AVMEDIA_TYPE_VIDEO;
    stream->codecpar->codec_id = AV_CODEC_ID_MJPEG;
    stream->codecpar->width = 160;
    stream->codecpar->height = 96;
    stream->time_base = {1, 1000};
    if (const int error = output.begin(nullptr); error != 0) return error;
    std::vector<std::uint8_t> data(1000, 0xAB);
    for (int i = 0; i < packets; ++i) {
      const PacketPtr packet(av_packet_alloc());
      packet->data = data.data();
      packet->size = static_cast<int>(data.size());
      packet->pts = packet->dts = i * 40;
      packet->flags = AV_PKT_FLAG_KEY;
      if (const int error = output.write(packet.get()); error < 0) return error;
      if (const int error = output.flush(); error != 0) return error;
    }
    return output.finish();
  }

  MemoryFile file_;
};

TEST_F(MuxerOutputTest, HandsAllBytesOverAndGoesBackForTheLengthAtTheEnd) {
  MuxerOutput output("matroska", file_.sink());
  EXPECT_EQ(write_file(output, 5), 0);
  EXPECT_EQ(output.sink_error(), 0);
  EXPECT_EQ(output.size(), static_cast<std::int64_t>(file_.bytes.size()));
  EXPECT_GT(output.size(), 5000);
  EXPECT_TRUE(file_.went_back);
  EXPECT_EQ(file_.bytes[0], std::byte{0x1A});
  EXPECT_EQ(file_.bytes[3], std::byte{0xA3});
}

TEST_F(MuxerOutputTest, EachFlushHandsTheClusterOver) {
  MuxerOutput output("matroska", file_.sink());
  EXPECT_EQ(write_file(output, 0), 0);
  const auto header = output.size();
  EXPECT_GT(header, 0);
  EXPECT_LT(header, 4096);
}

TEST_F(MuxerOutputTest, TheFirstErrorOfTheSinkStaysAndTheSinkIsLeftAlone) {
  file_.fails_at = 1 << 30;
  {
    MuxerOutput all("matroska", file_.sink());
    ASSERT_EQ(write_file(all, 4), 0);
  }
  const int calls = file_.calls;
  ASSERT_GT(calls, 4);
  for (int at = 0; at < calls; ++at) {
    MemoryFile file;
    file.fails_at = at;
    MuxerOutput output("matroska", file.sink());
    EXPECT_EQ(write_file(output, 4), AVERROR(ENOSPC)) << "call " << at;
    EXPECT_EQ(output.sink_error(), ENOSPC);
    EXPECT_EQ(output.finish(), AVERROR(ENOSPC));
    EXPECT_EQ(file.calls, at + 1) << "not called again";
  }
}

TEST_F(MuxerOutputTest, FinishingWhatNeverBeganOrIsFinishedIsAnError) {
  MuxerOutput never("matroska", file_.sink());
  EXPECT_EQ(never.finish(), AVERROR(EINVAL));
  MuxerOutput refused("matroska", file_.sink());
  avformat_new_stream(refused.context(), nullptr);  // of no codec
  EXPECT_LT(refused.begin(nullptr), 0);
  EXPECT_EQ(refused.finish(), AVERROR(EINVAL));
  MuxerOutput once("matroska", file_.sink());
  EXPECT_EQ(write_file(once, 1), 0);
  EXPECT_EQ(once.finish(), AVERROR(EINVAL));
}

TEST_F(MuxerOutputTest, AFullDeviceIsAnError) {
  const Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(full);
  MuxerOutput output("matroska",
                     [&](std::int64_t, std::span<const std::byte> bytes) { return write_all(full.get(), bytes); });
  EXPECT_EQ(write_file(output, 3), AVERROR(ENOSPC));
  EXPECT_EQ(output.size(), 0);
}

}  // namespace
}  // namespace campipe::ffmpeg
