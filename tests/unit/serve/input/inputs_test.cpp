// Inputs out of rings: patterns that follow them, writers that come again.
#include "serve/input/inputs.hpp"

#include <filesystem>
#include <fstream>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/net_helpers.hpp"
#include "ring/kernel/names.hpp"
#include "ring/survey.hpp"
#include "serve/fake_media.hpp"
#include "serve/rtsp/harness.hpp"
#include "wire/shm/ring_support.hpp"
#include "wire/shm/writer.hpp"

namespace campipe::serve {
namespace {

using media::VideoCodec;
using testing::ElementsAre;
using testing::IsEmpty;

/// One access unit, `number` frames of 30 a second after a beginning, with the number in its slice.
media::Packet unit(std::int64_t number, bool key) {
  media::Packet packet = fake::picture(number, key);
  packet.captured_ns.reset();
  const auto slice = test::nal(
      {key ? 0x65 : 0x41, static_cast<int>(number >> 8 & 0xFF), static_cast<int>(number & 0xFF)}, std::size_t{3000});
  packet.payload = media::Payload::from(key ? test::annex_b({test::kSps, test::kPps, slice}) : test::annex_b({slice}));
  return packet;
}

/// A camera's writer; what it writes goes on where the one before it stopped.
class Camera {
public:
  explicit Camera(std::string name, VideoCodec codec = VideoCodec::h264) : writer_(options(std::move(name))) {
    media::StreamFormat format = test::Fixture::h264();
    format.video.codec = codec;
    if (codec != VideoCodec::h264) format.video.parameter_sets.clear();
    const auto before = writer_.inherited();
    format.clock = before ? before->clock : StreamClock::now();
    writer_.set_format(format);
  }
  void write(std::int64_t number, bool key) { writer_.write(unit(number, key)); }
  ring::write::Writer& ring() { return *writer_.ring(); }

private:
  static ring::write::Writer::Options options(std::string name) {
    ring::write::Writer::Options options;
    options.name = std::move(name);
    return options;
  }
  wire::shm::Writer writer_;
};

class InputsTest : public testing::Test {
protected:
  InputsTest() : tick_(fixture_.loop, [this] { inputs_->tick(); }) {}
  ~InputsTest() override {
    if (inputs_) inputs_->stop();
    for (const std::string& name : ring::kernel::all_names()) ring::remove(name, true);
  }

  void serve(const std::vector<std::string>& specs, std::int64_t gone_ms = 60'000) {
    input::Inputs::Options options{.specs = {}, .input_format = {}, .gone_ms = gone_ms};
    for (const std::string& spec : specs) options.specs.push_back(input::parse_spec(spec));
    inputs_ = std::make_unique<input::Inputs>(fixture_.loop, hub(), telemetry_, std::move(options),
                                              [this] { ended_ = true; });
    inputs_->start();
    tick_.start(0, 10);
  }
  hub::Hub& hub() { return fixture_.hub; }
  bool until(const std::function<bool()>& done) { return fixture_.until(done); }
  /// Names of the streams but the fixture's own.
  std::vector<std::string> names() {
    auto names = hub().names();
    std::erase(names, "cam");
    return names;
  }
  hub::Stream* stream(const std::string& name) {
    const auto found = hub().find(name, "");
    return found.empty() ? nullptr : found.front();
  }
  bool has_frames(const std::string& name, std::uint64_t count) {
    return until([&] { return stream(name) != nullptr && stream(name)->totals().units >= count; });
  }

  /// Wants it as of now, so that a slow machine makes no rest of what follows.
  bool watch(const std::string& name) {
    if (!until([&] { return stream(name) != nullptr; })) return false;
    wish_ = hub::Wish(*stream(name));
    return true;
  }

  // A keyframe is asked for at each join. The inputs' threads stamp what they read with the real time.
  test::Fixture fixture_{{.sessions = {.session = {.idr_young_ms = 0}}}, "127.0.0.1:0", net::Loop::Time::real};
  hub::Wish wish_;
  cli::Telemetry telemetry_{{}};
  std::unique_ptr<input::Inputs> inputs_;
  net::Timer tick_;
  bool ended_ = false;
};

TEST_F(InputsTest, RingsThatMatchAreStreamsAsTheyComeAndGo) {
  Camera front("front.h264");
  front.write(0, true);
  serve({"shm:*.h264", "shm:*.mjpeg"});
  ASSERT_TRUE(has_frames("front", 1));
  EXPECT_THAT(hub().unmatched(), ElementsAre("shm:*.mjpeg"));
  Camera raw_name("front.other");
  raw_name.write(0, true);
  Camera picture("front.mjpeg", VideoCodec::mjpeg);
  picture.write(0, true);
  ASSERT_TRUE(until([&] { return hub().find("front", "").size() == 2; }));
  ASSERT_TRUE(until([&] { return hub().find("front", "", VideoCodec::mjpeg) != nullptr; }));
  ASSERT_TRUE(until([&] { return hub().unmatched().empty(); }));
  Camera yard("yard.h264");
  yard.write(0, true);
  ASSERT_TRUE(has_frames("yard", 1));
  EXPECT_THAT(names(), ElementsAre("front", "yard"));
  ring::remove("front.h264", true);
  ring::remove("front.mjpeg", true);
  ASSERT_TRUE(until([&] { return names() == std::vector<std::string>{"yard"}; }));
  EXPECT_FALSE(ended_);
}

TEST_F(InputsTest, PatternsGoTogetherWithInputsThatAreGiven) {
  Camera front("front.h264");
  front.write(0, true);
  serve({"door=shm:front.h264", "shm:*.h264", "shm:front*"});
  ASSERT_TRUE(has_frames("door", 1));
  Camera yard("yard.h264");
  yard.write(0, true);
  ASSERT_TRUE(has_frames("yard", 1));
  EXPECT_THAT(names(), ElementsAre("door", "yard"));  // each ring once
  ring::remove("front.h264", true);
  ring::remove("yard.h264", true);
  ASSERT_TRUE(until([&] { return names() == std::vector<std::string>{"door"}; }));  // what was given stays
}

TEST_F(InputsTest, WhatCannotBeReadIsLeftOutUntilItIsAnother) {
  const std::string path = ring::kernel::object_path("bad.h264");
  std::ofstream(path) << "not a ring";
  Camera front("front.h264");
  front.write(0, true);
  testing::internal::CaptureStderr();
  serve({"shm:*.h264"});
  ASSERT_TRUE(has_frames("front", 1));
  std::filesystem::permissions(path, std::filesystem::perms::owner_read);  // looked at again, told once
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  Camera yard("yard.h264");
  yard.write(0, true);
  ASSERT_TRUE(has_frames("yard", 1));
  EXPECT_THAT(names(), ElementsAre("front", "yard"));
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(said.find("bad.h264: is no ring"), said.rfind("bad.h264: is no ring")) << said;
  EXPECT_NE(said.find("bad.h264: is no ring"), std::string::npos) << said;
  std::filesystem::remove(path);
  Camera good("bad.h264");
  good.write(0, true);
  EXPECT_TRUE(has_frames("bad", 1));
}

TEST_F(InputsTest, RawRingsAreLeftOut) {
  ring::write::Writer::Options options;
  options.name = "front.raw";
  wire::shm::Writer raw(options);
  media::StreamFormat format = fake::format(VideoCodec::raw, 64, 48);
  format.video.pixel_format = media::PixelFormat::gray;
  raw.set_format(format);
  raw.write(fake::picture(0, true, std::size_t{64} * 48));
  Camera front("front.h264");
  front.write(0, true);
  testing::internal::CaptureStderr();
  serve({"shm:*"});
  ASSERT_TRUE(has_frames("front", 1));
  EXPECT_EQ(hub().find("front", "").size(), 1U);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("shm:front.raw: raw pictures"), std::string::npos);
}

TEST_F(InputsTest, ClientsOfARingThatWasTakenAwayAreEndedAfterAWhile) {
  auto front = std::make_unique<Camera>("front.h264");
  front->write(0, true);
  serve({"shm:*.h264"}, 300);
  ASSERT_TRUE(watch("front"));
  ASSERT_TRUE(has_frames("front", 1));
  test::Player player(fixture_);
  player.play_tcp("/front");
  ring::remove("front.h264", true);
  front.reset();
  ASSERT_TRUE(until([&] { return player.read_some(), player.closed; }));
  EXPECT_TRUE(until([&] { return names().empty(); }));
}

TEST_F(InputsTest, ClientsOfARingThatComesBackStay) {
  auto front = std::make_unique<Camera>("front.h264");
  front->write(0, true);
  serve({"shm:*.h264"});
  ASSERT_TRUE(watch("front"));
  ASSERT_TRUE(has_frames("front", 1));
  const hub::Stream* before = stream("front");
  front->write(1, true);
  ASSERT_TRUE(has_frames("front", 2));
  test::Player player(fixture_);
  player.play_tcp("/front");
  ASSERT_TRUE(until([&] { return player.read_some(), player.rtp().size() >= 4; }));
  ring::remove("front.h264", true);
  front.reset();
  ASSERT_TRUE(until([&] { return !stream("front")->has_writer(); }));
  front = std::make_unique<Camera>("front.h264");
  front->write(100, true);
  ASSERT_TRUE(has_frames("front", 3));
  ASSERT_TRUE(until([&] { return player.read_some(), player.rtp().size() >= 8; }));
  EXPECT_FALSE(player.closed);
  EXPECT_EQ(stream("front"), before);
}

TEST_F(InputsTest, ARingWhoseWriterEndedGoesWhenNobodyElseReadsIt) {
  auto front = std::make_unique<Camera>("front.h264");
  front->write(0, true);
  serve({"shm:*.h264"}, 100);
  ASSERT_TRUE(has_frames("front", 1));
  front.reset();
  ASSERT_TRUE(until([&] { return names().empty(); }));
  EXPECT_THAT(ring::kernel::all_names(), IsEmpty());
  front = std::make_unique<Camera>("front.h264");
  front->write(0, true);
  EXPECT_TRUE(has_frames("front", 1));
}

TEST_F(InputsTest, WishesReachTheWriter) {
  Camera front("front.h264");
  front.write(0, true);
  serve({"shm:front.h264"});
  ASSERT_TRUE(has_frames("front", 1));
  ASSERT_TRUE(until([&] { return !front.ring().wanted(); }));
  front.ring().keyframe_wanted();
  test::Player player(fixture_);
  player.play_tcp("/front");
  EXPECT_TRUE(until([&] { return front.ring().wanted(); }));
  EXPECT_TRUE(front.ring().keyframe_wanted());
  player.hang_up();
  EXPECT_TRUE(until([&] { return !front.ring().wanted(); }));
}

TEST_F(InputsTest, AWishBeforeThereIsARingIsToldToItsFirstWriter) {
  serve({"shm:front.h264"});
  const hub::Wish wish(*stream("front"));
  Camera front("front.h264");
  EXPECT_TRUE(until([&] { return front.ring().wanted(); }));
}

TEST_F(InputsTest, NothingEndsOrBeginsAnewWhenTheWriterIsStartedAgain) {
  auto front = std::make_unique<Camera>("front.h264");
  serve({"shm:front.h264"});
  ASSERT_TRUE(watch("front"));
  for (int i = 0; i < 10; ++i) front->write(i, i == 0);
  ASSERT_TRUE(has_frames("front", 10));
  hub::Stream& stream = *this->stream("front");
  test::Player player(fixture_);
  player.play_tcp("/front");
  const std::size_t packets_each = 3;  // of a slice of 3,000 bytes
  ASSERT_TRUE(until([&] { return player.read_some(), player.rtp().size() >= 1 + 10 * packets_each; }));
  for (int restart = 1; restart <= 3; ++restart) {
    const std::uint64_t had = stream.totals().units;
    const std::size_t packets = player.rtp().size();
    front.reset();
    ASSERT_TRUE(until([&] { return !stream.has_writer(); }));
    front = std::make_unique<Camera>("front.h264");
    for (int i = 0; i < 10; ++i) front->write(100 * restart + i, i == 0);
    ASSERT_TRUE(has_frames("front", had + 10));
    ASSERT_TRUE(until([&] { return player.read_some(), player.rtp().size() >= packets + 1 + 10 * packets_each; }));
  }
  EXPECT_FALSE(player.closed);
  EXPECT_EQ(stream.generation(), 1U);
  EXPECT_EQ(stream.client_count(), 1U);
  const auto packets = player.rtp();
  const std::uint32_t ssrc = packets[0].u32(8);
  for (std::size_t i = 1; i < packets.size(); ++i) {
    EXPECT_EQ(packets[i].u32(8), ssrc);
    ASSERT_EQ(packets[i].u16(2), (packets[i - 1].u16(2) + 1) & 0xFFFF) << i;
  }
  // 90 kHz over what the frames' own times say, restarts and all: frame 0 to frame 309.
  EXPECT_EQ(packets.back().u32(4) - packets.front().u32(4), 309U * 3000U);
}

TEST_F(InputsTest, RestsAreTold) {
  Camera front("front.h264");
  front.write(0, true);
  serve({"shm:front.h264"});
  ASSERT_TRUE(has_frames("front", 1));
  ASSERT_TRUE(until([&] { return stream("front")->state() == hub::StreamState::idle; }));
  ASSERT_TRUE(until([&] { return telemetry_.flow() == cli::Flow::idle; }));
  front.write(1, true);
  ASSERT_TRUE(until([&] { return telemetry_.flow() == cli::Flow::flowing; }));
}

TEST(InputSpecPattern, StandsAlone) {
  const input::Spec spec = input::parse_spec("shm:*.h264");
  EXPECT_TRUE(spec.is_pattern);
  EXPECT_EQ(spec.endpoint.name, "*.h264");
  EXPECT_EQ(spec.endpoint.text, "shm:*.h264");
  for (const char* text : {"cam=shm:*", "cam/hd=shm:?.h264", "shm:*/x"}) {
    EXPECT_THROW(input::parse_spec(text), Error) << text;
  }
}

}  // namespace
}  // namespace campipe::serve
