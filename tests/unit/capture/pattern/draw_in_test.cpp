#include <gtest/gtest.h>
#include <linux/videodev2.h>

#include "capture/pattern/source.hpp"
#include "capture/v4l2/tight_picture.hpp"
#include "wire/shm/reader.hpp"
#include "wire/shm/ring_support.hpp"
#include "wire/shm/writer.hpp"

namespace campipe::capture {
namespace {

using wire::test::mapped_at;

struct Ring {
  wire::shm::Writer writer{{.name = "drawn"}};
  wire::shm::Reader reader{"drawn", {}};

  media::BufferSource rooms() {
    return [this](std::size_t bytes) { return writer.room(bytes); };
  }
  media::Payload read() {
    while (reader.next() != wire::stream::Pull::packet) {
    }
    return std::move(reader.packet().payload);
  }
};

/// The picture that a reader has lies where it was drawn.
void expect_same_place(const media::Payload& read, const media::Payload& drawn) {
  const auto there = mapped_at(read.data()), here = mapped_at(drawn.data());
  ASSERT_TRUE(there);
  ASSERT_TRUE(here);
  EXPECT_NE(here->file.find("campipe.drawn"), std::string::npos) << here->file;
  EXPECT_EQ(there->file, here->file);
  EXPECT_EQ(there->offset, here->offset);
}

TEST(DrawIn, ThePatternIsDrawnInTheRingAndNotCopied) {
  Ring ring;
  pattern::Source source({.size = {64, 64}, .rate = {1000, 1}}, {}, StreamClock::now());
  source.draw_in(ring.rooms());
  source.open();
  ASSERT_EQ(source.next(), Pull::format);
  ring.writer.set_format(source.format());
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(source.next(), Pull::packet);
    ring.writer.write(source.packet());
    const media::Payload read = ring.read();
    expect_same_place(read, source.packet().payload);
    EXPECT_TRUE(std::ranges::equal(read.bytes(), source.packet().payload.bytes()));
  }
  source.draw_in({});
}

TEST(DrawIn, TheCopyOutOfADriversBufferGoesIntoTheRing) {
  Ring ring;
  constexpr int kWidth = 6, kHeight = 4;
  constexpr std::size_t kStride = 8;
  std::vector<std::byte> driver(kStride * kHeight * 2, std::byte{7});
  const v4l2::DeviceFormat* const format = v4l2::find_device_format(V4L2_PIX_FMT_GREY);
  ASSERT_NE(format, nullptr);
  media::StreamFormat stream;
  stream.video = {.codec = media::VideoCodec::raw, .pixel_format = format->pixel_format, .size = {kWidth, kHeight}};
  ring.writer.set_format(stream);
  media::BufferPool pool;
  pool.set_source(ring.rooms());
  media::Packet packet;
  packet.payload = *v4l2::tight_copy({*format, {kWidth, kHeight}, {kStride}, {driver}}, pool);
  ring.writer.write(packet);
  expect_same_place(ring.read(), packet.payload);
}

TEST(DrawIn, ARoomThatIsTooSmallIsLeftForMemoryOfItsOwn) {
  std::vector<std::byte> lent(8, std::byte{1});
  auto owner = std::make_shared<int>(0);
  const std::weak_ptr<int> still(owner);
  media::Buffer buffer(lent, std::move(owner));
  buffer.resize(4);
  EXPECT_EQ(buffer.data(), lent.data());
  buffer.resize(100);
  EXPECT_NE(buffer.data(), lent.data());
  EXPECT_EQ(buffer.data()[3], std::byte{1});
  EXPECT_TRUE(still.expired());
  media::Buffer moved(std::move(buffer));
  EXPECT_EQ(moved.size(), 100U);
  EXPECT_EQ(buffer.size(), 0U);
}

}  // namespace
}  // namespace campipe::capture
