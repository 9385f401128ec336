#include <gmock/gmock.h>

#include "wire/make_reader.hpp"
#include "wire/wire_support.hpp"

namespace campipe::wire::test {
namespace {

using media::VideoCodec;

const std::string kSource = "ffmpeg -v error -f lavfi -i testsrc=s=128x96:r=30 -frames:v 20 ";

TEST(BareFormats, RecognisesConcatenatedJpeg) {
  const Bytes bytes = shell_bytes(kSource + "-c:v mjpeg -f mjpeg -");
  const Read read = read_piped(bytes);
  ASSERT_EQ(read.formats.size(), 1U);
  EXPECT_EQ(read.formats[0].video.codec, VideoCodec::mjpeg);
  EXPECT_EQ(read.formats[0].video.size, (Size{128, 96}));
  EXPECT_EQ(read.packets.size(), 20U);
  EXPECT_FALSE(read.stats.truncated);
}

TEST(BareFormats, RecognisesAnnexB) {
  struct Case {
    const char* encoder;
    VideoCodec codec;
  };
  for (const Case& c : {Case{"-c:v libx264 -g 10 -f h264 -", VideoCodec::h264},
                        Case{"-c:v libx265 -x265-params log-level=error:keyint=10 -f hevc -", VideoCodec::h265}}) {
    const Read read = read_piped(shell_bytes(kSource + "-pix_fmt yuv420p " + c.encoder));
    ASSERT_EQ(read.formats.size(), 1U) << c.encoder;
    EXPECT_EQ(read.formats[0].video.codec, c.codec);
    EXPECT_EQ(read.formats[0].video.size, (Size{128, 96}));
    EXPECT_FALSE(read.formats[0].video.parameter_sets.empty());
    EXPECT_EQ(read.packets.size(), 20U) << c.encoder;
    EXPECT_TRUE(read.packets.at(0).keyframe);
    EXPECT_TRUE(read.packets.at(10).keyframe);
    EXPECT_FALSE(read.packets.at(1).keyframe);
  }
}

TEST(BareFormats, RecognisesY4m) {
  const Read read = read_piped(shell_bytes(kSource + "-pix_fmt yuv422p -f yuv4mpegpipe -"));
  ASSERT_EQ(read.formats.size(), 1U);
  EXPECT_EQ(read.formats[0].video.pixel_format, media::PixelFormat::yuv422p);
  EXPECT_EQ(read.formats[0].video.frame_rate, (Rational{30, 1}));
  EXPECT_EQ(read.packets.size(), 20U);
}

TEST(BareFormats, ReadsHeaderlessRaw) {
  stream::ReadOptions options;
  options.input_format = "rawvideo:bgr24:128x96@30";
  const Read read = read_piped(shell_bytes(kSource + "-pix_fmt bgr24 -f rawvideo -"), options);
  ASSERT_EQ(read.formats.size(), 1U);
  EXPECT_EQ(read.packets.size(), 20U);
  EXPECT_EQ(read.packets[0].payload.size(), 128U * 96 * 3);
}

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& one : parts) all.insert(all.end(), one.begin(), one.end());
  return all;
}

Bytes one_jpeg(const std::string& size = "64x48") {
  return shell_bytes("ffmpeg -v error -f lavfi -i testsrc=s=" + size + " -frames:v 1 -c:v mjpeg -f mjpeg -");
}

Bytes h264(const std::string& options, const std::string& size = "128x96") {
  return shell_bytes("ffmpeg -v error -f lavfi -i testsrc=s=" + size +
                     ":r=30 -frames:v 12 -pix_fmt yuv420p -c:v libx264 " + options + " -f h264 -");
}

/// Next packet of a pipe that stays open behind it.
media::Packet first_packet(std::span<const std::byte> bytes, int packets = 1) {
  const Pipe pipe = make_pipe();
  EXPECT_EQ(write_all(pipe.write_end.get(), bytes), 0);
  const auto reader = make_reader(Fd(::dup(pipe.read_end.get())), "stdin", {});
  for (;;) {
    const stream::Pull pull = reader->next();
    EXPECT_NE(pull, stream::Pull::end);
    if (pull == stream::Pull::packet && --packets == 0) return reader->packet();
  }
}

TEST(BareFormats, AJpegIsDeliveredWhenItsEndIsThere) {
  const Bytes jpeg = one_jpeg();
  EXPECT_TRUE(same_bytes(first_packet(jpeg).payload.bytes(), jpeg));
}

TEST(BareFormats, AnAccessUnitIsDeliveredWithoutTheNextAfterAShortSilence) {
  const Bytes bytes = h264("-bf 0 -g 100");
  const Read whole = read_piped(bytes);
  ASSERT_EQ(whole.packets.size(), 12U);
  EXPECT_TRUE(same_bytes(first_packet(bytes, 12).payload.bytes(), whole.packets[11].payload.bytes()));
}

TEST(BareFormats, AStreamGoesOnAfterASilence) {
  const Bytes bytes = h264("-bf 0 -g 4");
  Pipe pipe = make_pipe();
  ASSERT_EQ(write_all(pipe.write_end.get(), bytes), 0);
  const auto reader = make_reader(std::move(pipe.read_end), "stdin", {});
  int packets = 0;
  for (stream::Pull pull = reader->next(); pull != stream::Pull::end; pull = reader->next()) {
    if (pull != stream::Pull::packet) continue;
    ++packets;
    if (packets == 12) {
      ASSERT_EQ(write_all(pipe.write_end.get(), bytes), 0);
    }
    if (packets == 24) pipe.write_end.reset();
  }
  EXPECT_EQ(packets, 24);
  EXPECT_EQ(reader->stats().dropped, 0U);
}

TEST(BareFormats, JpegSurvivesWhatCamerasDo) {
  const Bytes jpeg = one_jpeg();
  const Bytes without_end(jpeg.begin(), jpeg.end() - 2);
  const Bytes padding(1000);
  const Bytes filler(7, std::byte{0xFF});
  // An application segment that holds a whole thumbnail, end marker and all.
  const Bytes thumbnail = one_jpeg("16x16");
  Bytes with_thumbnail(jpeg.begin(), jpeg.begin() + 2);
  const std::size_t length = thumbnail.size() + 2;
  for (const std::size_t b : {std::size_t{0xFF}, std::size_t{0xE1}, length >> 8, length & 0xFF})
    with_thumbnail.push_back(static_cast<std::byte>(b));
  with_thumbnail.insert(with_thumbnail.end(), thumbnail.begin(), thumbnail.end());
  with_thumbnail.insert(with_thumbnail.end(), jpeg.begin() + 2, jpeg.end());

  const Read read = read_piped(
      joined({jpeg, padding, jpeg, filler, with_thumbnail, without_end, jpeg, bytes_of("--boundary\r\n\r\n"), jpeg}));
  ASSERT_EQ(read.packets.size(), 6U);
  EXPECT_TRUE(same_bytes(read.packets[1].payload.bytes(), jpeg));
  EXPECT_TRUE(same_bytes(read.packets[2].payload.bytes(), with_thumbnail));
  EXPECT_TRUE(same_bytes(read.packets[3].payload.bytes(), jpeg)) << "its end is put back";
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(read.packets[i].corrupt, i == 3) << i;
  EXPECT_TRUE(same_bytes(read.packets[5].payload.bytes(), jpeg));
  EXPECT_EQ(read.formats.size(), 1U);
}

TEST(BareFormats, ATruncatedJpegIsTold) {
  const Bytes jpeg = one_jpeg();
  for (const std::size_t cut : {std::size_t{3}, jpeg.size() / 2, jpeg.size() - 1}) {
    const Read read = read_piped(joined({jpeg, Bytes(jpeg.begin(), jpeg.begin() + static_cast<std::ptrdiff_t>(cut))}));
    EXPECT_EQ(read.packets.size(), 1U) << cut;
    EXPECT_TRUE(read.stats.truncated) << cut;
  }
}

TEST(BareFormats, DamagedJpegIsSearchedPast) {
  const Bytes jpeg = one_jpeg();
  Bytes broken = jpeg;
  broken[4] = broken[5] = std::byte{0};  // length of the first segment
  const Read read = read_piped(joined({broken, jpeg, jpeg}));
  EXPECT_EQ(read.packets.size(), 2U);
  EXPECT_EQ(read.stats.dropped, 1U);
  EXPECT_GE(read.stats.resyncs, 1U);
}

TEST(BareFormats, ASizeThatChangesIsAFormat) {
  const Read jpeg = read_piped(joined({one_jpeg(), one_jpeg("80x48"), one_jpeg("80x48")}));
  ASSERT_EQ(jpeg.formats.size(), 2U);
  EXPECT_EQ(jpeg.formats[1].video.size, (Size{80, 48}));
  const Read coded = read_piped(joined({h264("-bf 0"), h264("-bf 0", "160x96")}));
  ASSERT_EQ(coded.formats.size(), 2U);
  EXPECT_EQ(coded.formats[1].video.size, (Size{160, 96}));
  EXPECT_EQ(coded.packets.size(), 24U);
  stream::ReadOptions options;
  options.on_change = stream::OnChange::exit;
  EXPECT_THROW(read_piped(joined({one_jpeg(), one_jpeg("80x48")}), options), Error);
}

TEST(BareFormats, AccessUnitsOfSlicesAndDelimitersStayTogether) {
  for (const char* options :
       {"-x264-params slices=4:bframes=0", "-x264-params aud=1:bframes=0", "-x264-params slices=4:aud=1:bframes=2",
        "-x264-params nal-hrd=cbr:vbv-maxrate=500:vbv-bufsize=500:bitrate=500:filler=1"}) {
    const Read read = read_piped(h264(options));
    EXPECT_EQ(read.packets.size(), 12U) << options;
    EXPECT_EQ(read.stats.dropped, 0U);
  }
}

TEST(BareFormats, AnnexBJoinedInTheMiddleBeginsWithAKeyframe) {
  const Bytes bytes = h264("-bf 0 -g 6");
  const Read read = read_piped(std::span(bytes).subspan(bytes.size() / 3), [] {
    stream::ReadOptions options;
    options.input_format = "h264";
    return options;
  }());
  ASSERT_GE(read.packets.size(), 1U);
  EXPECT_TRUE(read.packets[0].keyframe);
  EXPECT_GT(read.stats.dropped, 0U);
}

TEST(BareFormats, PipesGiveTheArrivalFilesTheFrameRate) {
  const Bytes bytes = shell_bytes(kSource + "-pix_fmt gray -f yuv4mpegpipe -");
  const std::int64_t before = monotonic_ns();
  const Read piped = read_piped(bytes);
  for (const auto& packet : piped.packets) {
    ASSERT_TRUE(packet.captured_ns);
    EXPECT_GE(*packet.captured_ns, before);
    EXPECT_LE(*packet.captured_ns, monotonic_ns());
  }
  ASSERT_TRUE(piped.formats[0].clock);
  EXPECT_EQ(piped.formats[0].clock->pts_us(*piped.packets[0].captured_ns), piped.packets[0].pts_us);
  const Read file = read_all(MemFile(bytes).for_reading());
  EXPECT_NEAR(static_cast<double>(file.packets[19].pts_us - file.packets[0].pts_us), 19e6 / 30, 1.0);
}

TEST(BareFormats, DamagedY4mIsAnError) {
  const Bytes good = shell_bytes(kSource + "-pix_fmt gray -f yuv4mpegpipe -");
  const Read cut = read_piped(std::span(good).first(good.size() - 100));
  EXPECT_EQ(cut.packets.size(), 19U);
  EXPECT_TRUE(cut.stats.truncated);
  for (const char* text : {"YUV4MPEG2 W64 H48 C420p10\nFRAME\n", "YUV4MPEG2 W64\nFRAME\n", "YUV4MPEG2 W64 H99999\n",
                           "YUV4MPEG2 W2 H2 Cmono\nFRAME\nabcdNOFRAME\n"}) {
    try {
      read_piped(bytes_of(text));
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_data) << text;
    }
  }
}

TEST(BareFormats, TruncatedRawIsTold) {
  stream::ReadOptions options;
  options.input_format = "rawvideo:gray:16x16@30";
  const Read read = read_piped(Bytes(16 * 16 * 3 + 5), options);
  EXPECT_EQ(read.packets.size(), 3U);
  EXPECT_TRUE(read.stats.truncated);
}

TEST(BareFormats, BytesOfH264ComeThroughOurOwnWriter) {
  const Bytes bytes = h264("-bf 0 -g 4");
  const Read read = read_piped(bytes);
  const Read again = read_piped(written(read.formats[0], read.packets, stream::OutputFormat::h264));
  ASSERT_EQ(again.packets.size(), 12U);
  for (std::size_t i = 0; i < 12; ++i) {
    EXPECT_TRUE(same_bytes(again.packets[i].payload.bytes(), read.packets[i].payload.bytes())) << i;
  }
}

}  // namespace
}  // namespace campipe::wire::test
