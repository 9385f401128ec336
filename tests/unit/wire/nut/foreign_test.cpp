// NUT that others may write, and the rules behind times.
#include <gmock/gmock.h>

#include "wire/nut/headers.hpp"
#include "wire/nut/times.hpp"
#include "wire/wire_support.hpp"

namespace campipe::wire::test {
namespace {

using nut::ByteWriter;

constexpr unsigned kInFrame = nut::kCoded | nut::kStreamId | nut::kCodedPts | nut::kSizeMsb;

/// A foreign stream, header by header.
class Foreign {
public:
  unsigned version = 3;
  std::string_view elided;  ///< header 1, left out of frames that name it
  std::vector<std::string_view> tags{"Y800"};
  std::uint64_t time_base_den = 1000;

  Bytes start() const {
    ByteWriter out;
    out.raw(nut::kFileId);
    out.packet(nut::kMainStart, main());
    for (std::size_t i = 0; i < tags.size(); ++i) out.packet(nut::kStreamStart, stream(i));
    return taken(out);
  }

  static Bytes frame(unsigned coded, std::uint64_t stream, std::uint64_t pts, std::string_view payload,
                     int header = -1) {
    ByteWriter out;
    out.fixed(0, 1);
    out.v(coded);
    out.v(stream);
    out.v(pts + 128);
    out.v(payload.size());
    if (header >= 0) out.v(static_cast<std::uint64_t>(header));
    out.raw(payload);
    return taken(out);
  }

  static Bytes sync(std::uint64_t pts) {
    ByteWriter body;
    body.v(pts);
    body.v(0);
    ByteWriter out;
    out.packet(nut::kSyncStart, body);
    return taken(out);
  }

private:
  static Bytes taken(const ByteWriter& out) { return {out.bytes().begin(), out.bytes().end()}; }

  ByteWriter main() const {
    ByteWriter body;
    body.v(version);
    if (version > 3) body.v(0);
    body.v(tags.size());
    body.v(32767);
    body.v(1);
    body.v(1);
    body.v(time_base_den);
    for (const std::uint64_t field : {std::uint64_t{kInFrame}, std::uint64_t{6}}) body.v(field);
    body.s(0);
    for (const std::uint64_t field : {1, 0, 0, 0, 255}) body.v(field);
    body.v(elided.empty() ? 0 : 1);
    if (!elided.empty()) body.vb(elided);
    if (version > 3) body.v(0);
    return body;
  }

  ByteWriter stream(std::size_t id) const {
    ByteWriter body;
    body.v(id);
    body.v(tags[id].size() == 4 ? 0 : 1);  // a two-byte tag is audio here
    body.vb(tags[id]);
    for (const std::uint64_t field : {0, 7, 0, 0, 0, 0}) body.v(field);
    if (tags[id].size() == 4) {
      for (const std::uint64_t field : {4, 2, 0, 0, 0}) body.v(field);
    } else {
      for (const std::uint64_t field : {8000, 1, 1}) body.v(field);
    }
    return body;
  }
};

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

constexpr unsigned kFirst = nut::kKey;

std::string text(const media::Packet& packet) {
  const auto bytes = packet.payload.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(NutForeign, SideDataOfVersion4IsLeftOut) {
  Foreign foreign;
  foreign.version = 4;
  ByteWriter side;
  side.v(2);  // side data: a text and a number
  side.vb("Extradata");
  side.s(-1);
  side.vb("text");
  side.vb("x");
  side.s(17);
  side.v(1);  // meta data: bytes of some type
  side.vb("y");
  side.s(-2);
  side.vb("bin");
  side.vb("1234");
  std::string payload(reinterpret_cast<const char*>(side.bytes().data()), side.size());
  payload += "ABCDEFGH";
  const Read read = read_piped(
      foreign.start() + Foreign::sync(0) + Foreign::frame(kFirst | nut::kSideData, 0, 0, payload) +
      Foreign::frame(kFirst | nut::kSideData, 0, 1, "\xFF\xFF\xFF") + Foreign::frame(kFirst, 0, 2, "IJKLMNOP"));
  ASSERT_EQ(read.packets.size(), 2U);
  EXPECT_EQ(text(read.packets[0]), "ABCDEFGH");
  EXPECT_EQ(text(read.packets[1]), "IJKLMNOP");
  EXPECT_EQ(read.stats.dropped, 1U) << "broken side data";
}

TEST(NutForeign, ElidedBytesArePutBack) {
  Foreign foreign;
  foreign.elided = "ABC";
  ByteWriter head;
  head.fixed(0, 1);
  head.v(kFirst | nut::kHeaderIdx);
  head.v(0);
  head.v(128);
  head.v(8);  // the size of all
  head.v(1);
  head.raw("DEFGH");
  const Read read = read_piped(foreign.start() + Foreign::sync(0) + Bytes(head.bytes().begin(), head.bytes().end()) +
                               Foreign::frame(kFirst, 0, 1, "IJKLMNOP"));
  ASSERT_EQ(read.packets.size(), 2U);
  EXPECT_EQ(text(read.packets[0]), "ABCDEFGH");
}

TEST(NutForeign, TracksThatNobodyKnowsArePassedOver) {
  Foreign foreign;
  foreign.tags = {"Y800", std::string_view("\x06\0", 2), std::string_view("\x99\x99", 2)};
  const Read read = read_piped(foreign.start() + Foreign::sync(0) + Foreign::frame(kFirst, 0, 0, "ABCDEFGH") +
                               Foreign::frame(kFirst, 2, 0, std::string(100'000, 'N')) +
                               Foreign::frame(kFirst, 1, 0, "alaw") + Foreign::frame(kFirst, 0, 5, "IJKLMNOP"));
  EXPECT_EQ(read.video().size(), 2U);
  ASSERT_EQ(read.of(media::Track::audio).size(), 1U);
  EXPECT_EQ(read.formats[0].audio->codec, media::AudioCodec::pcm_alaw);
  EXPECT_EQ(read.stats.resyncs, 0U);
}

TEST(NutForeign, CodecsWeDoNotKnowAreToldByName) {
  Foreign foreign;
  foreign.tags = {"VP90"};
  EXPECT_THAT([&] { read_piped(foreign.start() + Foreign::sync(0) + Foreign::frame(kFirst, 0, 0, "x")); },
              ::testing::ThrowsMessage<Error>(
                  ::testing::StartsWith("stdin: its video has the codec tag VP90: campipe takes H.264")));
  foreign.tags = {std::string_view("\x06\0", 2)};
  EXPECT_THAT([&] { read_piped(foreign.start() + Foreign::sync(0) + Foreign::frame(kFirst, 0, 0, "x")); },
              ::testing::ThrowsMessage<Error>("stdin: the stream has no video track"));
}

TEST(NutForeign, PicturesOfTheWrongSizeAreLeftOut) {
  const Foreign foreign;
  const Read read = read_piped(foreign.start() + Foreign::sync(0) + Foreign::frame(kFirst, 0, 0, "ABCDEFG") +
                               Foreign::frame(kFirst, 0, 1, "ABCDEFGH"));
  EXPECT_EQ(read.packets.size(), 1U);
  EXPECT_EQ(read.stats.dropped, 1U);
}

TEST(NutForeign, AClockThatJumpsBackIsPutBehindWhatWas) {
  const Foreign foreign;
  const Read read = read_piped(foreign.start() + Foreign::sync(0) + Foreign::frame(kFirst, 0, 100'000, "ABCDEFGH") +
                               Foreign::frame(kFirst, 0, 100'040, "ABCDEFGH") +
                               Foreign::frame(kFirst, 0, 0, "ABCDEFGH") + Foreign::frame(kFirst, 0, 40, "ABCDEFGH"));
  ASSERT_EQ(read.packets.size(), 4U);
  EXPECT_EQ(read.packets[1].pts_us - read.packets[0].pts_us, 40'000);
  EXPECT_GT(read.packets[2].pts_us, read.packets[1].pts_us);
  EXPECT_TRUE(read.packets[2].discontinuity);
  EXPECT_EQ(read.packets[3].pts_us - read.packets[2].pts_us, 40'000);
}

TEST(NutForeign, TimesOutOfRangeAreDamage) {
  Foreign foreign;
  foreign.time_base_den = 1;
  const Read read =
      read_piped(foreign.start() + Foreign::sync(0) + Foreign::frame(kFirst, 0, std::uint64_t{1} << 61, "ABCDEFGH") +
                 Foreign::sync(1) + Foreign::frame(kFirst, 0, 1, "IJKLMNOP"));
  ASSERT_EQ(read.packets.size(), 1U);
  EXPECT_EQ(text(read.packets[0]), "IJKLMNOP");
}

TEST(NutForeign, AJpegThatWasCutOffIsRepairedAndMarked) {
  Foreign foreign;
  foreign.tags = {"MJPG"};
  const std::string jpeg = shell("ffmpeg -v error -f lavfi -i testsrc=s=64x48 -frames:v 1 -c:v mjpeg -f mjpeg -");
  const Read read =
      read_piped(foreign.start() + Foreign::sync(0) + Foreign::frame(kFirst, 0, 0, jpeg) +
                 Foreign::frame(kFirst, 0, 1, jpeg.substr(0, jpeg.size() - 30)) + Foreign::frame(kFirst, 0, 2, jpeg));
  ASSERT_EQ(read.packets.size(), 3U);
  EXPECT_FALSE(read.packets[0].corrupt);
  EXPECT_TRUE(read.packets[1].corrupt);
  EXPECT_TRUE(text(read.packets[1]).ends_with("\xFF\xD9"));
  EXPECT_FALSE(read.packets[2].corrupt);
}

/// H.264 slices in decoding order, B-frames among them, of which neither header nor parameter sets tell.
TEST(NutForeign, BFramesThatNobodyToldOfKeepTheirTimes) {
  constexpr std::array<int, 13> kShown{0, 160, 80, 40, 120, 320, 240, 200, 280, 480, 400, 360, 440};
  Foreign foreign;
  foreign.tags = {"H264"};
  Bytes bytes = foreign.start() + Foreign::sync(0);
  for (const int pts : kShown) {
    const std::string_view slice =
        pts == 0 ? std::string_view("\0\0\0\1\x65\x88\x84\x21", 8) : std::string_view("\0\0\0\1\x41\x9A\x24\x6C", 8);
    bytes = bytes + Foreign::frame(pts == 0 ? kFirst : 0, 0, static_cast<std::uint64_t>(pts), slice);
  }
  const Read read = read_piped(bytes);
  ASSERT_EQ(read.packets.size(), kShown.size());
  for (std::size_t i = 0; i < kShown.size(); ++i) {
    const media::Packet& packet = read.packets[i];
    EXPECT_EQ(packet.pts_us - read.packets[0].pts_us, kShown[i] * 1000) << i;
    EXPECT_FALSE(packet.discontinuity) << i;
    if (i > 0) {
      EXPECT_GT(media::decode_time_us(packet), media::decode_time_us(read.packets[i - 1])) << i;
    }
    if (i >= 5) {  // learned by then
      EXPECT_LE(media::decode_time_us(packet), packet.pts_us) << i;
    }
  }
}

TEST(DtsRule, GivesTheEarliestTimeNotYetTaken) {
  nut::DtsRule rule;
  rule.restart(2);
  std::vector<std::int64_t> dts;
  for (const std::int64_t pts : {1000, 1300, 1200, 1100, 1600, 1500, 1400}) dts.push_back(rule.next(pts, 100));
  EXPECT_THAT(dts, ::testing::ElementsAre(800, 900, 1000, 1100, 1200, 1300, 1400));
  rule.restart(0);
  EXPECT_EQ(rule.next(5000, 100), 5000);
}

TEST(NutNumbers, ComeBackTheSame) {
  for (const std::uint64_t value :
       {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, std::uint64_t{1} << 62, ~std::uint64_t{0}}) {
    ByteWriter out;
    out.v(value);
    nut::ByteReader in(out.bytes());
    EXPECT_EQ(in.v(), value);
    EXPECT_TRUE(in.ok());
  }
  for (const std::int64_t value :
       {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}, std::int64_t{1} << 60, -(std::int64_t{1} << 60)}) {
    EXPECT_EQ(nut::unfold(nut::fold(value)), value);
  }
  EXPECT_EQ(nut::fold(1), 1U);
  EXPECT_EQ(nut::fold(-1), 2U);
}

}  // namespace
}  // namespace campipe::wire::test
