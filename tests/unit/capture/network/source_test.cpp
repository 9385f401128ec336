#include "capture/network/source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/own_folder.hpp"
#include "ffmpeg/clip.hpp"
#include "ffmpeg/memory_file.hpp"
#include "ffmpeg/mkv_writer.hpp"
#include "ffmpeg/tcp_sender.hpp"
#include "media/media_support.hpp"

namespace campipe::capture::network {
namespace {

using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

const StreamClock kClock{1'763'689'440'000'000, 0, "boot"};

/// What came out of a source up to what is no packet.
struct Taken {
  std::vector<media::Packet> packets;
  int formats = 0;
  Pull last = Pull::packet;
};

Taken take_from(Source& source, std::size_t most = 1000) {
  Taken taken;
  while (taken.packets.size() < most) {
    taken.last = source.next();
    if (taken.last == Pull::format) ++taken.formats;
    if (taken.last == Pull::packet) taken.packets.push_back(std::move(source.packet()));
    if (taken.last != Pull::format && taken.last != Pull::packet) break;
  }
  return taken;
}

class NetworkSource : public testing::Test {
protected:
  NetworkSource() { log::init({.tool = "unit_capture", .level = log::Level::error}); }
  ~NetworkSource() override { log::init({}); }

  static std::unique_ptr<Source> file(const std::string& path, Source::Options options = {}) {
    options.url = path;
    return std::make_unique<Source>(options, Host{}, kClock);
  }

  /// Opens it and answers the error.
  static std::pair<ExitCode, std::string> refusal(Source& source) {
    try {
      source.open();
    } catch (const Error& error) {
      return {error.code(), error.what()};
    }
    return {ExitCode::ok, "opened"};
  }

  std::string matroska(const std::string& name, const ffmpeg::Clip& clip) const {
    ffmpeg::MemoryFile out;
    ffmpeg::MkvWriter writer(ffmpeg::MkvWriter::Format::matroska, clip.format, ffmpeg::kStartUs, out.sink());
    EXPECT_EQ(writer.write(clip.packets), 0);
    EXPECT_EQ(writer.finish(), 0);
    return folder_.write(name, out.bytes);
  }

  OwnFolder folder_;
};

TEST_F(NetworkSource, AFileGivesItsFormatThenItsPacketsAtItsOwnTimesThenTheEnd) {
  const auto clip = ffmpeg::h264_clip(20, 5);
  const auto source = file(matroska("a.mkv", clip));
  source->open();
  EXPECT_FALSE(source->is_live());
  const Taken taken = take_from(*source);
  EXPECT_EQ(taken.formats, 1);
  EXPECT_EQ(taken.last, Pull::end);
  EXPECT_EQ(source->format().video.codec, media::VideoCodec::h264);
  EXPECT_EQ(source->format().video.size, (Size{160, 96}));
  EXPECT_EQ(source->format().video.parameter_sets, clip.format.video.parameter_sets);
  EXPECT_EQ(source->format().clock, kClock);
  ASSERT_EQ(taken.packets.size(), 20U);
  for (std::size_t i = 0; i < 20; ++i) {
    const media::Packet& packet = taken.packets[i];
    EXPECT_EQ(packet.pts_us - taken.packets[0].pts_us, static_cast<std::int64_t>(i) * ffmpeg::kFrameUs) << i;
    EXPECT_EQ(packet.keyframe, i % 5 == 0) << i;
    EXPECT_FALSE(packet.captured_ns) << "a file has no time of capture";
    EXPECT_FALSE(packet.dts_us) << i;
    EXPECT_TRUE(std::ranges::equal(packet.payload.bytes(), clip.packets[i].payload.bytes())) << i << ": canonical";
  }
  EXPECT_EQ(source->stats().frames, 20U);
  EXPECT_EQ(source->stats().dropped, 0U);
}

TEST_F(NetworkSource, ABareStreamIsTimedByTheRateThatWasAskedForOrItsOwn) {
  struct Case {
    const char* file;
    Rational asked;
    std::int64_t frame_us;
  };
  for (const Case& c : {Case{"small.h264", {10, 1}, 100'000}, Case{"small.h264", {0, 1}, 33'366},
                        Case{"small.h265", {50, 1}, 20'000}}) {
    const auto source = file(ffmpeg::data_path(c.file), {.bare_rate = c.asked});
    source->open();
    const Taken taken = take_from(*source);
    ASSERT_EQ(taken.packets.size(), 4U) << c.file;
    EXPECT_EQ(taken.last, Pull::end);
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_NEAR(static_cast<double>(taken.packets[i].pts_us - taken.packets[0].pts_us),
                  static_cast<double>(c.frame_us) * static_cast<double>(i), 2)
          << c.file << " " << i;
    }
  }
}

TEST_F(NetworkSource, ALoopGoesOnInTimeUntilTheStop) {
  Pipe stop = make_pipe();
  Source source({.url = matroska("a.mkv", ffmpeg::h264_clip(5, 5)), .loop = true}, {.stop_fd = stop.read_end.get()},
                kClock);
  source.open();
  const Taken taken = take_from(source, 23);
  ASSERT_EQ(taken.packets.size(), 23U);
  EXPECT_EQ(taken.formats, 1);
  for (std::size_t i = 1; i < 23; ++i) {
    EXPECT_EQ(taken.packets[i].pts_us - taken.packets[i - 1].pts_us, ffmpeg::kFrameUs) << i;
    EXPECT_EQ(taken.packets[i].keyframe, i % 5 == 0) << i;
    EXPECT_FALSE(taken.packets[i].discontinuity) << i;
  }
  stop.write_end.reset();
  EXPECT_EQ(source.next(), Pull::stopped);
}

TEST_F(NetworkSource, AFileAtItsOwnPaceStopsInTheMiddleOfAWait) {
  auto clip = ffmpeg::h264_clip(2, 5);
  clip.packets[1].pts_us += 3'600'000'000;  // an hour later
  Pipe stop = make_pipe();
  bool first_came = false;
  Host host{.stop_fd = stop.read_end.get(), .alive = [&] {
              if (first_came) stop.write_end.reset();
            }};
  Source source({.url = matroska("a.mkv", clip), .realtime = true}, host, kClock);
  source.open();
  EXPECT_TRUE(source.is_live());
  EXPECT_EQ(source.next(), Pull::format);
  EXPECT_EQ(source.next(), Pull::packet);
  EXPECT_TRUE(source.packet().captured_ns);
  first_came = true;
  EXPECT_EQ(source.next(), Pull::stopped);
}

TEST_F(NetworkSource, SoundComesWithThePicturesAfterTheFormat) {
  auto clip = ffmpeg::h264_clip(10, 5);
  clip.format.audio = media::AudioFormat{.codec = media::AudioCodec::pcm_mulaw, .sample_rate_hz = 8000, .channels = 1};
  for (int i = 0; i < 10; ++i) {
    media::Packet packet;
    packet.track = media::Track::audio;
    packet.keyframe = true;
    packet.pts_us = ffmpeg::kStartUs + i * ffmpeg::kFrameUs;
    packet.payload = media::Payload::from(std::vector<std::byte>(320, static_cast<std::byte>(i)));
    clip.packets.insert(clip.packets.begin() + 2 * i + 1, packet);
  }
  const auto source = file(matroska("a.mkv", clip));
  source->open();
  const Taken taken = take_from(*source);
  EXPECT_EQ(source->format().audio, clip.format.audio);
  int audio = 0;
  for (const media::Packet& packet : taken.packets) {
    if (packet.track != media::Track::audio) continue;
    EXPECT_EQ(packet.pts_us - taken.packets[0].pts_us, audio * ffmpeg::kFrameUs);
    EXPECT_EQ(packet.payload.size(), 320U);
    EXPECT_EQ(packet.payload.data()[0], static_cast<std::byte>(audio++));
  }
  EXPECT_EQ(audio, 10);
  EXPECT_EQ(source->stats().frames, 10U);
}

TEST_F(NetworkSource, AFileThatIsNoneIsRefusedWithTheCodeAndTheReason) {
  const std::vector<std::byte> noise(50'000, std::byte{0x5A});
  struct Case {
    std::string path;
    ExitCode code;
    std::string why;
  };
  for (const Case& c : {
           Case{folder_ / "missing", ExitCode::no_input, "no such file or device: see camgrab --list"},
           Case{folder_.path().string(), ExitCode::no_input, "is a directory: give a file in it"},
           Case{folder_.write("empty", {}), ExitCode::bad_data, "no video that campipe knows"},
           Case{folder_.write("noise", noise), ExitCode::bad_data, "no video that campipe knows"},
           Case{folder_.write("file", {}) + "/below", ExitCode::no_input, "Not a directory"},
       }) {
    const auto source = file(c.path);
    const auto [code, text] = refusal(*source);
    EXPECT_EQ(code, c.code) << c.path;
    EXPECT_EQ(text, c.path + ": " + c.why);
  }
}

/// A Matroska file of one track that campipe cannot carry.
std::string foreign_track(const OwnFolder& folder, AVMediaType type, AVCodecID codec) {
  ffmpeg::MemoryFile out;
  ffmpeg::MuxerOutput output("matroska", out.sink());
  AVStream* stream = avformat_new_stream(output.context(), nullptr);
  stream->codecpar->codec_type = type;
  stream->codecpar->codec_id = codec;
  stream->codecpar->width = stream->codecpar->height = 64;
  stream->codecpar->sample_rate = 8000;
  av_channel_layout_default(&stream->codecpar->ch_layout, 1);
  EXPECT_EQ(output.begin(nullptr), 0);
  std::vector<std::uint8_t> data(100);
  const ffmpeg::PacketPtr packet(av_packet_alloc());
  packet->data = data.data();
  packet->size = static_cast<int>(data.size());
  packet->pts = packet->dts = 0;
  packet->flags = AV_PKT_FLAG_KEY;
  EXPECT_EQ(output.write(packet.get()), 0);
  EXPECT_EQ(output.finish(), 0);
  return folder.write("foreign.mkv", out.bytes);
}

TEST_F(NetworkSource, AFileWithoutVideoThatWeCarrySaysWhatItHas) {
  const auto sound = file(foreign_track(folder_, AVMEDIA_TYPE_AUDIO, AV_CODEC_ID_PCM_S16LE));
  EXPECT_EQ(refusal(*sound), std::pair(ExitCode::bad_data, sound->name() + ": no video in it"));
  const auto vp8 = file(foreign_track(folder_, AVMEDIA_TYPE_VIDEO, AV_CODEC_ID_VP8));
  EXPECT_EQ(refusal(*vp8), std::pair(ExitCode::bad_data,
                                     vp8->name() + ": its video is vp8: campipe carries h264, h265, mjpeg and raw"));
}

/// Sources over HTTP on this machine.
class HttpSource : public NetworkSource {
protected:
  using Then = TcpSender::Then;

  static std::vector<std::byte> text(const std::string& string) {
    const auto bytes = std::as_bytes(std::span(string));
    return {bytes.begin(), bytes.end()};
  }

  /// A multipart answer with so many JPEG images and the boundary behind the last.
  static std::vector<std::byte> multipart(int images) {
    const auto jpeg = media::test::data_file("small.jpg");
    auto out = text("HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=frame\r\n\r\n--frame\r\n");
    for (int i = 0; i < images; ++i) {
      const auto head = text("Content-Type: image/jpeg\r\nContent-Length: " + std::to_string(jpeg.size()) + "\r\n\r\n");
      out.insert(out.end(), head.begin(), head.end());
      out.insert(out.end(), jpeg.begin(), jpeg.end());
      const auto tail = text("\r\n--frame\r\n");
      out.insert(out.end(), tail.begin(), tail.end());
    }
    return out;
  }

  static Source::Options options(const TcpSender& server, const std::string& scheme = "http://user:geheim@") {
    return {.url = scheme + server.address() + "/cam", .is_network = true};
  }
};

TEST_F(HttpSource, AMultipartStreamGivesItsImagesAndIsLostAtItsEnd) {
  const TcpSender server(multipart(3), Then::close, true);
  Source source(options(server), {}, kClock);
  source.open();
  EXPECT_TRUE(source.is_live());
  EXPECT_EQ(source.name(), "http://user:***@" + server.address() + "/cam");
  const Taken taken = take_from(source);
  EXPECT_EQ(taken.last, Pull::lost);
  EXPECT_FALSE(source.loss().empty());
  EXPECT_EQ(source.format().video.codec, media::VideoCodec::mjpeg);
  EXPECT_EQ(source.format().video.size, (Size{322, 180}));
  ASSERT_EQ(taken.packets.size(), 3U);
  const auto jpeg = media::test::data_file("small.jpg");
  for (const media::Packet& packet : taken.packets) {
    EXPECT_TRUE(packet.keyframe);
    EXPECT_TRUE(packet.captured_ns);
    EXPECT_TRUE(std::ranges::equal(packet.payload.bytes(), jpeg));
  }
}

TEST_F(HttpSource, IsOpenedAgainAfterALossWithADiscontinuity) {
  const TcpSender server(multipart(2), Then::close, true);
  Source source(options(server), {}, kClock);
  std::int64_t last_us = 0;
  for (int round = 0; round < 3; ++round) {
    source.open();
    const Taken taken = take_from(source);
    EXPECT_EQ(taken.last, Pull::lost);
    EXPECT_EQ(taken.formats, round == 0 ? 1 : 0) << "the format is still the same";
    ASSERT_EQ(taken.packets.size(), 2U);
    EXPECT_EQ(taken.packets[0].discontinuity, round > 0);
    EXPECT_FALSE(taken.packets[1].discontinuity);
    EXPECT_GT(taken.packets[0].pts_us, last_us);
    last_us = taken.packets[1].pts_us;
    source.close();
  }
  EXPECT_EQ(source.stats().frames, 6U);
}

TEST_F(HttpSource, AServerThatFallsSilentIsLost) {
  const TcpSender server(multipart(3), Then::wait, true);
  auto asked = options(server);
  asked.stall_timeout = 100ms;
  Source source(asked, {}, kClock);
  source.open();
  const Taken taken = take_from(source);
  EXPECT_EQ(taken.last, Pull::lost);
  EXPECT_EQ(source.loss(), "no frames for 100ms");
  EXPECT_GE(taken.packets.size(), 2U) << "the last may still wait for what follows it";
}

TEST_F(HttpSource, AStopEndsTheWaitForAPicture) {
  const TcpSender server(multipart(3), Then::wait, true);
  Pipe stop = make_pipe();
  bool reading = false;
  Source source(options(server),
                {.stop_fd = stop.read_end.get(),
                 .alive =
                     [&] {
                       if (reading) stop.write_end.reset();  // it waits now
                     }},
                kClock);
  source.open();
  EXPECT_EQ(source.next(), Pull::format);
  reading = true;
  EXPECT_EQ(take_from(source).last, Pull::stopped);
}

TEST_F(HttpSource, ARefusalHasTheCodeThatFitsAndNoPassword) {
  struct Case {
    const char* status;
    ExitCode code;
    const char* why;
  };
  for (const Case& c : {
           Case{"401 Unauthorized", ExitCode::permission, "wrong user or password (401)"},
           Case{"403 Forbidden", ExitCode::permission, "forbidden for this user (403)"},
           Case{"404 Not Found", ExitCode::no_input, "there is no such stream (404)"},
           Case{"418 Teapot", ExitCode::protocol, "the server refuses the request"},
           Case{"503 Service Unavailable", ExitCode::unavailable, "the server reports an error of its own"},
           Case{"200 OK", ExitCode::bad_data, "what it sends is no stream"},
       }) {
    const TcpSender server(text(std::string("HTTP/1.0 ") + c.status +
                                "\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>"),
                           Then::close, true);
    Source source(options(server), {}, kClock);
    EXPECT_EQ(refusal(source), std::pair(c.code, source.name() + ": " + c.why)) << c.status;
    EXPECT_THAT(source.name(), Not(HasSubstr("geheim")));
  }
}

TEST_F(HttpSource, APeerThatIsNotThereOrSilentIsUnavailable) {
  const TcpSender silent({}, Then::wait, true);
  auto impatient = options(silent);
  impatient.connect_timeout = 100ms;
  Source source(impatient, {}, kClock);
  EXPECT_EQ(refusal(source), std::pair(ExitCode::unavailable, source.name() + ": no answer within 100ms"));
  std::string gone;
  {
    const TcpSender server({}, Then::close);
    gone = server.address();
  }
  Source nobody({.url = "http://" + gone + "/", .is_network = true}, {}, kClock);
  EXPECT_EQ(refusal(nobody), std::pair(ExitCode::unavailable, nobody.name() + ": Connection refused"));
}

TEST_F(HttpSource, LeadsNowhereButToTheNetwork) {
  const std::string secret = "file://" + ffmpeg::data_path("small.h264");
  const std::string playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n" + secret + "\n#EXT-X-ENDLIST\n";
  for (const std::string& answer :
       {"HTTP/1.0 302 Found\r\nLocation: " + secret + "\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Type: application/vnd.apple.mpegurl\r\nContent-Length: " +
            std::to_string(playlist.size()) + "\r\n\r\n" + playlist}) {
    const TcpSender server(text(answer), Then::close, true);
    Source source(options(server), {}, kClock);
    EXPECT_NE(refusal(source).first, ExitCode::ok) << answer;
  }
}

TEST_F(HttpSource, APeerThatSpeaksNoRtspBreaksTheProtocol) {
  const TcpSender server(text("SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n\r\n"), Then::close, true);
  Source source(options(server, "rtsp://"), {}, kClock);
  EXPECT_EQ(refusal(source).first, ExitCode::protocol) << refusal(source).second;
}

}  // namespace
}  // namespace campipe::capture::network
