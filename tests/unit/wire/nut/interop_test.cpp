// Against ffmpeg, ffprobe and mpv, both ways.
#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <sstream>

#include "media/h264.hpp"
#include "wire/make_writer.hpp"
#include "wire/wire_support.hpp"

namespace campipe::wire::test {
namespace {

using media::AudioCodec;
using media::AudioFormat;
using media::Packet;
using media::PixelFormat;
using media::StreamFormat;
using media::Track;
using media::VideoCodec;

const std::string kTestPattern = "ffmpeg -v error -f lavfi -i testsrc=s=128x96:r=30 ";
const std::string kSine = "-f lavfi -i sine=r=48000:b=4 ";

/// What ffmpeg says are the frames' checksums in a stream.
std::string frame_sums(const std::string& path, const std::string& options = "-f nut ") {
  return shell("ffmpeg -v error " + options + "-i " + path +
               " -map 0:v -f framemd5 - | grep -v '^#' | awk '{print $NF}'");
}

Bytes rewritten(const Read& read) {
  const MemFile file;
  const auto writer = make_writer(file.for_writing(), "stdout", stream::OutputFormat::nut);
  writer->set_format(read.formats.at(0));
  for (const Packet& packet : read.packets) writer->write(packet);
  return file.content();
}

TEST(NutInterop, FfprobeReadsEveryRawFormat) {
  for (int i = 1; i <= static_cast<int>(PixelFormat::rgb565le); ++i) {
    const auto pixels = static_cast<PixelFormat>(i);
    const auto format = raw_format(pixels, {34, 18});
    const MemFile file(written(format, raw_packets(format, 3)));
    const std::string told = shell(
        "ffprobe -v quiet -f nut -count_packets -show_entries stream=codec_name,pix_fmt,width,height,nb_read_packets "
        "-of "
        "csv=p=0 " +
        file.path());
    if (pixels == PixelFormat::nv16) {  // libavformat's NUT knows no tag for it: for our own tools only
      EXPECT_TRUE(told.starts_with("unknown,34,18")) << told;
    } else {
      EXPECT_EQ(told, "rawvideo,34,18," + std::string(media::name(pixels)) + ",3\n");
    }
  }
}

TEST(NutInterop, EveryRawFormatComesBackFromFfmpeg) {
  for (int i = 1; i <= static_cast<int>(PixelFormat::rgb565le); ++i) {
    const auto pixels = static_cast<PixelFormat>(i);
    if (pixels == PixelFormat::nv16) continue;
    const auto format = raw_format(pixels, {34, 18});
    const auto packets = raw_packets(format, 3);
    const MemFile file(written(format, packets));
    const Read read = read_piped(shell_bytes("ffmpeg -v quiet -f nut -i " + file.path() + " -c copy -f nut -"));
    ASSERT_EQ(read.packets.size(), 3U) << media::name(pixels);
    EXPECT_EQ(read.formats[0].video.pixel_format, pixels);
    EXPECT_TRUE(same_bytes(read.packets[2].payload.bytes(), packets[2].payload.bytes())) << media::name(pixels);
  }
}

TEST(NutInterop, FfprobeSeesTimesRateAndKeys) {
  StreamFormat format = raw_format(PixelFormat::yuv420p, {64, 48});
  format.clock = StreamClock::now();
  const MemFile file(written(format, raw_packets(format, 5)));
  EXPECT_EQ(
      shell("ffprobe -v quiet -f nut -show_entries packet=pts,flags -of csv=p=0 " + file.path()),
      "1795226522100179,K_\n1795226522133512,K_\n1795226522166845,K_\n1795226522200178,K_\n1795226522233511,K_\n");
  EXPECT_EQ(shell("ffprobe -v quiet -f nut -show_entries stream=time_base,r_frame_rate -of csv=p=0 " + file.path()),
            "30/1,1/1000000\n");
  EXPECT_EQ(shell("ffprobe -v quiet -f nut -show_entries format_tags=campipe.clock -of csv=p=0 " + file.path()),
            format.clock->to_string() + "\n");
}

TEST(NutInterop, ReadsWhatFfmpegWrites) {
  for (const char* options :
       {"", "-syncpoints none -strict experimental", "-syncpoints timestamped -strict experimental"}) {
    for (const char* codec :
         {"-c:v mjpeg", "-pix_fmt yuv420p -c:v libx264 -bf 0 -g 10", "-pix_fmt yuyv422 -c:v rawvideo"}) {
      const Read read = read_piped(shell_bytes(kTestPattern + "-frames:v 30 " + codec + " " + options + " -f nut -"));
      ASSERT_EQ(read.formats.size(), 1U) << codec << options;
      EXPECT_EQ(read.formats[0].video.size, (Size{128, 96}));
      EXPECT_EQ(read.formats[0].video.frame_rate, (Rational{30, 1}));
      ASSERT_EQ(read.packets.size(), 30U) << codec << options;
      EXPECT_EQ(read.packets[29].pts_us - read.packets[0].pts_us, 966'666) << codec;
      EXPECT_LT(std::abs(read.packets[0].pts_us - realtime_us()), 10'000'000);  // moved to its arrival
      EXPECT_FALSE(read.packets[0].captured_ns) << "unknown, not zero";
      EXPECT_FALSE(read.packets[0].sequence);
      EXPECT_EQ(read.stats.resyncs, 0U);
      EXPECT_FALSE(read.stats.truncated);
    }
  }
}

TEST(NutInterop, ConvertsAvccToAnnexB) {
  const std::string mp4 = ::testing::TempDir() + "wire-avcc.mp4";
  shell(kTestPattern + "-frames:v 30 -pix_fmt yuv420p -c:v libx264 -g 10 -bf 0 -y " + mp4);
  const Read read = read_piped(shell_bytes("ffmpeg -v error -i " + mp4 + " -c copy -f nut -"));
  ASSERT_EQ(read.packets.size(), 30U);
  EXPECT_EQ(read.formats.size(), 1U);
  EXPECT_FALSE(read.formats[0].video.parameter_sets.empty());
  for (std::size_t i = 0; i < 30; ++i) {
    const auto bytes = read.packets[i].payload.bytes();
    ASSERT_GT(bytes.size(), 5U);
    EXPECT_TRUE(same_bytes(bytes.first(4), bytes_of(std::string_view("\0\0\0\1", 4))));
    EXPECT_EQ(read.packets[i].keyframe, i % 10 == 0) << i;
    EXPECT_EQ(media::h264::parameter_sets_of(bytes).empty(), i % 10 != 0);
  }
  const MemFile file(rewritten(read));
  EXPECT_EQ(frame_sums(file.path()), frame_sums(mp4, ""));
}

TEST(NutInterop, BFramesKeepTheirOrderAndGetDecodingTimes) {
  const std::string mp4 = ::testing::TempDir() + "wire-bframes.mp4";
  shell(kTestPattern + "-frames:v 60 -pix_fmt yuv420p -c:v libx264 -g 20 -bf 2 -b_strategy 0 -y " + mp4);
  const Read read = read_piped(shell_bytes("ffmpeg -v error -i " + mp4 + " -c copy -f nut -"));
  ASSERT_EQ(read.packets.size(), 60U);
  std::set<std::int64_t> shown;
  std::int64_t last_dts = 0;
  bool reordered = false;
  for (const Packet& packet : read.packets) {
    EXPECT_GT(media::decode_time_us(packet), last_dts);
    EXPECT_LE(media::decode_time_us(packet), packet.pts_us);
    reordered |= media::decode_time_us(packet) != packet.pts_us;
    last_dts = media::decode_time_us(packet);
    shown.insert(packet.pts_us);
  }
  EXPECT_TRUE(reordered);
  EXPECT_EQ(shown.size(), 60U);
  // Our own writing of it: exact when we read it back, and ffmpeg shows the same pictures.
  const MemFile file(rewritten(read));
  const Read again = read_all(file.for_reading());
  ASSERT_EQ(again.packets.size(), 60U);
  for (std::size_t i = 0; i < 60; ++i) {
    EXPECT_EQ(again.packets[i].pts_us, read.packets[i].pts_us);
    EXPECT_EQ(again.packets[i].dts_us, read.packets[i].dts_us);
  }
  EXPECT_EQ(frame_sums(file.path()), frame_sums(mp4, ""));
  EXPECT_EQ(shell("ffprobe -v quiet -f nut -show_entries stream=has_b_frames -of csv=p=0 " + file.path()), "2\n");
}

/// pts and dts of each frame in µs from the first pts, as ffprobe tells them; nothing where it does not know.
struct Times {
  std::int64_t pts_us;
  std::optional<std::int64_t> dts_us;
};
std::vector<Times> times_by_ffprobe(const std::string& path) {
  std::istringstream lines(
      shell("ffprobe -v quiet -f nut -select_streams v -show_entries packet=pts_time,dts_time -of csv=p=0 " + path));
  const auto us = [](const std::string& text) { return std::llround(std::stold(text) * 1e6L); };
  std::vector<Times> times;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t comma = line.find(',');
    const std::string dts = line.substr(comma + 1);
    times.push_back({us(line.substr(0, comma)), dts == "N/A" ? std::nullopt : std::optional(us(dts))});
  }
  const std::int64_t first_us = times.empty() ? 0 : times.front().pts_us;
  for (Times& one : times) {
    one.pts_us -= first_us;
    if (one.dts_us) *one.dts_us -= first_us;
  }
  return times;
}

TEST(NutInterop, TimesOfBFramesAreThoseThatFfprobeTells) {
  for (const char* encoder :
       {"libx264 -bf 3 -b_strategy 0 -x264-params b-pyramid=none",
        "libx264 -bf 3 -b_strategy 0 -x264-params b-pyramid=normal",
        "libx264 -bf 3 -b_strategy 0 -x264-params b-pyramid=strict", "libx265 -bf 3 -x265-params log-level=error",
        "libx265 -bf 3 -x265-params log-level=error:b-adapt=0", "libx265 -bf 8 -x265-params log-level=error:b-adapt=0",
        "libx265 -bf 3 -x265-params log-level=error:b-adapt=0:b-pyramid=0"}) {
    SCOPED_TRACE(encoder);
    const MemFile theirs(
        shell_bytes(kTestPattern + "-frames:v 60 -pix_fmt yuv420p -g 20 -c:v " + encoder + " -f nut -"));
    const std::vector<Times> truth = times_by_ffprobe(theirs.path());
    const Read read = read_piped(theirs.content());
    ASSERT_EQ(truth.size(), 60U);
    ASSERT_EQ(read.packets.size(), 60U);
    const MemFile ours(rewritten(read));
    const std::vector<Times> again = times_by_ffprobe(ours.path());
    ASSERT_EQ(again.size(), 60U);
    const std::int64_t first_us = read.packets[0].pts_us;
    for (std::size_t i = 0; i < 60; ++i) {
      SCOPED_TRACE(i);
      const std::int64_t dts_us = media::decode_time_us(read.packets[i]);
      EXPECT_NEAR(static_cast<double>(read.packets[i].pts_us - first_us), static_cast<double>(truth[i].pts_us), 1);
      EXPECT_LE(dts_us, read.packets[i].pts_us);
      if (i > 0) {
        EXPECT_GT(dts_us, media::decode_time_us(read.packets[i - 1]));
      }
      if (truth[i].dts_us) {
        EXPECT_NEAR(static_cast<double>(dts_us - first_us), static_cast<double>(*truth[i].dts_us), 1);
      }
      EXPECT_EQ(again[i].pts_us, read.packets[i].pts_us - first_us);
      EXPECT_EQ(again[i].dts_us.value_or(dts_us - first_us), dts_us - first_us);
    }
  }
}

TEST(NutInterop, CarriesAudioOfEachCodecBothWays) {
  struct Case {
    const char* encoder;
    AudioCodec codec;
    int rate;
  };
  for (const Case& c :
       {Case{"aac", AudioCodec::aac, 48000}, Case{"pcm_s16le", AudioCodec::pcm_s16le, 48000},
        Case{"pcm_alaw -ar 8000", AudioCodec::pcm_alaw, 8000}, Case{"pcm_mulaw -ar 8000", AudioCodec::pcm_mulaw, 8000},
        Case{"libopus", AudioCodec::opus, 48000}, Case{"libmp3lame", AudioCodec::mp3, 48000}}) {
    const Bytes bytes = shell_bytes(kTestPattern + kSine + "-t 2 -pix_fmt yuv420p -c:v libx264 -g 30 -bf 0 -c:a " +
                                    c.encoder + " -f nut -");
    const Read read = read_piped(bytes);
    ASSERT_TRUE(read.formats.at(0).audio) << c.encoder;
    EXPECT_EQ(read.formats[0].audio->codec, c.codec);
    EXPECT_EQ(read.formats[0].audio->sample_rate_hz, c.rate);
    EXPECT_EQ(read.formats[0].audio->channels, 1);
    EXPECT_EQ(read.video().size(), 60U);
    const auto audio = read.of(Track::audio);
    EXPECT_GT(audio.size(), 15U) << c.encoder;
    const MemFile original(bytes);
    const MemFile ours(rewritten(read));
    EXPECT_EQ(frame_sums(ours.path()), frame_sums(original.path())) << c.encoder;
    const std::string sums = "-map 0:a -c copy -f framemd5 - | grep -v '^#' | awk '{print $NF}'";
    EXPECT_EQ(shell("ffmpeg -v quiet -f nut -i " + ours.path() + " " + sums),
              shell("ffmpeg -v quiet -f nut -i " + original.path() + " " + sums))
        << c.encoder;
    EXPECT_EQ(read_all(ours.for_reading()).of(Track::audio).size(), audio.size());
  }
}

/// 10 s of H.264 with a keyframe a second and audio that comes 300 ms late, as packets go out in the order of arrival.
Bytes long_stream() {
  Read read = read_piped(
      shell_bytes(kTestPattern + kSine + "-t 10 -pix_fmt yuv420p -c:v libx264 -g 30 -bf 0 -c:a aac -f nut -"));
  const auto arrival = [](const Packet& packet) {
    return packet.pts_us + (packet.track == Track::audio ? 300'000 : 0);
  };
  std::ranges::sort(read.packets, {}, arrival);
  return rewritten(read);
}

TEST(NutInterop, FfmpegSeeksInASavedStream) {
  const std::string path = ::testing::TempDir() + "wire-saved.nut";
  const Bytes bytes = long_stream();
  FILE* file = std::fopen(path.c_str(), "wb");
  ASSERT_EQ(std::fwrite(bytes.data(), 1, bytes.size(), file), bytes.size());
  std::fclose(file);
  const std::string all = frame_sums(path);
  std::vector<std::string> sums;
  for (std::size_t at = 0; at < all.size(); at = all.find('\n', at) + 1)
    sums.push_back(all.substr(at, all.find('\n', at) - at));
  ASSERT_EQ(sums.size(), 300U);
  for (const int second : {1, 4, 7, 9}) {
    const std::string at = std::to_string(second);
    const std::string first = shell("ffmpeg -v quiet -ss " + at + " -f nut -i " + path +
                                    " -map 0:v -frames:v 1 -f framemd5 - | grep -v '^#' | awk '{print $NF}'");
    EXPECT_EQ(first, sums[static_cast<std::size_t>(second) * 30] + "\n") << second;
  }
}

TEST(NutInterop, MpvPlaysIt) {
  const std::string path = ::testing::TempDir() + "wire-mpv.nut";
  const Bytes bytes = long_stream();
  FILE* file = std::fopen(path.c_str(), "wb");
  ASSERT_EQ(std::fwrite(bytes.data(), 1, bytes.size(), file), bytes.size());
  std::fclose(file);
  const std::string out =
      shell("cat " + path + " | mpv --no-config --vo=null --ao=null --untimed --frames=50 --msg-level=all=info - 2>&1");
  EXPECT_NE(out.find("h264"), std::string::npos) << out;
  EXPECT_NE(out.find("aac"), std::string::npos) << out;
  EXPECT_EQ(out.find("Errors when loading file"), std::string::npos) << out;
}

TEST(NutInterop, FfmpegJoinsALiveStreamInTheMiddle) {
  const Bytes bytes = long_stream();
  const MemFile file{std::span(bytes).subspan(bytes.size() / 3)};
  const std::string count = shell(
      "cat " + file.path() +
      " | ffprobe -v quiet -f nut -count_packets -select_streams v -show_entries stream=nb_read_packets -of csv=p=0 -");
  EXPECT_GT(std::stoi(count), 120);
  const Read read = read_piped(std::span(bytes).subspan(bytes.size() / 3));
  EXPECT_GT(read.video().size(), 120U);
  EXPECT_TRUE(read.video().at(0).keyframe);
}

}  // namespace
}  // namespace campipe::wire::test
