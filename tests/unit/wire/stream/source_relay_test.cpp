#include "wire/stream/source_relay.hpp"

#include <gtest/gtest.h>

namespace campipe::wire::stream {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

struct Relay {
  std::int64_t now_ns = 100 * kSecond;
  SourceRelay relay;
  explicit Relay(bool ring = true) : relay({.ring = ring, .name = "in", .clock = [this] { return now_ns; }}) {
    if (ring) relay.writer(true);
  }
  SourceState state() { return relay.status().state; }
  const std::string& reason() { return relay.status().reason; }
};

TEST(SourceRelay, HandsOnWhatTheWriterSays) {
  Relay at;
  at.relay.told(source_status(SourceState::running));
  at.relay.frame();
  EXPECT_EQ(at.state(), SourceState::running);
  const SourceStatus lost = source_status(SourceState::lost, "Connection refused");
  at.relay.told(lost);
  EXPECT_EQ(at.relay.status(), lost);
}

TEST(SourceRelay, ALostSourceOutranksARestingFilter) {
  Relay at;
  at.relay.told(source_status(SourceState::running));
  at.relay.frame();
  at.relay.set_wanted(false);
  EXPECT_EQ(at.state(), SourceState::resting);
  at.relay.told(source_status(SourceState::lost, "unplugged"));
  EXPECT_EQ(at.state(), SourceState::lost);
  at.relay.told(source_status(SourceState::resting));
  EXPECT_EQ(at.state(), SourceState::resting);
}

TEST(SourceRelay, AWriterThatIsGoneIsALoss) {
  Relay at;
  at.relay.told(source_status(SourceState::running));
  at.relay.set_wanted(false);
  at.relay.writer(false);
  EXPECT_EQ(at.state(), SourceState::lost);
  EXPECT_EQ(at.reason(), "nobody writes in");
  at.relay.writer(true);
  EXPECT_EQ(at.state(), SourceState::resting);
}

TEST(SourceRelay, SilenceIsALossWhateverTheWriterSays) {
  Relay at;
  at.relay.told(source_status(SourceState::running));
  at.relay.frame();
  at.now_ns += 6 * kSecond;
  EXPECT_EQ(at.state(), SourceState::lost);
  EXPECT_EQ(at.reason(), "in: no more frames");
  at.relay.frame();
  EXPECT_EQ(at.state(), SourceState::running);
}

TEST(SourceRelay, APipeThatSaysNothingMayNotRest) {
  Relay at(false);
  at.relay.set_wanted(false);
  EXPECT_EQ(at.state(), SourceState::resting);
  at.now_ns += 6 * kSecond;
  EXPECT_EQ(at.state(), SourceState::lost);
  EXPECT_EQ(at.reason(), "in: no frames");
}

TEST(SourceRelay, ARingThatSaysNothingIsUnknownWhileNothingIsWanted) {
  Relay at;
  at.relay.frame();
  at.relay.set_wanted(false);
  at.now_ns += 60 * kSecond;
  EXPECT_EQ(at.state(), SourceState::unknown);
  at.relay.set_wanted(true);
  EXPECT_EQ(at.state(), SourceState::lost);
}

TEST(SourceRelay, ASlowStreamIsNotSilentBetweenItsFrames) {
  Relay at;
  at.relay.told(source_status(SourceState::running));
  at.relay.rate({1, 10});
  at.relay.frame();
  at.now_ns += 20 * kSecond;
  EXPECT_EQ(at.state(), SourceState::running);
  at.now_ns += 11 * kSecond;
  EXPECT_EQ(at.state(), SourceState::lost);
}

TEST(SourceRelay, WhoWakesHasTimeForItsFirstFrame) {
  Relay at;
  at.relay.told(source_status(SourceState::resting));
  at.now_ns += 3600 * kSecond;
  EXPECT_EQ(at.state(), SourceState::resting);
  at.relay.told(source_status(SourceState::running));
  EXPECT_EQ(at.state(), SourceState::running);
  at.now_ns += 6 * kSecond;
  EXPECT_EQ(at.state(), SourceState::lost);
}

}  // namespace
}  // namespace campipe::wire::stream
