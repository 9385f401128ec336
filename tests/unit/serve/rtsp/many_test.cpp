// Many streams in one server, each with many players.
#include <algorithm>

#include <sys/resource.h>

#include "serve/rtsp/checklist.hpp"

namespace campipe::serve::test {
namespace {

constexpr std::size_t kStreams = 50, kPlayers = 10;
constexpr int kFrames = 20, kGop = 5;

/// Two descriptors a player, both ends being ours.
bool have_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= 2 * kStreams * kPlayers + 100;
}

/// Frame `number` of stream `stream`, both in its slice's first bytes.
media::Packet frame(std::size_t stream, int number) {
  media::Packet packet;
  packet.pts_us = 1'795'226'522'000'000 + std::int64_t{number} * 33'333;
  packet.keyframe = number % kGop == 0;
  const Bytes slice = nal({packet.keyframe ? 0x65 : 0x41, static_cast<int>(stream), number}, 2000);
  packet.payload = media::Payload::from(packet.keyframe ? annex_b({kSps, kPps, slice}) : annex_b({slice}));
  return packet;
}

TEST(RtspMany, FiftyStreamsOfTenPlayersEachGiveEveryoneEveryFrameOfItsOwn) {
  ASSERT_TRUE(have_descriptors()) << "ulimit -n";
  Fixture fixture;
  std::vector<hub::Stream*> streams;
  std::vector<std::unique_ptr<Player>> players;
  for (std::size_t i = 0; i < kStreams; ++i) {
    const std::string name = "s" + std::to_string(i);
    streams.push_back(&fixture.hub.add_stream(name, ""));
    streams.back()->set_format(Fixture::h264());
    for (std::size_t k = 0; k < kPlayers; ++k) {
      players.push_back(std::make_unique<Player>(fixture));
      players.back()->play_tcp("/" + name);
      ASSERT_EQ(players.back()->play_reply.status, 200);
    }
  }
  ASSERT_EQ(fixture.server.session_count(), kStreams * kPlayers);
  constexpr std::size_t kPackets = kFrames * 2 + kFrames / kGop;  // two for each slice, one for the sets
  for (int number = 0; number < kFrames; ++number) {
    for (std::size_t i = 0; i < kStreams; ++i) streams[i]->push(frame(i, number));
    fixture.loop.run_once(false);
  }
  for (const auto& player : players) ASSERT_TRUE(player->wait_packets(kPackets));
  for (std::size_t i = 0; i < players.size(); ++i) {
    const auto packets = players[i]->rtp();
    ASSERT_EQ(packets.size(), kPackets);
    expect_contiguous(packets);
    int number = 0;
    for (const Received& packet : packets) {
      const bool begins = packet.bytes.at(12) == std::byte{0x7C} || packet.bytes.at(12) == std::byte{0x5C};  // FU-A
      if (!begins || (std::to_integer<int>(packet.bytes.at(13)) & 0x80) == 0) continue;
      ASSERT_EQ(std::to_integer<std::size_t>(packet.bytes.at(14)), i / kPlayers);
      ASSERT_EQ(std::to_integer<int>(packet.bytes.at(15)), number++);
    }
    ASSERT_EQ(number, kFrames);
  }
}

}  // namespace
}  // namespace campipe::serve::test
