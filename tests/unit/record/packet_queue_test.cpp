#include "record/packet_queue.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "record/h264_stream.hpp"

namespace campipe::record {
namespace {

media::Packet picture(std::int64_t number, std::size_t bytes = 1000, int gop = 10) {
  media::Packet packet;
  packet.pts_us = number;
  packet.keyframe = number % gop == 0;
  packet.payload = media::Payload::from(std::vector<std::byte>(bytes));
  return packet;
}

/// What is in the queue, as text: p12 a packet with pts 12, f a format, l3@7 three lost from pts 7, e the end.
std::string drain(PacketQueue& queue) {
  std::string text;
  while (auto item = queue.pop(std::chrono::steady_clock::now())) {
    if (!text.empty()) text += ' ';
    if (auto* packet = std::get_if<media::Packet>(&*item)) text += "p" + std::to_string(packet->pts_us);
    if (std::holds_alternative<media::StreamFormat>(*item)) text += "f";
    if (auto* lost = std::get_if<PacketQueue::Lost>(&*item))
      text += "l" + std::to_string(lost->frames) + "@" + std::to_string(lost->from_us);
    if (std::holds_alternative<PacketQueue::End>(*item)) text += "e";
  }
  return text;
}

bool taken(PacketQueue& queue, const media::Packet& packet) {
  return queue.push(packet) == PacketQueue::Pushed::taken;
}

const PacketQueue::Wait kNoLimit{.at_most = std::chrono::nanoseconds::max(), .go_on = {}};

TEST(PacketQueue, KeepsTheOrder) {
  PacketQueue queue;
  queue.push(h264_format());
  EXPECT_TRUE(taken(queue, picture(0)));
  EXPECT_TRUE(taken(queue, picture(1)));
  queue.end();
  EXPECT_EQ(drain(queue), "f p0 p1 e");
}

TEST(PacketQueue, FullQueueDropsToTheNextKeyframeThatFits) {
  PacketQueue queue(5'000);
  int kept = 0;
  for (int i = 0; i < 15; ++i) kept += taken(queue, picture(i)) ? 1 : 0;
  EXPECT_LT(kept, 5);
  const std::string first = drain(queue);
  EXPECT_EQ(first.find('l'), std::string::npos);
  for (int i = 15; i < 22; ++i) queue.push(picture(i));
  // Those up to the keyframe at 20 are lost, although there was room for them.
  EXPECT_EQ(drain(queue), "l" + std::to_string(20 - kept) + "@" + std::to_string(kept) + " p20 p21");
}

TEST(PacketQueue, LossAtTheEndIsTold) {
  PacketQueue queue(2'000);
  for (int i = 0; i < 5; ++i) queue.push(picture(i));
  queue.end();
  const std::string text = drain(queue);
  EXPECT_NE(text.find("l4@1 e"), std::string::npos) << text;
}

TEST(PacketQueue, EmptyQueueTakesAPictureOfAnySize) {
  PacketQueue queue(100);
  EXPECT_TRUE(taken(queue, picture(0, 100'000)));
  EXPECT_FALSE(taken(queue, picture(10, 1)));
}

TEST(PacketQueue, FormatsDoNotPileUp) {
  PacketQueue queue(100);
  for (int i = 0; i < 1000; ++i) queue.push(h264_format());
  EXPECT_EQ(drain(queue), "f");
}

TEST(PacketQueue, AudioIsBoundedTooAndEndsNoGap) {
  PacketQueue queue(2'000);
  auto audio = picture(0);
  audio.track = media::Track::audio;
  queue.push(picture(0));
  EXPECT_FALSE(taken(queue, picture(1)));
  EXPECT_FALSE(taken(queue, audio));
  EXPECT_EQ(drain(queue), "p0");
  EXPECT_TRUE(taken(queue, audio));
  EXPECT_FALSE(taken(queue, picture(2)));
}

TEST(PacketQueue, FileInputWaitsForRoom) {
  PacketQueue queue(3'000);
  std::atomic<int> pushed = 0;
  std::thread writer([&] {
    for (int i = 0; i < 50; ++i, ++pushed) EXPECT_EQ(queue.push(picture(i), kNoLimit), PacketQueue::Pushed::taken);
    queue.end();
  });
  int packets = 0;
  const auto next = [&] {
    while (pushed < std::min(50, packets + 2)) std::this_thread::yield();  // the queue is full: the next one waits
    return queue.pop(std::nullopt);
  };
  while (auto item = next()) {
    if (std::holds_alternative<PacketQueue::End>(*item)) break;
    EXPECT_TRUE(std::holds_alternative<media::Packet>(*item));
    ++packets;
  }
  writer.join();
  EXPECT_EQ(packets, 50);
}

TEST(PacketQueue, AWaitThatIsOverLeavesThePacketOut) {
  PacketQueue queue(100);
  EXPECT_TRUE(taken(queue, picture(0)));
  const PacketQueue::Wait wait{.at_most = std::chrono::milliseconds(5), .go_on = {}};
  EXPECT_EQ(queue.push(picture(10), wait), PacketQueue::Pushed::left_out);
  queue.end();
  EXPECT_EQ(drain(queue), "p0 l1@10 e");
}

TEST(PacketQueue, AWaitThatIsGivenUpCountsNothing) {
  PacketQueue queue(100);
  EXPECT_TRUE(taken(queue, picture(0)));
  int asked = 0;
  const PacketQueue::Wait wait{.at_most = std::chrono::nanoseconds::max(), .go_on = [&] { return ++asked < 2; }};
  EXPECT_EQ(queue.push(picture(10), wait), PacketQueue::Pushed::given_up);
  EXPECT_EQ(asked, 2);
  queue.end();
  EXPECT_EQ(drain(queue), "p0 e");
}

TEST(PacketQueue, TellsThatItHasEndedWithoutTakingAnything) {
  PacketQueue queue;
  EXPECT_FALSE(queue.ended_by(std::chrono::steady_clock::now()));
  queue.push(picture(0));
  queue.end();
  EXPECT_TRUE(queue.ended_by(std::chrono::steady_clock::time_point::max()));
  EXPECT_EQ(drain(queue), "p0 e");
}

TEST(PacketQueue, PopEndsAtItsDeadline) {
  PacketQueue queue;
  EXPECT_FALSE(queue.pop(std::chrono::steady_clock::now()).has_value());
}

}  // namespace
}  // namespace campipe::record
