#include "wire/wire_support.hpp"

namespace campipe::wire::test {
namespace {

using media::ColourMatrix;
using media::ColourRange;
using media::Packet;
using media::PixelFormat;
using media::StreamFormat;

StreamFormat small_raw() {
  StreamFormat format = raw_format(PixelFormat::yuyv422, {32, 16});
  format.video.range = ColourRange::full;
  format.video.matrix = ColourMatrix::bt709;
  format.clock = StreamClock{1'795'226'522'000'000, 4'900'000'000, "11112222-3333-4444-5555-666677778888"};
  return format;
}

TEST(NutRoundTrip, KeepsFormatTimesAndBytes) {
  const StreamFormat format = small_raw();
  auto packets = raw_packets(format, 100);
  packets[3].captured_ns.reset();
  packets[4].sequence.reset();
  packets[5].corrupt = true;
  packets[6].discontinuity = true;
  const Read read = read_piped(written(format, packets));
  ASSERT_EQ(read.formats.size(), 1U);
  EXPECT_EQ(read.formats[0], format);
  ASSERT_EQ(read.packets.size(), packets.size());
  for (std::size_t i = 0; i < packets.size(); ++i) {
    EXPECT_EQ(read.packets[i].pts_us, packets[i].pts_us);
    EXPECT_EQ(read.packets[i].captured_ns, packets[i].captured_ns) << i;
    EXPECT_EQ(read.packets[i].sequence, packets[i].sequence) << i;
    EXPECT_EQ(read.packets[i].corrupt, packets[i].corrupt);
    EXPECT_EQ(read.packets[i].discontinuity, packets[i].discontinuity);
    EXPECT_TRUE(read.packets[i].keyframe);
    EXPECT_TRUE(same_bytes(read.packets[i].payload.bytes(), packets[i].payload.bytes()));
  }
  EXPECT_FALSE(read.stats.truncated);
  EXPECT_EQ(read.stats.resyncs, 0U);
  EXPECT_EQ(read.stats.dropped, 0U);
}

}  // namespace
}  // namespace campipe::wire::test
