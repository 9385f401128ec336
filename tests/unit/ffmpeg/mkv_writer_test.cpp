#include "ffmpeg/mkv_writer.hpp"

#include <gtest/gtest.h>

#include "base/own_folder.hpp"
#include "ffmpeg/clip.hpp"
#include "ffmpeg/memory_file.hpp"
#include "media/media_support.hpp"

namespace campipe::ffmpeg {
namespace {

using media::Packet;
using media::Track;
using media::test::bytes;

constexpr auto kMatroska = MkvWriter::Format::matroska;
constexpr auto kMpegts = MkvWriter::Format::mpegts;

Packet audio_packet(std::int64_t pts_us, int value) {
  Packet packet;
  packet.track = Track::audio;
  packet.keyframe = true;
  packet.pts_us = pts_us;
  packet.payload = media::Payload::from(std::vector<std::byte>(160, static_cast<std::byte>(value)));
  return packet;
}

class MkvWriterTest : public testing::Test {
protected:
  /// What a player finds in the first `size` bytes of the file.
  std::unique_ptr<Input> open_so_far(std::size_t size) {
    return open_file(folder_.write("so-far", std::span(file_.bytes).first(size)));
  }
  std::unique_ptr<Input> open_all() { return open_so_far(file_.bytes.size()); }

  OwnFolder folder_;
  MemoryFile file_;
  Clip clip_ = h264_clip(20, 5);
};

TEST_F(MkvWriterTest, WhatIsWrittenComesBackWithTimesKeyframesAndParameterSets) {
  MkvWriter writer(kMatroska, clip_.format, kStartUs, file_.sink());
  ASSERT_EQ(writer.write(clip_.packets), 0);
  ASSERT_EQ(writer.finish(), 0);
  EXPECT_EQ(writer.size(), static_cast<std::int64_t>(file_.bytes.size()));
  auto input = open_all();
  ASSERT_NE(input, nullptr);
  EXPECT_TRUE(input->has_length());
  EXPECT_FALSE(input->is_bare());
  ASSERT_EQ(input->tracks().size(), 1U);
  const InputTrack& track = input->tracks()[0];
  ASSERT_TRUE(track.video);
  EXPECT_EQ(track.video->codec, media::VideoCodec::h264);
  EXPECT_EQ(track.video->size, (Size{160, 96}));
  const auto config = media::h264::parse_avcc(track.extradata);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->parameter_sets, clip_.format.video.parameter_sets);
  const auto packets = packets_of(*input);
  ASSERT_EQ(packets.size(), clip_.packets.size());
  for (std::size_t i = 0; i < packets.size(); ++i) {
    EXPECT_EQ(packets[i].pts_ns, static_cast<std::int64_t>(i) * kFrameUs * 1000) << i;
    EXPECT_EQ(packets[i].keyframe, i % 5 == 0) << i;
  }
}

TEST_F(MkvWriterTest, TheFileCanBePlayedToItsEndAtAnyMoment) {
  for (const auto format : {kMatroska, kMpegts}) {
    file_ = {};
    MkvWriter writer(format, clip_.format, kStartUs, file_.sink());
    for (std::size_t i = 0; i < clip_.packets.size(); i += 5) {
      ASSERT_EQ(writer.write(std::span(clip_.packets).subspan(i, 5)), 0);
      auto input = open_all();
      ASSERT_NE(input, nullptr);
      EXPECT_EQ(packets_of(*input).size(), i + 5) << static_cast<int>(format);
    }
  }
}

TEST_F(MkvWriterTest, CarriesJpegAndAudioByteForByte) {
  media::StreamFormat format;
  format.video = {.codec = media::VideoCodec::mjpeg, .size = {322, 180}, .range = media::ColourRange::full};
  format.audio = media::AudioFormat{.codec = media::AudioCodec::pcm_alaw, .sample_rate_hz = 8000, .channels = 1};
  const auto jpeg = media::test::data_file("small.jpg");
  std::vector<Packet> packets;
  for (int i = 0; i < 5; ++i) {
    Packet video;
    video.pts_us = kStartUs + i * kFrameUs;
    video.keyframe = true;
    video.payload = media::Payload::copy_of(jpeg);
    packets.push_back(video);
    packets.push_back(audio_packet(kStartUs + i * 20'000, i));
  }
  MkvWriter writer(kMatroska, format, kStartUs, file_.sink());
  ASSERT_EQ(writer.write(packets), 0);
  ASSERT_EQ(writer.finish(), 0);
  auto input = open_all();
  ASSERT_NE(input, nullptr);
  ASSERT_EQ(input->tracks().size(), 2U);
  ASSERT_TRUE(input->tracks()[1].audio);
  EXPECT_EQ(input->tracks()[1].audio->codec, media::AudioCodec::pcm_alaw);
  EXPECT_EQ(input->tracks()[1].audio->sample_rate_hz, 8000);
  EXPECT_EQ(input->tracks()[1].audio->channels, 1);
  int video = 0, audio = 0;
  for (const InputPacket& packet : packets_of(*input)) {
    if (packet.track == input->tracks()[0].index) {
      EXPECT_TRUE(std::ranges::equal(packet.payload.bytes(), jpeg));
      EXPECT_EQ(packet.pts_ns, video++ * kFrameUs * 1000);
    } else {
      EXPECT_TRUE(std::ranges::equal(packet.payload.bytes(), audio_packet(0, audio).payload.bytes()));
      EXPECT_EQ(packet.pts_ns, audio++ * 20'000'000);
    }
  }
  EXPECT_EQ(video, 5);
  EXPECT_EQ(audio, 5);
}

TEST_F(MkvWriterTest, SaysWhenItBeganToTheMicrosecond) {
  MkvWriter writer(kMatroska, clip_.format, kStartUs, file_.sink());
  ASSERT_EQ(writer.write(clip_.packets), 0);
  ASSERT_EQ(writer.finish(), 0);
  AVFormatContext* raw = nullptr;
  ASSERT_EQ(avformat_open_input(&raw, ("file:" + folder_.write("x.mkv", file_.bytes)).c_str(), nullptr, nullptr), 0);
  const InputContextPtr context(raw);
  const auto value = [&](const char* name) {
    const AVDictionaryEntry* entry = av_dict_get(context->metadata, name, nullptr, 0);
    return std::string(entry == nullptr ? "absent" : entry->value);
  };
  EXPECT_EQ(value("campipe.start_unix_us"), "1763689440040123");
  EXPECT_EQ(value("creation_time"), "2025-11-21T01:44:00.040123Z");
}

TEST_F(MkvWriterTest, LeavesOutWhatIsBeforeItsStartAndTracksItDoesNotHave) {
  MkvWriter writer(kMatroska, clip_.format, kStartUs + 5 * kFrameUs, file_.sink());
  auto packets = clip_.packets;
  packets.push_back(audio_packet(kStartUs + 10 * kFrameUs, 1));
  ASSERT_EQ(writer.write(packets), 0);
  ASSERT_EQ(writer.finish(), 0);
  auto input = open_all();
  ASSERT_NE(input, nullptr);
  const auto found = packets_of(*input);
  ASSERT_EQ(found.size(), 15U);
  EXPECT_EQ(found[0].pts_ns, 0);
}

TEST_F(MkvWriterTest, FramesWithinOneTickStayInOrder) {
  for (const auto format : {kMatroska, kMpegts}) {
    file_ = {};
    MkvWriter writer(format, clip_.format, kStartUs, file_.sink());
    auto packets = clip_.packets;
    for (std::size_t i = 0; i < packets.size(); ++i) packets[i].pts_us = kStartUs + static_cast<std::int64_t>(i / 4);
    ASSERT_EQ(writer.write(packets), 0) << static_cast<int>(format);
    ASSERT_EQ(writer.finish(), 0);
    auto input = open_all();
    ASSERT_NE(input, nullptr);
    std::int64_t last = -1;
    for (const InputPacket& packet : packets_of(*input)) {
      ASSERT_TRUE(packet.pts_ns);
      EXPECT_GT(*packet.pts_ns, last);
      last = *packet.pts_ns;
    }
  }
}

TEST_F(MkvWriterTest, NothingWrittenIsNoFile) {
  MkvWriter writer(kMatroska, clip_.format, kStartUs, file_.sink());
  EXPECT_EQ(writer.finish(), 0);
  EXPECT_EQ(file_.calls, 0);
  EXPECT_EQ(writer.size(), 0);
}

TEST_F(MkvWriterTest, AFullDiskIsToldByWriteAndByFinishWhereverItComes) {
  {
    MkvWriter writer(kMatroska, clip_.format, kStartUs, file_.sink());
    for (const Packet& packet : clip_.packets) ASSERT_EQ(writer.write({&packet, 1}), 0);
    ASSERT_EQ(writer.finish(), 0);
  }
  for (int at = 0; at < file_.calls; ++at) {
    MemoryFile file;
    file.fails_at = at;
    MkvWriter writer(kMatroska, clip_.format, kStartUs, file.sink());
    int error = 0;
    for (std::size_t i = 0; i < clip_.packets.size() && error == 0; ++i) error = writer.write({&clip_.packets[i], 1});
    if (error != 0) {
      EXPECT_EQ(error, AVERROR(ENOSPC)) << at;
    }
    EXPECT_EQ(writer.finish(), AVERROR(ENOSPC)) << at;
  }
}

TEST_F(MkvWriterTest, RawPicturesAreRefusedAtTheFirstWrite) {
  clip_.format.video.codec = media::VideoCodec::raw;
  MkvWriter writer(kMatroska, clip_.format, kStartUs, file_.sink());
  EXPECT_LT(writer.write(clip_.packets), 0);
  EXPECT_EQ(writer.size(), 0);
}

}  // namespace
}  // namespace campipe::ffmpeg
