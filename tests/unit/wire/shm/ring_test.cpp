#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include "ring/kernel/names.hpp"
#include "ring/survey.hpp"
#include "wire/open.hpp"
#include "wire/queue/packet_output.hpp"
#include "wire/shm/format.hpp"
#include "wire/shm/reader.hpp"
#include "wire/shm/ring_support.hpp"
#include "wire/shm/writer.hpp"
#include "wire/wire_support.hpp"

namespace campipe::wire::test {
namespace {

using media::Packet;
using media::PixelFormat;
using media::StreamFormat;
using media::VideoCodec;

/// Both ends of a ring whose name is the test's.
class Ring : public ::testing::Test {
protected:
  std::string name(const char* suffix = "") const {
    return std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()) + suffix;
  }
  std::unique_ptr<shm::Writer> writer(ring::write::Writer::Options options = {}) const {
    options.name = name();
    return std::make_unique<shm::Writer>(std::move(options));
  }
  /// One that gives up when nothing comes for long.
  std::unique_ptr<shm::Reader> reader(stream::ReadOptions options = {}) {
    if (options.stop_fd < 0) options.stop_fd = limit_.get();
    return std::make_unique<shm::Reader>(name(), std::move(options));
  }

private:
  Fd limit_ = [] {
    constexpr itimerspec kLong{.it_interval = {}, .it_value = {.tv_sec = 30, .tv_nsec = 0}};
    Fd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
    EXPECT_EQ(::timerfd_settime(timer.get(), 0, &kLong, nullptr), 0);
    return timer;
  }();
};

StreamFormat picture_format() {
  StreamFormat format = raw_format(PixelFormat::yuv420p, {64, 48});
  format.clock = StreamClock::now();
  return format;
}

StreamFormat coded_format(VideoCodec codec) {
  StreamFormat format;
  format.video.codec = codec;
  format.video.size = {640, 360};
  format.video.frame_rate = {30, 1};
  format.clock = StreamClock::now();
  return format;
}

Packet unit(std::uint64_t number, bool key, std::size_t bytes = 1000) {
  Packet packet;
  packet.pts_us = 1'795'226'522'100'179 + static_cast<std::int64_t>(number) * 33'333;
  packet.sequence = number;
  packet.keyframe = key;
  packet.payload = pattern(bytes, static_cast<unsigned>(number));
  return packet;
}

/// The next packet, which must be there; formats before it are passed over.
Packet take(stream::Reader& reader) {
  for (;;) {
    const stream::Pull pull = reader.next();
    if (pull == stream::Pull::packet) return std::move(reader.packet());
    if (pull != stream::Pull::format) {
      ADD_FAILURE() << "no packet came";
      return {};
    }
  }
}

void expect_same(const Packet& got, const Packet& sent) {
  EXPECT_EQ(got.track, sent.track);
  EXPECT_EQ(got.pts_us, sent.pts_us);
  EXPECT_EQ(got.dts_us, sent.dts_us);
  EXPECT_EQ(got.captured_ns, sent.captured_ns);
  EXPECT_EQ(got.sequence, sent.sequence);
  EXPECT_EQ(got.keyframe, sent.keyframe);
  EXPECT_EQ(got.corrupt, sent.corrupt);
  EXPECT_EQ(got.discontinuity, sent.discontinuity);
  EXPECT_TRUE(same_bytes(got.payload.bytes(), sent.payload.bytes()));
}

TEST(RingFormat, ComesBackAsItWas) {
  std::vector<StreamFormat> formats;
  for (const PixelFormat pixels : {PixelFormat::yuv420p, PixelFormat::yuyv422, PixelFormat::nv12, PixelFormat::bgr24,
                                   PixelFormat::gray16le, PixelFormat::rgb565le}) {
    formats.push_back(raw_format(pixels, {641, 359}));
  }
  for (const VideoCodec codec : {VideoCodec::mjpeg, VideoCodec::h264, VideoCodec::h265}) {
    StreamFormat format = coded_format(codec);
    format.video.frame_rate = {30000, 1001};
    format.video.range = media::ColourRange::limited;
    format.video.matrix = media::ColourMatrix::bt709;
    if (codec != VideoCodec::mjpeg) format.video.parameter_sets = bytes_of("sets");
    formats.push_back(format);
    for (const auto audio : {media::AudioCodec::aac, media::AudioCodec::pcm_alaw, media::AudioCodec::pcm_mulaw,
                             media::AudioCodec::opus, media::AudioCodec::mp3, media::AudioCodec::pcm_s16le}) {
      format.audio = media::AudioFormat{audio, 48000, 2, bytes_of("config")};
      formats.push_back(format);
    }
  }
  for (const StreamFormat& format : formats) {
    ring::layout::Format told;
    ASSERT_TRUE(ring::layout::from_fields(ring::layout::to_fields(shm::to_ring(format, "shm:x")), told))
        << media::describe(format);
    EXPECT_EQ(shm::from_ring(told, "shm:x"), format) << media::describe(format);
  }
}

TEST(RingFormat, RefusesPicturesWithoutASizeAndPixelsNobodyKnows) {
  EXPECT_THROW(shm::to_ring(raw_format(PixelFormat::none, {64, 48}), "shm:x"), Error);
  EXPECT_THROW(shm::to_ring(raw_format(PixelFormat::yuv420p, {0, 0}), "shm:x"), Error);
  EXPECT_THROW(shm::to_ring(raw_format(PixelFormat::gray, {16400, 2}), "shm:x"), Error);
  ring::layout::Format strange = shm::to_ring(picture_format(), "shm:x");
  strange.pixel_format = "p010le";
  EXPECT_THROW(shm::from_ring(strange, "shm:x"), Error);
}

TEST(RingFormat, LeavesOutWhatARingHasNoPlaceFor) {
  StreamFormat format = picture_format();
  format.audio = media::AudioFormat{media::AudioCodec::aac, 48000, 2, {}};
  format.video.frame_rate = {std::int64_t{1} << 40, 1};
  format.clock->boot_id = std::string(60, 'x');
  const StreamFormat back = shm::from_ring(shm::to_ring(format, "shm:x"), "shm:x");
  EXPECT_FALSE(back.audio);
  EXPECT_FALSE(back.clock);
  EXPECT_FALSE(back.video.frame_rate);
}

TEST(RingFormat, AClockThatWouldOverflowIsNone) {
  ring::layout::Format format = shm::to_ring(picture_format(), "shm:x");
  for (const std::int64_t value :
       {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    format.anchor_monotonic_ns = value;
    EXPECT_FALSE(shm::from_ring(format, "shm:x").clock);
  }
}

TEST_F(Ring, PicturesComeThroughExactly) {
  const auto out = writer();
  const auto in = reader();
  const StreamFormat format = picture_format();
  out->set_format(format);
  auto sent = raw_packets(format, 3);
  sent[1].corrupt = true;
  sent[2].discontinuity = true;
  sent[2].captured_ns.reset();
  sent[2].sequence.reset();
  out->write(sent[0]);
  ASSERT_EQ(in->next(), stream::Pull::format);
  EXPECT_EQ(in->format(), format);
  out->write(sent[1]);
  out->write(sent[2]);
  for (const Packet& packet : sent) expect_same(take(*in), packet);
  EXPECT_EQ(in->stats().packets, 3U);
  EXPECT_EQ(in->stats().dropped + in->stats().gaps, 0U);
  EXPECT_EQ(out->packets(), 3U);
  EXPECT_EQ(out->bytes(), 3U * sent[0].payload.size());
}

TEST_F(Ring, AReaderHasThePictureWhereItLies) {
  const auto out = writer();
  const auto in = reader();
  out->set_format(picture_format());
  out->write(raw_packets(picture_format(), 1)[0]);
  const Packet packet = take(*in);
  const auto place = mapped_at(packet.payload.data());
  ASSERT_TRUE(place);
  EXPECT_NE(place->file.find("campipe." + name()), std::string::npos) << place->file;
  EXPECT_FALSE(place->writable);
}

TEST_F(Ring, APictureDrawnInItsRoomIsNotCopied) {
  const auto out = writer();
  const auto in = reader();
  const StreamFormat format = picture_format();
  media::BufferPool pool;
  pool.set_source([&](std::size_t bytes) { return out->room(bytes); });
  auto packets = raw_packets(format, 40);
  EXPECT_EQ(out->room(packets[0].payload.size()), nullptr) << "no ring yet";
  out->set_format(format);
  for (Packet& packet : packets) {
    auto buffer = pool.get(packet.payload.size());
    std::ranges::copy(packet.payload.bytes(), buffer->data());
    const auto drawn = mapped_at(buffer->data());
    ASSERT_TRUE(drawn);
    packet.payload = media::BufferPool::seal(std::move(buffer));
    out->write(packet);
    const Packet got = take(*in);
    expect_same(got, packet);
    const auto read = mapped_at(got.payload.data());
    ASSERT_TRUE(read);
    EXPECT_EQ(read->offset, drawn->offset) << "another place of the ring: it was copied";
    EXPECT_EQ(read->file, drawn->file);
    packet.payload = {};
  }
}

TEST_F(Ring, WhoHoldsManyRoomsGetsMemoryElsewhereAndNothingIsDropped) {
  const auto out = writer();
  const auto in = reader();
  const StreamFormat format = picture_format();
  out->set_format(format);
  media::BufferPool pool;
  pool.set_source([&](std::size_t bytes) { return out->room(bytes); });
  std::vector<media::Payload> held;
  int in_place = 0;
  for (const Packet& sent : raw_packets(format, 20)) {
    Packet packet = sent;
    auto buffer = pool.get(packet.payload.size());
    const auto place = mapped_at(buffer->data());
    if (place && place->file.find(name()) != std::string::npos) ++in_place;
    std::ranges::copy(sent.payload.bytes(), buffer->data());
    packet.payload = media::BufferPool::seal(std::move(buffer));
    held.push_back(packet.payload);
    out->write(packet);
    expect_same(take(*in), sent);
  }
  EXPECT_EQ(in_place, 2);
  EXPECT_EQ(out->dropped(), 0U);
}

TEST_F(Ring, PaddedPlanesComeOutTight) {
  ring::write::Writer out({.name = name()});
  const auto in = reader();
  const StreamFormat format = raw_format(PixelFormat::yuv420p, {6, 4});
  out.set_format(shm::to_ring(format, "shm:x"));
  Bytes padded(1000, std::byte{0xEE});
  ring::layout::UnitInfo info{.planes = 3, .plane = {{{16, 32}, {200, 8}, {300, 16}}}};
  Bytes tight;
  for (std::size_t p = 0; p < 3; ++p) {
    const std::size_t rows = p == 0 ? 4 : 2, row = p == 0 ? 6 : 3;
    for (std::size_t y = 0; y < rows; ++y) {
      for (std::size_t x = 0; x < row; ++x) {
        const auto value = static_cast<std::byte>(p * 64 + y * 8 + x);
        padded[info.plane[p].offset + y * info.plane[p].stride_bytes + x] = value;
        tight.push_back(value);
      }
    }
  }
  ASSERT_TRUE(out.publish(info, padded));
  EXPECT_TRUE(same_bytes(take(*in).payload.bytes(), tight));
}

TEST_F(Ring, WhatIsNoPictureIsLeftOutAndCounted) {
  ring::write::Writer out({.name = name()});
  const auto in = reader();
  const StreamFormat format = raw_format(PixelFormat::yuv420p, {64, 48});
  out.set_format(shm::to_ring(format, "shm:x"));
  const Bytes whole(64 * 48 * 3 / 2);
  const auto good = [&] { ASSERT_TRUE(out.publish({.pts_us = 1}, whole)); };
  good();
  EXPECT_FALSE(take(*in).discontinuity);
  const std::vector<ring::layout::UnitInfo> bad{
      {.planes = 2, .plane = {{{0, 64}, {3072, 32}}}},
      {.planes = 3, .plane = {{{0, 64}, {3072, 32}, {0xFFFF'FFFF, 32}}}},
      {.planes = 3, .plane = {{{0, 64}, {3072, 31}, {3840, 32}}}},
      {.planes = 3, .plane = {{{0, 0xFFFF'FFFF}, {3072, 32}, {3840, 32}}}},
      {.planes = 3, .plane = {{{0, 64}, {3072, 32}, {3841, 32}}}},
      {.pts_us = std::numeric_limits<std::int64_t>::min()},
      {.captured_ns = std::numeric_limits<std::int64_t>::max(), .flags = ring::layout::kHasCapture},
  };
  std::uint64_t dropped = 0;
  for (const ring::layout::UnitInfo& info : bad) {
    ASSERT_TRUE(out.publish(info, whole));
    good();
    EXPECT_TRUE(take(*in).discontinuity);
    EXPECT_EQ(in->stats().dropped, ++dropped);
  }
  ASSERT_TRUE(out.publish({}, std::span(whole).first(100)));
  good();
  take(*in);
  EXPECT_EQ(in->stats().dropped, ++dropped);
}

TEST_F(Ring, CodedVideoAndSoundComeThroughExactly) {
  const auto out = writer();
  const auto in = reader();
  StreamFormat format = coded_format(VideoCodec::h264);
  format.audio = media::AudioFormat{media::AudioCodec::aac, 48000, 2, bytes_of("config")};
  out->set_format(format);
  std::vector<Packet> sent;
  for (std::uint64_t i = 0; i < 10; ++i) {
    sent.push_back(unit(i, i % 5 == 0));
    sent.back().dts_us = sent.back().pts_us - 40'000;
    sent.push_back(unit(i, true, 200));
    sent.back().track = media::Track::audio;
    sent.back().sequence.reset();
  }
  out->write(sent[0]);
  ASSERT_EQ(in->next(), stream::Pull::format);
  EXPECT_EQ(in->format(), format);
  for (std::size_t i = 1; i < sent.size(); ++i) out->write(sent[i]);
  for (const Packet& packet : sent) expect_same(take(*in), packet);
  EXPECT_EQ(in->stats().packets, 10U);
  EXPECT_EQ(in->stats().audio_packets, 10U);
  EXPECT_EQ(in->stats().gaps + in->stats().dropped, 0U);
}

TEST_F(Ring, CodedVideoBeginsWithAKeyframe) {
  const auto out = writer();
  const auto in = reader();
  out->set_format(coded_format(VideoCodec::h264));
  for (std::uint64_t i = 0; i < 6; ++i) out->write(unit(i, i == 3));
  EXPECT_EQ(take(*in).sequence, 3U);
  EXPECT_EQ(out->packets(), 3U);
  EXPECT_EQ(out->dropped(), 3U);
}

TEST_F(Ring, WhoJoinsLateBeginsWithTheLastKeyframe) {
  const auto out = writer();
  out->set_format(coded_format(VideoCodec::h264));
  for (std::uint64_t i = 0; i < 18; ++i) out->write(unit(i, i % 5 == 0));
  const auto in = reader();
  EXPECT_EQ(take(*in).sequence, 15U);
  EXPECT_EQ(take(*in).sequence, 16U);
}

TEST_F(Ring, AfterLostUnitsVideoGoesOnWithAKeyframeAndAllAreCounted) {
  const auto out = writer({.arena_bytes = 1 << 20});
  const auto in = reader();
  out->set_format(coded_format(VideoCodec::h264));
  out->write(unit(0, true));
  EXPECT_EQ(take(*in).sequence, 0U);
  constexpr std::uint64_t kUnits = 45;  // of which the arena holds ten
  for (std::uint64_t i = 1; i <= kUnits; ++i) {
    Packet packet = unit(i, i == 41, 100'000);
    if (i > 20) *packet.sequence += 2;  // two lost before us
    out->write(packet);
  }
  const Packet key = take(*in);
  EXPECT_EQ(key.sequence, 43U);
  EXPECT_TRUE(key.keyframe);
  EXPECT_TRUE(key.discontinuity);
  EXPECT_FALSE(take(*in).discontinuity);
  // What was left out here and what was lost before us are told apart as far as the ring knows.
  EXPECT_EQ(in->stats().dropped + in->stats().gaps, 42U);
  EXPECT_GE(in->stats().dropped, 40U);
}

TEST_F(Ring, ParameterSetsOfAKeyframeAreTold) {
  const auto out = writer();
  const auto in = reader();
  out->set_format(coded_format(VideoCodec::h264));
  constexpr std::array<unsigned char, 24> kKey{0,    0,    0,    1,    0x67, 0x42, 0xC0, 0x1E, 0,    0,    0,    1,
                                               0x68, 0xCE, 0x38, 0x80, 0,    0,    0,    1,    0x65, 0x88, 0x84, 0};
  Packet packet = unit(0, true);
  packet.payload = media::Payload::copy_of(std::as_bytes(std::span(kKey)));
  out->write(packet);
  ASSERT_EQ(in->next(), stream::Pull::format);
  ASSERT_EQ(in->next(), stream::Pull::format);
  EXPECT_TRUE(same_bytes(in->format().video.parameter_sets, std::as_bytes(std::span(kKey).first(16))));
  ASSERT_EQ(in->next(), stream::Pull::packet);
  expect_same(in->packet(), packet);
}

TEST_F(Ring, ReadersOutliveTheirWriterAndTheClockGoesOn) {
  const auto in = reader();
  const StreamFormat format = coded_format(VideoCodec::h264);
  {
    const auto first = writer();
    EXPECT_FALSE(first->inherited());
    first->set_format(format);
    first->write(unit(0, true));
    ASSERT_EQ(in->next(), stream::Pull::format);
    EXPECT_FALSE(take(*in).discontinuity);
    first->write(unit(1, false));
    take(*in);
  }
  const auto second = writer();
  ASSERT_TRUE(second->inherited());
  EXPECT_EQ(second->inherited()->clock, format.clock);
  EXPECT_EQ(second->inherited()->newest_pts_us, unit(1, false).pts_us);
  second->set_format(format);
  second->write(unit(10, false));
  second->write(unit(11, true));
  second->write(unit(12, false));
  ASSERT_EQ(in->next(), stream::Pull::packet) << "the same format is not told again";
  EXPECT_EQ(in->packet().sequence, 11U);
  EXPECT_TRUE(in->packet().discontinuity);
  const Packet next = take(*in);
  EXPECT_EQ(next.sequence, 12U);
  EXPECT_FALSE(next.discontinuity);
}

TEST_F(Ring, ABiggerPictureIsFollowed) {
  const auto out = writer();
  const auto in = reader();
  const StreamFormat small = raw_format(PixelFormat::gray, {32, 32}), big = raw_format(PixelFormat::bgr24, {640, 360});
  out->set_format(small);
  const auto first = raw_packets(small, 1)[0];
  out->write(first);
  expect_same(take(*in), first);
  out->set_format(big);
  const auto second = raw_packets(big, 1, first.pts_us + 1)[0];
  out->write(second);
  ASSERT_EQ(in->next(), stream::Pull::format);
  EXPECT_EQ(in->format(), big);
  expect_same(take(*in), second);
}

TEST_F(Ring, OnChangeExitRefusesAnotherPicture) {
  const auto out = writer();
  const auto in = reader({.on_change = stream::OnChange::exit});
  const StreamFormat small = raw_format(PixelFormat::gray, {32, 32}), big = raw_format(PixelFormat::gray, {64, 64});
  out->set_format(small);
  out->write(raw_packets(small, 1)[0]);
  take(*in);
  out->set_format(big);
  out->write(raw_packets(big, 1)[0]);
  EXPECT_THROW(in->next(), Error);
}

TEST_F(Ring, ASlowReaderOfLivePicturesCatchesUpInOrderWhileTheRingHasThem) {
  const auto out = writer();
  const auto in = reader({.delivery = stream::Delivery::live_pictures});
  const auto sent = raw_packets(picture_format(), 7);
  out->set_format(picture_format());
  out->write(sent[0]);
  expect_same(take(*in), sent[0]);
  for (std::size_t i = 1; i < 7; ++i) out->write(sent[i]);
  for (std::size_t i = 1; i < 7; ++i) expect_same(take(*in), sent[i]);
  EXPECT_EQ(in->stats().dropped, 0U);
}

TEST_F(Ring, OneThatIsLaterThanTheRingHoldsGoesOnWithTheNewest) {
  const auto out = writer();
  const auto in = reader({.delivery = stream::Delivery::live_pictures});
  const auto sent = raw_packets(picture_format(), 12);
  out->set_format(picture_format());
  out->write(sent[0]);
  expect_same(take(*in), sent[0]);
  for (std::size_t i = 1; i < 12; ++i) out->write(sent[i]);
  const Packet newest = take(*in);
  EXPECT_EQ(newest.sequence, 11U);
  EXPECT_TRUE(newest.discontinuity);
  EXPECT_EQ(in->stats().dropped, 10U);
  EXPECT_EQ(in->stats().gaps, 0U);
}

/// What the reader hears of the source, and the packets of `frames` frames between.
struct Heard {
  std::vector<SourceStatus> statuses;
  stream::ReadOptions options() {
    stream::ReadOptions read;
    read.on_source = [this](const SourceStatus& status) { statuses.push_back(status); };
    return read;
  }
};

TEST_F(Ring, TellsWhatTheSourceDoes) {
  Heard heard;
  const auto out = writer();
  const auto in = reader(heard.options());
  out->set_source(source_status(SourceState::running));
  out->set_format(coded_format(VideoCodec::mjpeg));
  out->write(unit(0, true));
  EXPECT_EQ(take(*in).sequence, 0U);
  ASSERT_EQ(heard.statuses.size(), 1U);
  EXPECT_EQ(heard.statuses[0].state, SourceState::running);
  const SourceStatus lost = source_status(SourceState::lost, "Connection refused");
  out->set_source(lost);
  out->write(unit(1, true));
  EXPECT_EQ(take(*in).sequence, 1U);
  ASSERT_EQ(heard.statuses.size(), 2U);
  EXPECT_EQ(heard.statuses[1], lost);
}

TEST_F(Ring, ANewWriterThatSaysNothingReadsAsUnknown) {
  Heard heard;
  auto out = writer();
  const auto in = reader(heard.options());
  out->set_source(source_status(SourceState::lost, "unplugged"));
  out->set_format(coded_format(VideoCodec::mjpeg));
  out->write(unit(0, true));
  take(*in);
  EXPECT_EQ(heard.statuses.back().reason, "unplugged");
  out.reset();
  out = writer();
  out->set_format(coded_format(VideoCodec::mjpeg));
  out->write(unit(1, true));
  take(*in);
  EXPECT_EQ(heard.statuses.back(), SourceStatus{});
}

TEST_F(Ring, ANextWriterTellsBeforeItsFirstFrame) {
  Heard heard;
  auto out = writer();
  const auto in = reader(heard.options());
  out->set_format(coded_format(VideoCodec::mjpeg));
  out->write(unit(0, true));
  take(*in);
  out.reset();
  out = writer();
  out->set_source(source_status(SourceState::lost, "no such device"));
  ring::read::Reader looker({.name = name(), .want = false});
  auto event = looker.next(5000);
  while (event == ring::read::Event::format || event == ring::read::Event::unit) event = looker.next(5000);
  EXPECT_EQ(event, ring::read::Event::source);
  EXPECT_EQ(looker.source().reason, "no such device");
  const auto late = reader(heard.options());
  out->set_source(source_status(SourceState::running));
  out->set_format(coded_format(VideoCodec::mjpeg));
  out->write(unit(1, true));
  EXPECT_EQ(take(*late).sequence, 0U);
  EXPECT_EQ(take(*late).sequence, 1U);
  EXPECT_EQ(heard.statuses.back().state, SourceState::running);
}

TEST_F(Ring, WhatARestDidNotMakeIsNotMissing) {
  Heard heard;
  const auto out = writer();
  const auto in = reader(heard.options());
  out->set_format(coded_format(VideoCodec::mjpeg));
  out->write(unit(0, true));
  take(*in);
  out->set_source(source_status(SourceState::resting));
  out->set_source(source_status(SourceState::running));
  Packet woken = unit(140, true);
  woken.discontinuity = true;
  out->write(woken);
  EXPECT_EQ(take(*in).sequence, 140U);
  EXPECT_EQ(in->stats().gaps + in->stats().dropped, 0U);
  Packet gap = unit(150, true);
  gap.discontinuity = true;
  out->write(gap);
  take(*in);
  EXPECT_EQ(in->stats().gaps, 9U) << "without a rest it is a loss";
}

TEST_F(Ring, NamesThatWereTakenAwayAreMadeAnew) {
  const auto out = writer();
  const auto in = reader({});
  out->set_format(coded_format(VideoCodec::mjpeg));
  out->write(unit(0, true));
  EXPECT_EQ(take(*in).sequence, 0U);
  ring::remove(name(), true);
  std::uint64_t number = 1;
  const auto there = [&] { return ::access(ring::kernel::object_path(name()).c_str(), F_OK) == 0; };
  for (const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
       !there() && std::chrono::steady_clock::now() < until; ++number) {
    out->write(unit(number, true));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ASSERT_TRUE(there());
  const auto late = reader({});
  out->write(unit(number, true));
  std::uint64_t late_last = 0;
  while (late_last < number) late_last = take(*late).sequence.value_or(0);  // fails the test when nothing comes
  EXPECT_EQ(late->stats().dropped + late->stats().gaps, 0U) << "who comes now finds it";
  std::uint64_t last = 0;
  while (last < number) last = take(*in).sequence.value_or(0);
  EXPECT_EQ(in->stats().dropped + in->stats().gaps, 0U) << "and who was there has lost nothing";
}

TEST_F(Ring, LivePicturesSkipNoCodedVideo) {
  const auto out = writer();
  const auto in = reader({.delivery = stream::Delivery::live_pictures});
  out->set_format(coded_format(VideoCodec::mjpeg));
  out->write(unit(0, true));
  EXPECT_EQ(take(*in).sequence, 0U);
  for (std::uint64_t i = 1; i < 6; ++i) out->write(unit(i, true));
  for (std::uint64_t i = 1; i < 6; ++i) EXPECT_EQ(take(*in).sequence, i);
}

TEST_F(Ring, AStopEndsTheWaitForARingThatNobodyHasMade) {
  const Fd stop(::eventfd(0, EFD_CLOEXEC));
  std::vector<bool> waiting;
  const auto in = reader({.stop_fd = stop.get(), .on_waiting = [&](bool now) {
                            waiting.push_back(now);
                            const std::uint64_t one = 1;
                            ASSERT_EQ(::write(stop.get(), &one, sizeof one), 8);
                          }});
  EXPECT_EQ(in->next(), stream::Pull::stopped);
  EXPECT_EQ(in->next(), stream::Pull::stopped);
  EXPECT_EQ(waiting, std::vector{true});
}

TEST_F(Ring, AStopEndsTheWaitForTheNextPicture) {
  const Fd stop(::eventfd(0, EFD_CLOEXEC));
  const auto out = writer();
  out->set_format(picture_format());
  const auto in = reader({.stop_fd = stop.get()});
  out->write(raw_packets(picture_format(), 1)[0]);
  take(*in);
  std::thread stopper([&] {
    const std::uint64_t one = 1;
    ASSERT_EQ(::write(stop.get(), &one, sizeof one), 8);
  });
  EXPECT_EQ(in->next(), stream::Pull::stopped);
  stopper.join();
}

TEST_F(Ring, AReaderThatWasFirstGetsTheFirstPicture) {
  std::vector<bool> waiting;
  std::thread maker;
  const auto sent = raw_packets(picture_format(), 1)[0];
  std::unique_ptr<shm::Writer> out;
  const auto in = reader({.on_waiting = [&](bool now) {
    waiting.push_back(now);
    if (!now) return;
    maker = std::thread([&] {
      out = writer();
      out->set_format(picture_format());
      out->write(sent);
    });
  }});
  expect_same(take(*in), sent);
  maker.join();
  EXPECT_EQ(waiting, (std::vector{true, false}));
}

TEST_F(Ring, ASecondWriterIsRefused) {
  const auto out = writer();
  try {
    writer();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::try_again) << error.what();
  }
}

TEST_F(Ring, WishesReachTheWriter) {
  const auto out = writer();
  out->set_format(coded_format(VideoCodec::h264));
  out->write(unit(0, true));
  const auto in = reader({.want = false});
  take(*in);
  EXPECT_FALSE(out->ring()->wanted());
  in->set_wanted(true);
  EXPECT_TRUE(out->ring()->wanted());
  EXPECT_FALSE(out->ring()->keyframe_wanted());
  in->request_keyframe();
  EXPECT_TRUE(out->ring()->keyframe_wanted());
}

TEST_F(Ring, AnOutputToARingWritesAtOnceAndTellsWhatItWrote) {
  const auto in = reader();
  const auto out = queue::make_output(writer(), "shm:x", true);
  out->set_format(picture_format());
  for (const Packet& packet : raw_packets(picture_format(), 2)) {
    out->offer(packet);
    expect_same(take(*in), packet);
  }
  EXPECT_EQ(out->stats().packets, 2U);
  EXPECT_FALSE(out->stats().closed);
  EXPECT_NE(out->room(64 * 48 * 3 / 2), nullptr);
  EXPECT_TRUE(out->finish(0));
}

TEST_F(Ring, AnOutputThatCannotGoOnIsClosedAndSaysWhyAtItsEnd) {
  const auto out = queue::make_output(writer(), "shm:x", true);
  out->set_format(raw_format(PixelFormat::none, {64, 48}));
  EXPECT_TRUE(out->stats().closed);
  out->offer(unit(0, true));
  EXPECT_EQ(out->room(100), nullptr);
  EXPECT_THROW(out->finish(0), Error);
}

TEST_F(Ring, IsOpenedByItsEndpoint) {
  const Endpoint endpoint = parse_endpoint("shm:" + name());
  EXPECT_FALSE(is_file(endpoint));
  EXPECT_EQ(shown_output(endpoint), "shm:" + name());
  EXPECT_THROW(make_writer(open_for_writing(endpoint), stream::OutputFormat::y4m, {}), Error);
  EXPECT_THROW(open_reader(endpoint, {.input_format = "nut"}), Error);
  const auto out = make_writer(open_for_writing(endpoint), stream::OutputFormat::nut, {.slots = 5});
  const auto in = open_reader(endpoint, {});
  out->set_format(picture_format());
  const auto sent = raw_packets(picture_format(), 1)[0];
  out->write(sent);
  expect_same(take(*in), sent);
}

}  // namespace
}  // namespace campipe::wire::test
