// More connections than there may be, and how a connection goes.
#include <gmock/gmock.h>

#include "serve/rtsp/harness.hpp"

namespace campipe::serve::test {
namespace {

using ::testing::HasSubstr;

struct RtspLimit : ::testing::Test {
  Fixture fixture{rtsp::Server::Options{.max_connections = 1}};
  Player first{fixture};
};

TEST_F(RtspLimit, AConnectionTooManyIsAnsweredWithTheCSeqOfItsRequestAndClosed) {
  Player second(fixture);
  EXPECT_EQ(first.ask("OPTIONS", "*").status, 200);
  second.send("DESCRIBE rtsp://h/cam RTSP/1.0\r\nCSeq: 4711\r\n\r\n");
  const Reply reply = second.reply();
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.header("CSeq"), "4711");
  EXPECT_THAT(reply.line, HasSubstr("all connections are taken"));
  EXPECT_TRUE(second.wait_closed());
  EXPECT_EQ(first.ask("OPTIONS", "*").status, 200);
  EXPECT_EQ(fixture.hub.counters().at("rtsp_connections_refused_total"), 1U);
}

TEST_F(RtspLimit, ThePlaceOfOneThatWasTurnedAwayIsNoPlaceAndThatOfOneThatLeftIs) {
  {
    Player second(fixture);
    EXPECT_EQ(second.ask("OPTIONS", "*").status, 503);
    second.hang_up();
    EXPECT_TRUE(fixture.until([&] { return fixture.server.connection_count() == 1; }));
  }
  {
    Player third(fixture);
    EXPECT_EQ(third.ask("OPTIONS", "*").status, 503);
    third.hang_up();
  }
  first.hang_up();
  EXPECT_TRUE(fixture.until([&] { return fixture.server.connection_count() == 0; }));
  Player fourth(fixture);
  EXPECT_EQ(fourth.ask("OPTIONS", "*").status, 200);
}

TEST_F(RtspLimit, OneThatSaysNothingIsTurnedAwayByTime) {
  Player second(fixture);
  second.send("OPTIONS * RTSP/1.0\r\nCSeq: 5\r\n");
  EXPECT_TRUE(fixture.until([&] { return second.all_taken(); }));
  fixture.loop.run_once(false);
  fixture.pass(std::chrono::seconds(4));
  const Reply reply = second.reply();
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.header("CSeq"), "5");
  EXPECT_TRUE(second.wait_closed());
}

TEST_F(RtspLimit, FarTooManyAreTurnedAwayAtOnce) {
  std::vector<std::unique_ptr<Player>> silent;
  for (int i = 0; i < 64; ++i) silent.push_back(std::make_unique<Player>(fixture));
  EXPECT_EQ(fixture.server.connection_count(), 65U);
  net::TestClient another(fixture.server.address());
  EXPECT_TRUE(fixture.until([&] { return another.ended(); }));
  EXPECT_THAT(another.received(), HasSubstr("RTSP/1.0 503 "));
  EXPECT_EQ(fixture.server.connection_count(), 65U);
}

/// Tells when it goes.
struct Witness {
  explicit Witness(bool& to) : gone(to) {}
  Witness(const Witness&) = delete;
  ~Witness() { gone = true; }
  bool& gone;
};

TEST(RtspConnection, WhatIsCalledAtItsEndOutlivesIt) {
  net::Loop loop;
  hub::Hub hub;
  rtsp::Sessions sessions(loop, hub, {});
  auto [ours, theirs] = net::socket_pair();
  std::unique_ptr<rtsp::Connection> connection;
  bool called = false, gone = false, gone_too_early = false;
  connection = std::make_unique<rtsp::Connection>(
      sessions, std::move(ours), net::Address{}, 0, false,
      [&connection, &called, &gone, &gone_too_early, witness = std::make_shared<Witness>(gone)](rtsp::Connection&) {
        auto& early = gone_too_early;  // copies: what is captured might be gone
        auto& is_gone = gone;
        auto& is_called = called;
        connection.reset();
        early = is_gone;
        is_called = true;
      });
  theirs.reset();
  ASSERT_TRUE(net::comes_true(loop, [&] { return called; }));
  EXPECT_FALSE(gone_too_early);
  EXPECT_TRUE(gone);
}

}  // namespace
}  // namespace campipe::serve::test
