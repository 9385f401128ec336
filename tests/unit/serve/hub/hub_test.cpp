#include "serve/hub/hub.hpp"

#include <memory>
#include <optional>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/fake_media.hpp"

namespace campipe::serve {
namespace {

using media::VideoCodec;
using testing::ElementsAre;
using testing::IsEmpty;

class HubTest : public testing::Test {
protected:
  hub::Stream& add(const char* name, const char* rendition, std::optional<VideoCodec> codec) {
    hub::Stream& stream = hub_.add_stream(name, rendition);
    if (codec) stream.set_format(fake::format(*codec));
    return stream;
  }
  /// GOPs of `gop` frames.
  void push(hub::Stream& stream, std::int64_t from, std::int64_t count, std::int64_t gop, std::size_t bytes = 100) {
    for (std::int64_t i = from; i < from + count; ++i) {
      stream.push(fake::picture(i, i % gop == 0, bytes));
      clock_.now_ns += 1'000'000'000 / 30;
    }
  }

  fake::Clock clock_;
  hub::Hub hub_{hub::History::Limits{.max_bytes = 100'000, .max_age_us = 10'000'000, .window_us = 1'000'000},
                clock_.function()};
};

TEST_F(HubTest, NameWithoutRenditionMeansTheFirstGiven) {
  hub::Stream& high = add("cam", "high", VideoCodec::mjpeg);
  hub::Stream& low = add("cam", "low", VideoCodec::mjpeg);
  hub::Stream& high_h264 = add("cam", "high", VideoCodec::h264);
  EXPECT_THAT(hub_.find("cam", ""), ElementsAre(&high, &high_h264, &low));
  EXPECT_THAT(hub_.find("cam", "low"), ElementsAre(&low));
  EXPECT_EQ(hub_.find("cam", "", VideoCodec::h264), &high_h264);
  EXPECT_EQ(hub_.find("cam", "low", VideoCodec::h264), nullptr);
  EXPECT_THAT(hub_.find("cam", "none"), IsEmpty());
  EXPECT_THAT(hub_.find("dog", ""), IsEmpty());
  EXPECT_EQ(hub_.offer(), "cam/high, cam/low");
}

TEST_F(HubTest, HistoryHoldsTheLastGopAndAWindowBeforeIt) {
  hub::Stream& stream = add("cam", "", VideoCodec::h264);
  push(stream, 0, 70, 60);  // keyframes at 0 and 60
  EXPECT_EQ(stream.history().newest_keyframe()->index, 60U);
  EXPECT_EQ(stream.history().begin(), 39U);  // a second before number 69
  push(stream, 70, 40, 60);
  EXPECT_EQ(stream.history().begin(), 60U);  // all of the GOP, though longer than the window
}

TEST_F(HubTest, HistoryIsBoundedByBytes) {
  hub::Stream& stream = add("cam", "", VideoCodec::h264);
  push(stream, 0, 50, 1000, 10'000);
  EXPECT_LE(stream.history().bytes(), 100'000U);
  EXPECT_EQ(stream.history().newest_keyframe(), nullptr);
  ASSERT_TRUE(stream.history().last_keyframe());
  EXPECT_EQ(stream.history().last_keyframe()->index, 0U) << "a still can be made of it";
}

TEST_F(HubTest, HistoryWithoutAKeyframeIsBoundedByTime) {
  hub::Stream& stream = add("cam", "", VideoCodec::h264);
  push(stream, 1, 400, 100'000, 10);
  EXPECT_LE(stream.history().end() - stream.history().begin(), 301U);
  clock_.now_ns += 20'000'000'000;
  push(stream, 1'001, 1, 100'000, 10);  // 20 s later by its own clock, too
  EXPECT_EQ(stream.history().end() - stream.history().begin(), 1U);
}

TEST_F(HubTest, NobodyLosesAnythingWhenTheSourcesClockSteps) {
  for (const VideoCodec codec : {VideoCodec::mjpeg, VideoCodec::h264}) {
    hub::Stream& stream = add(media::name(codec).data(), "", codec);
    fake::Taker client(stream, {});
    const std::int64_t gop = codec == VideoCodec::mjpeg ? 1 : 7'000;
    push(stream, 0, 5, gop);
    client.stuck = true;  // a little late when it happens
    push(stream, 5, 5, gop);
    for (const std::int64_t from : {1'000'020, 20, 30'000'020, 100}) {  // of frames: hours on, hours back
      push(stream, from, 2, gop);
      client.take();
      push(stream, from + 2, 3, gop);
    }
    client.take();
    EXPECT_EQ(client.taken.size(), 30U) << media::name(codec);
    EXPECT_EQ(client.cursor.counters().skips, 0U) << media::name(codec);
    fake::Taker joins(stream, {});
    joins.cursor.join();
    joins.take();
    ASSERT_FALSE(joins.taken.empty());
    EXPECT_EQ(joins.taken.front(), codec == VideoCodec::mjpeg ? 29U : 0U);  // the GOP is still there
  }
}

TEST_F(HubTest, MjpegClientStartsWithTheNewestPicture) {
  hub::Stream& stream = add("cam", "", VideoCodec::mjpeg);
  push(stream, 0, 10, 1);
  fake::Taker client(stream, {});
  client.cursor.join();
  client.take();
  push(stream, 10, 2, 1);
  EXPECT_THAT(client.taken, ElementsAre(9, 10, 11));
}

TEST_F(HubTest, H264ClientStartsAtTheNewestKeyframeOrWaitsForTheNext) {
  hub::Stream& stream = add("cam", "", VideoCodec::h264);
  push(stream, 0, 14, 10);
  fake::Taker replays(stream, {}), waits(stream, {});
  replays.cursor.join();
  replays.take();
  waits.cursor.join_next();
  push(stream, 14, 8, 10);
  EXPECT_EQ(replays.taken.front(), 10U);
  EXPECT_EQ(replays.taken.size(), 12U);
  EXPECT_THAT(waits.taken, ElementsAre(20, 21));
  EXPECT_EQ(waits.cursor.counters().skipped_units, 0U);  // what came before the start is no loss
}

TEST_F(HubTest, MjpegClientPastTheLimitGoesToTheNewestPicture) {
  hub::Stream& stream = add("cam", "", VideoCodec::mjpeg);
  fake::Taker client(stream, {.max_lag_us = 300'000});
  client.cursor.join();
  push(stream, 0, 2, 1);
  client.stuck = true;
  push(stream, 2, 9, 1);  // 8 frames of lag: within 300 ms
  EXPECT_GT(client.lag_us(), 250'000);
  push(stream, 11, 10, 1);
  client.stuck = false;
  client.take();
  EXPECT_THAT(client.taken, ElementsAre(0, 1, 20));
  EXPECT_EQ(client.cursor.counters().skips, 1U);
  EXPECT_EQ(client.cursor.counters().skipped_units, 18U);
  EXPECT_EQ(client.cursor.counters().units, 3U);
  EXPECT_EQ(client.lag_us(), 0);
}

TEST_F(HubTest, ClientWithinTheLimitLosesNothing) {
  hub::Stream& stream = add("cam", "", VideoCodec::mjpeg);
  fake::Taker client(stream, {.max_lag_us = 300'000});
  client.stuck = true;
  push(stream, 0, 9, 1);
  client.stuck = false;
  push(stream, 9, 1, 1);
  EXPECT_EQ(client.taken.size(), 10U);
  EXPECT_EQ(client.cursor.counters().skips, 0U);
}

TEST_F(HubTest, H264ClientPastTheLimitGoesToTheNewestKeyframeAndNeverInto) {
  hub::Stream& stream = add("cam", "", VideoCodec::h264);
  fake::Taker client(stream, {.max_lag_us = 300'000});
  push(stream, 0, 5, 30);
  client.stuck = true;
  push(stream, 5, 30, 30);  // a keyframe at 30
  client.stuck = false;
  client.take();
  EXPECT_THAT(client.taken, ElementsAre(0, 1, 2, 3, 4, 30, 31, 32, 33, 34));
  EXPECT_EQ(client.cursor.counters().skipped_units, 25U);
}

TEST_F(HubTest, H264ClientBehindTheNewestKeyframeOnlyGoesOn) {
  hub::Stream& stream = add("cam", "", VideoCodec::h264);
  fake::Taker client(stream, {.max_lag_us = 300'000});
  push(stream, 0, 5, 60);
  client.stuck = true;
  push(stream, 5, 30, 60);  // far behind, and no keyframe to go to
  client.stuck = false;
  client.take();
  EXPECT_EQ(client.taken.size(), 35U);
  EXPECT_EQ(client.cursor.counters().skips, 0U);
}

TEST_F(HubTest, H264ClientWhosePlaceIsGoneWaitsForAKeyframe) {
  hub::Stream& stream = add("cam", "", VideoCodec::h264);
  fake::Taker client(stream, {.max_lag_us = 300'000});
  push(stream, 0, 5, 1000, 10'000);
  client.stuck = true;
  push(stream, 5, 20, 1000, 10'000);  // the history holds ten of them
  client.stuck = false;
  client.take();
  EXPECT_EQ(client.taken.size(), 5U);
  EXPECT_EQ(client.cursor.counters().skipped_units, 20U);
  push(stream, 1000, 2, 1000, 10'000);
  EXPECT_THAT(client.taken, ElementsAre(0, 1, 2, 3, 4, 25, 26));
}

TEST_F(HubTest, AudioComesOutInItsPlaceAndIsNoFrame) {
  hub::Stream& stream = add("cam", "", VideoCodec::mjpeg);
  fake::Taker client(stream, {});
  stream.push(fake::sound(0));
  stream.push(fake::picture(1));
  stream.push(fake::sound(1));
  stream.push(fake::picture(2));
  EXPECT_THAT(client.taken, ElementsAre(1, 2, 3));
  EXPECT_EQ(client.cursor.counters().units, 2U);
  EXPECT_EQ(stream.totals().units, 2U);
}

TEST_F(HubTest, SoundStartsAtTheTimeOfTheFirstPictureEvenIfItCameBefore) {
  hub::Stream& stream = add("cam", "", VideoCodec::h264);
  stream.push(fake::picture(0));
  for (const int number : {8, 9, 10, 11}) stream.push(fake::sound(number));  // 1 to 4
  stream.push(fake::picture(10));                                            // 5
  stream.push(fake::sound(9));                                               // late, of before the picture
  stream.push(fake::sound(12));
  fake::Taker client(stream, {});
  client.cursor.join();
  client.take();
  EXPECT_THAT(client.taken, ElementsAre(5, 3, 4, 7));
}

TEST_F(HubTest, SoundGoesOnAfterASkipAtTheTimeOfThePictureThereAndNoneComesTwice) {
  hub::Stream& stream = add("cam", "", VideoCodec::h264);
  fake::Taker client(stream, {.max_lag_us = 300'000});
  stream.push(fake::picture(0));
  stream.push(fake::sound(0));
  client.stuck = true;
  for (int i = 1; i < 30; ++i) stream.push(fake::picture(i, false));
  stream.push(fake::sound(29));  // 31
  stream.push(fake::sound(30));  // 32
  stream.push(fake::picture(30));
  client.stuck = false;
  client.take();
  EXPECT_THAT(client.taken, ElementsAre(0, 1, 33, 32));
  stream.push(fake::sound(31));
  EXPECT_THAT(client.taken, ElementsAre(0, 1, 33, 32, 34));
}

TEST_F(HubTest, SoundOfAnotherClockIsNotTakenForEarly) {
  hub::Stream& stream = add("cam", "", VideoCodec::mjpeg);
  fake::Taker client(stream, {});
  stream.push(fake::picture(300));
  stream.push(fake::sound(10));
  EXPECT_THAT(client.taken, ElementsAre(0, 1));
}

TEST_F(HubTest, WhatPassesWhileAClientWaitsForItsFirstKeyframeIsNoSkip) {
  hub::Stream& stream = add("cam", "", VideoCodec::h264);
  fake::Taker client(stream, {});
  push(stream, 0, 5, 10);
  client.cursor.join_next();
  EXPECT_TRUE(client.cursor.joining());
  push(stream, 5, 6, 10);
  EXPECT_THAT(client.taken, ElementsAre(0, 1, 2, 3, 4, 10));
  EXPECT_EQ(client.cursor.counters().skipped_units, 0U);
  EXPECT_FALSE(client.cursor.joining());
}

TEST_F(HubTest, AStreamWithoutAudioHasThatOfTheFirstOfItsNameThatDoes) {
  hub::Stream& mute = add("cam", "", VideoCodec::h264);
  hub::Stream& first = add("cam", "low", VideoCodec::mjpeg);
  hub::Stream& second = add("cam", "", VideoCodec::mjpeg);
  hub::Stream& other = add("garden", "", VideoCodec::h264);
  second.set_format(fake::with_audio(fake::format(VideoCodec::mjpeg), media::AudioCodec::opus));
  EXPECT_EQ(mute.format()->audio->codec, media::AudioCodec::opus) << "for now";
  first.set_format(fake::with_audio(fake::format(VideoCodec::mjpeg)));
  EXPECT_EQ(mute.format()->audio->codec, media::AudioCodec::pcm_mulaw);
  EXPECT_FALSE(mute.own_format()->audio);
  EXPECT_EQ(second.format()->audio->codec, media::AudioCodec::opus) << "its own";
  EXPECT_FALSE(other.format()->audio);

  fake::Taker client(mute, {});
  for (hub::Stream* stream : {&mute, &first, &second, &other}) stream->push(fake::picture(0));
  first.push(fake::sound(0));
  second.push(fake::sound(0));
  EXPECT_THAT(client.taken, ElementsAre(0, 1));
  EXPECT_EQ(mute.history().at(1)->packet.track, media::Track::audio);
  EXPECT_EQ(mute.history().at(1)->packet.payload.data(), first.history().at(1)->packet.payload.data()) << "shared";
  EXPECT_EQ(mute.totals().bytes, 100U) << "what its own input brought";
  EXPECT_EQ(second.history().end(), 2U);
  EXPECT_EQ(other.history().end(), 1U);
}

TEST_F(HubTest, AudioOfAnotherClockOrBeforeThePictureIsNotLent) {
  hub::Stream& mute = add("cam", "", VideoCodec::h264);
  hub::Stream& source = add("cam", "", VideoCodec::mjpeg);
  source.set_format(fake::with_audio(fake::format(VideoCodec::mjpeg)));
  source.push(fake::sound(0));
  EXPECT_EQ(mute.history().end(), 0U);
  mute.push(fake::picture(0));
  source.push(fake::sound(30 * 60));
  EXPECT_EQ(mute.history().end(), 1U);
  EXPECT_TRUE(mute.history().newest_keyframe());
}

TEST_F(HubTest, AudioGoesWithTheStreamThatLentIt) {
  hub::Stream& mute = add("cam", "", VideoCodec::h264);
  hub::Stream& source = add("cam", "", VideoCodec::mjpeg);
  source.set_format(fake::with_audio(fake::format(VideoCodec::mjpeg)));
  fake::Taker client(mute, {});
  EXPECT_TRUE(mute.format()->audio);
  source.end("end of input");
  EXPECT_FALSE(mute.format()->audio);
  EXPECT_EQ(client.formats, 1);
  EXPECT_FALSE(client.ended);
}

TEST_F(HubTest, RestartedWriterWithTheSameFormatIsNoChange) {
  hub::Stream& stream = add("cam", "", VideoCodec::h264);
  fake::Taker client(stream, {});
  push(stream, 0, 3, 10);
  auto again = fake::format(VideoCodec::h264);
  again.clock = StreamClock{1, 2, "boot"};
  again.video.frame_rate = {15, 1};
  stream.set_format(again);
  EXPECT_EQ(client.formats, 0);
  EXPECT_EQ(stream.generation(), 1U);
  EXPECT_EQ(stream.totals().format_changes, 0U);
}

TEST_F(HubTest, AnotherSizeIsANewGenerationAndNobodyJoinsInTheOld) {
  hub::Stream& stream = add("cam", "", VideoCodec::h264);
  fake::Taker client(stream, {});
  push(stream, 0, 3, 10);
  stream.set_format(fake::format(VideoCodec::h264, 1280, 720));
  EXPECT_EQ(client.formats, 1);
  fake::Taker late(stream, {});
  late.cursor.join();
  late.take();
  EXPECT_THAT(late.taken, IsEmpty());
  push(stream, 10, 1, 10);
  EXPECT_THAT(late.taken, ElementsAre(3));
  EXPECT_EQ(stream.history().at(3)->generation, 2U);
  EXPECT_EQ(client.taken.size(), 4U);
}

TEST_F(HubTest, NewParameterSetsKeepTheHistory) {
  hub::Stream& stream = add("cam", "", VideoCodec::h264);
  push(stream, 0, 3, 10);
  auto changed = fake::format(VideoCodec::h264);
  changed.video.parameter_sets = {std::byte{1}};
  stream.set_format(changed);
  EXPECT_EQ(stream.generation(), 2U);
  EXPECT_TRUE(stream.history().newest_keyframe());
}

TEST_F(HubTest, StateFollowsTheFrames) {
  hub::Stream& stream = add("cam", "", std::nullopt);
  EXPECT_EQ(stream.state(), hub::StreamState::waiting);
  EXPECT_FALSE(stream.age_ns());
  stream.push(fake::picture(0));  // without a format it counts for nothing
  EXPECT_EQ(stream.state(), hub::StreamState::waiting);
  stream.set_format(fake::format(VideoCodec::mjpeg));
  push(stream, 0, 40, 1);
  EXPECT_EQ(stream.state(), hub::StreamState::flowing);
  EXPECT_NEAR(stream.frames_per_second(), 30, 0.1);
  EXPECT_NEAR(stream.bits_per_second(), 30 * 800, 100);
  clock_.now_ns += 3'000'000'000;
  EXPECT_EQ(stream.state(), hub::StreamState::stalled);
  EXPECT_EQ(stream.frames_per_second(), 0);
  push(stream, 100, 1, 1);
  EXPECT_EQ(stream.state(), hub::StreamState::flowing);
  fake::Taker client(stream, {});
  stream.end("over");
  stream.end("again");
  EXPECT_EQ(stream.state(), hub::StreamState::ended);
  EXPECT_EQ(stream.end_reason(), "over");
  EXPECT_TRUE(client.ended);
}

TEST_F(HubTest, SlowStreamIsNotStalledBetweenItsFrames) {
  hub::Stream& stream = hub_.add_stream("slow", "");
  auto slow = fake::format(VideoCodec::mjpeg);
  slow.video.frame_rate = {1, 5};
  stream.set_format(slow);
  stream.push(fake::picture(0));
  clock_.now_ns += 6'000'000'000;
  EXPECT_EQ(stream.state(), hub::StreamState::flowing);
  clock_.now_ns += 15'000'000'000;
  EXPECT_EQ(stream.state(), hub::StreamState::stalled);
}

TEST_F(HubTest, ABareStreamOfSlowPicturesIsMeasured) {
  hub::Stream& stream = add("slow", "", VideoCodec::mjpeg);  // says 30 fps
  for (int i = 0; i < 5; ++i) {
    stream.push(fake::picture(i));
    clock_.now_ns += 20'000'000'000;
  }
  EXPECT_EQ(stream.state(), hub::StreamState::flowing);
  clock_.now_ns += 45'000'000'000;
  EXPECT_EQ(stream.state(), hub::StreamState::stalled);
}

TEST_F(HubTest, AnOutageDoesNotMakeAStreamSlow) {
  hub::Stream& stream = add("cam", "", VideoCodec::mjpeg);
  push(stream, 0, 10, 1);
  clock_.now_ns += 600'000'000'000;
  push(stream, 10, 2, 1);
  clock_.now_ns += 3'000'000'000;
  EXPECT_EQ(stream.state(), hub::StreamState::stalled);
}

TEST_F(HubTest, AKeyframeStaysUntilTheNextHoweverLongThatTakes) {
  hub::Stream& stream = add("cam", "", VideoCodec::h264);
  push(stream, 0, 30 * 60, 10'000, 10);
  ASSERT_TRUE(stream.history().newest_keyframe());
  EXPECT_EQ(stream.history().newest_keyframe()->index, 0U) << "a minute later";
}

/// Leaves when told of a unit, and takes another with it.
struct Leaver : fake::Taker {
  using fake::Taker::Taker;
  void on_units_available() override {
    attachment = {};
    other.reset();
    ++told;
  }
  std::unique_ptr<fake::Taker> other;
  int told = 0;
};

TEST_F(HubTest, ClientsMayLeaveAndJoinWhileTheyAreTold) {
  hub::Stream& stream = add("cam", "", VideoCodec::mjpeg);
  Leaver leaver(stream, {});
  leaver.other = std::make_unique<fake::Taker>(stream, hub::LagPolicy{});
  fake::Taker stays(stream, {});
  push(stream, 0, 3, 1);
  EXPECT_EQ(leaver.told, 1);
  EXPECT_EQ(stays.taken.size(), 3U);
  EXPECT_EQ(stream.client_count(), 1U);
}

TEST(Derived, IsMadeOncePerUnitAndType) {
  hub::Unit unit;
  int made = 0;
  const auto make = [&] { return std::string(1, static_cast<char>('a' + made++)); };
  EXPECT_EQ(unit.derived.get<std::string>(make), "a");
  EXPECT_EQ(unit.derived.get<std::string>(make), "a");
  EXPECT_EQ(unit.derived.get<int>([] { return 7; }), 7);
  EXPECT_EQ(made, 1);
}

/// Throws when it is told of the unit with the number `at`.
struct FaultyTaker : fake::Taker {
  using Taker::Taker;
  void on_units_available() override {
    take();
    if (taken.back() == at) throw std::runtime_error("out of buffers");
  }
  void on_fault() override {
    if (faulty_cure) throw std::runtime_error("no cure");
    Taker::on_fault();
  }
  std::uint64_t at = 2;
  bool faulty_cure = false;
};

TEST_F(HubTest, ExceptionOfAClientEndsThatClientOnly) {
  hub::Stream& stream = add("cam", "", VideoCodec::mjpeg);
  fake::Taker before(stream, {}), after(stream, {});
  {
    FaultyTaker faulty(stream, {}), incurable(stream, {});
    incurable.faulty_cure = true;
    fake::Taker last(stream, {});
    push(stream, 0, 6, 1);
    EXPECT_TRUE(faulty.ended);
    EXPECT_THAT(faulty.taken, ElementsAre(0, 1, 2));
    EXPECT_THAT(incurable.taken, ElementsAre(0, 1, 2));
    EXPECT_THAT(last.taken, ElementsAre(0, 1, 2, 3, 4, 5));
    EXPECT_EQ(stream.client_count(), 3U);
  }
  EXPECT_THAT(before.taken, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(after.taken, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(stream.client_count(), 2U);
  EXPECT_TRUE(stream.wanted());
}

}  // namespace
}  // namespace campipe::serve
