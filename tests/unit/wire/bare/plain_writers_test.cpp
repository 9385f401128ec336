#include "wire/bare/plain_writers.hpp"

#include <gmock/gmock.h>

#include "wire/make_writer.hpp"
#include "wire/wire_support.hpp"

namespace campipe::wire::test {
namespace {

using media::PixelFormat;
using media::StreamFormat;
using media::VideoCodec;

std::string refusal(stream::OutputFormat as, const StreamFormat& format) {
  const MemFile file;
  try {
    make_writer(file.for_writing(), "stdout", as)->set_format(format);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    return error.what();
  }
  return "accepted";
}

TEST(PlainWriters, NamesAreThoseOfTheOption) {
  for (const char* name : {"nut", "jpeg", "mjpeg", "h264", "h265", "y4m", "rawvideo"})
    EXPECT_TRUE(bare::output_format_by_name(name)) << name;
  EXPECT_FALSE(bare::output_format_by_name("mp4"));
  EXPECT_EQ(bare::output_format_by_name("h265"), stream::OutputFormat::h265);
}

TEST(PlainWriters, RefuseWhatTheyCannotCarry) {
  StreamFormat h264;
  h264.video.codec = VideoCodec::h264;
  EXPECT_EQ(refusal(stream::OutputFormat::y4m, h264),
            "output format y4m needs raw planar YUV, the stream is h264: use -c raw");
  EXPECT_EQ(refusal(stream::OutputFormat::jpeg, h264),
            "output format jpeg needs MJPEG, the stream is h264: use -c mjpeg");
  EXPECT_EQ(refusal(stream::OutputFormat::y4m, raw_format(PixelFormat::yuyv422, {64, 48})),
            "output format y4m needs raw planar YUV, the stream is raw yuyv422: use --output-format rawvideo");
  EXPECT_EQ(refusal(stream::OutputFormat::h264, raw_format(PixelFormat::yuyv422, {64, 48})),
            "output format h264 needs H.264, the stream is raw yuyv422: use -c h264");
}

TEST(PlainWriters, Y4mComesBackTheSameAndFfmpegTakesIt) {
  for (const PixelFormat pixels :
       {PixelFormat::yuv420p, PixelFormat::yuv422p, PixelFormat::yuv444p, PixelFormat::gray}) {
    StreamFormat format = raw_format(pixels, {34, 18});
    format.video.range = media::ColourRange::full;
    format.video.frame_rate = {30000, 1001};
    const auto packets = raw_packets(format, 3);
    const MemFile file(written(format, packets, stream::OutputFormat::y4m));
    const Read read = read_all(file.for_reading());
    ASSERT_EQ(read.packets.size(), 3U);
    EXPECT_EQ(read.formats[0].video, format.video);
    EXPECT_TRUE(same_bytes(read.packets[2].payload.bytes(), packets[2].payload.bytes()));
    const auto sum = [&](const std::string& options) {
      return shell("ffmpeg -v error " + options + " -f rawvideo - | md5sum");
    };
    EXPECT_EQ(sum("-f yuv4mpegpipe -i " + file.path()),
              sum("-f rawvideo -pix_fmt " + std::string(media::name(pixels)) + " -s 34x18 -i " +
                  MemFile(written(format, packets, stream::OutputFormat::rawvideo)).path()));
  }
}

TEST(PlainWriters, RawvideoIsNothingButPictures) {
  const StreamFormat format = raw_format(PixelFormat::bgr24, {34, 18});
  const auto packets = raw_packets(format, 3);
  const Bytes bytes = written(format, packets, stream::OutputFormat::rawvideo);
  EXPECT_EQ(bytes.size(), 3U * 34 * 18 * 3);
  stream::ReadOptions options;
  options.input_format = "rawvideo:bgr24:34x18@30";
  EXPECT_EQ(read_piped(bytes, options).packets.size(), 3U);
}

TEST(PlainWriters, APictureThatChangesIsNotForFormatsThatCannotSaySo) {
  for (const stream::OutputFormat as : {stream::OutputFormat::y4m, stream::OutputFormat::rawvideo}) {
    const StreamFormat format = raw_format(PixelFormat::gray, {34, 18});
    const MemFile file;
    const auto writer = make_writer(file.for_writing(), "stdout", as);
    writer->set_format(format);
    writer->write(raw_packets(format, 1)[0]);
    EXPECT_NO_THROW(writer->set_format(format));
    EXPECT_THROW(writer->set_format(raw_format(PixelFormat::gray, {36, 18})), Error);
  }
}

TEST(PlainWriters, JpegIsCompleteAfterOne) {
  StreamFormat format;
  format.video.codec = VideoCodec::mjpeg;
  const MemFile file;
  const auto writer = make_writer(file.for_writing(), "stdout", stream::OutputFormat::jpeg);
  writer->set_format(format);
  EXPECT_FALSE(writer->complete());
  media::Packet packet;
  packet.payload = pattern(100, 1);
  writer->write(packet);
  EXPECT_TRUE(writer->complete());
  writer->write(packet);
  EXPECT_EQ(file.content().size(), 100U);
}

TEST(PlainWriters, TellWhenAWriteMayBlock) {
  std::vector<bool> told;
  const MemFile file;
  const auto writer =
      make_writer(file.for_writing(), "stdout", stream::OutputFormat::nut, [&](bool now) { told.push_back(now); });
  const StreamFormat format = raw_format(PixelFormat::gray, {34, 18});
  writer->set_format(format);
  writer->write(raw_packets(format, 1)[0]);
  EXPECT_THAT(told, ::testing::ElementsAre(true, false));
}

}  // namespace
}  // namespace campipe::wire::test
