#include "net/http_server.hpp"

#include <algorithm>
#include <map>
#include <new>
#include <optional>
#include <stdexcept>

#include <gmock/gmock.h>

#include "net/net_helpers.hpp"

namespace campipe::net {
namespace {

/// Writes "tick" whenever it is told to.
struct TickBody : StreamBody {
  struct Log {
    Connection* connection = nullptr;
    End end;
    std::optional<CloseReason> closed;
  };
  explicit TickBody(Log& to) : log(to) {}
  void start(Connection& connection, End end) override {
    log.connection = &connection;
    log.end = std::move(end);
    connection.send("tick");
  }
  void on_drained() override {}
  void on_closed(CloseReason reason) override {
    log.connection = nullptr;
    log.closed = reason;
  }
  Log& log;
};

/// Throws at the first byte it would send, or when the peer has taken what it sent.
struct BadBody : TickBody {
  using TickBody::TickBody;
  void start(Connection& connection, End end) override {
    TickBody::start(connection, std::move(end));
    throw std::runtime_error("no body");
  }
  void on_closed(CloseReason reason) override {
    TickBody::on_closed(reason);
    throw std::runtime_error("not even an end");
  }
};

class HttpServerTest : public testing::Test {
protected:
  void serve(HttpServer::Limits limits = {}) {
    server_ = std::make_unique<HttpServer>(
        loop_, listen_anywhere(),
        [this](const HttpRequest& request, HttpReply reply) { handle(request, std::move(reply)); }, limits);
    server_->set_on_response([this](int status) { ++statuses_[status]; });
  }
  void handle(const HttpRequest& request, HttpReply reply) {
    seen_.push_back(request.head.method + " " + request.target.path);
    if (request.target.path == "/later") {
      later_ = std::move(reply);
    } else if (request.target.path == "/stream") {
      reply.stream(HttpResponse{}, std::make_unique<TickBody>(stream_));
    } else if (request.target.path == "/big") {
      HttpResponse response;
      response.body.assign(8 << 20, 'b');
      reply.send(std::move(response));
    } else if (request.target.path == "/throws") {
      throw std::bad_alloc();
    } else if (request.target.path == "/keeps-and-throws") {
      later_ = std::move(reply);
      throw std::runtime_error("no more descriptors");
    } else if (request.target.path == "/bad-body") {
      reply.stream(HttpResponse{}, std::make_unique<BadBody>(stream_));
    } else {
      reply.send(text_response(200, "hello " + request.target.path));
    }
  }
  TestClient connect() { return TestClient(server_->address()); }

  Loop loop_;
  std::unique_ptr<HttpServer> server_;
  std::vector<std::string> seen_;
  std::map<int, int> statuses_;
  HttpReply later_;
  TickBody::Log stream_;
};

TEST_F(HttpServerTest, PipelinedRequestsAreAnsweredInOrderOnOneConnection) {
  serve();
  auto client = connect();
  client.send(
      "GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\nConnection: close\r\n\r\nGET /d "
      "HTTP/1.1\r\n\r\n");
  turn_until(loop_, [&] { return client.ended(); });
  EXPECT_EQ(client.count("HTTP/1.1 200 OK"), 3U);
  EXPECT_LT(client.received().find("hello /a"), client.received().find("hello /b"));
  EXPECT_TRUE(client.has("hello /c"));
  EXPECT_FALSE(client.has("hello /d"));
}

TEST_F(HttpServerTest, EachRequestIsToldWhenItIsOver) {
  serve();
  std::vector<std::string> told;
  server_->set_on_served([&](const HttpServed& one) {
    told.push_back(std::string(one.line) + "|" + std::to_string(one.status) + "|" + std::string(one.user_agent) + "|" +
                   std::string(one.referer) + "|" + (one.bytes > 0 ? "bytes" : "none"));
  });
  auto client = connect();
  client.send("GET /a?b=c HTTP/1.1\r\nUser-Agent: u\r\nReferer: r\r\n\r\nHEAD /b HTTP/1.1\r\n\r\n");
  turn_until(loop_, [&] { return told.size() == 2; });
  EXPECT_EQ(told[0], "GET /a?b=c HTTP/1.1|200|u|r|bytes");
  EXPECT_EQ(told[1], "HEAD /b HTTP/1.1|200|||bytes");
  client.send("GET /stream HTTP/1.1\r\n\r\n");
  turn_until(loop_, [&] { return stream_.connection != nullptr; });
  EXPECT_EQ(told.size(), 2U) << "it goes on";
  client.close();
  turn_until(loop_, [&] { return told.size() == 3; });
  EXPECT_EQ(told[2], "GET /stream HTTP/1.1|200|||bytes");
  auto impatient = connect();
  impatient.send("GET /later HTTP/1.1\r\n\r\n");
  turn_until(loop_, [&] { return seen_.back() == "GET /later"; });
  impatient.close();
  turn_until(loop_, [&] {
    later_.send(text_response(200, "late"));
    return told.size() == 4;
  });
  EXPECT_THAT(told[3], testing::AnyOf("GET /later HTTP/1.1|499|||none", "GET /later HTTP/1.1|200|||bytes"));
  auto broken = connect();
  broken.send("GET /%zz HTTP/1.1\r\n\r\n\x16\x03\r\n");
  turn_until(loop_, [&] { return told.size() == 6; });
  EXPECT_EQ(told[4], "GET /%zz HTTP/1.1|400|||bytes");
  EXPECT_EQ(told[5], "\x16\x03|400|||bytes");
}

TEST_F(HttpServerTest, AClientThatLeavesBeforeItsAnswerIsToldAsThat) {
  serve();
  std::vector<int> statuses;
  server_->set_on_served([&](const HttpServed& one) { statuses.push_back(one.status); });
  auto client = connect();
  client.send("GET /big HTTP/1.1\r\n\r\n");  // more than the kernel takes
  turn_until(loop_, [&] { return client.has("200 OK"); });
  client.close();
  turn_until(loop_, [&] { return statuses.size() == 1; });
  EXPECT_EQ(statuses[0], 200) << "the answer had begun";
  auto other = connect();
  other.send("GET /later HTTP/1.1\r\n\r\n");
  turn_until(loop_, [&] { return seen_.back() == "GET /later"; });
  server_.reset();
  ASSERT_EQ(statuses.size(), 2U);
  EXPECT_EQ(statuses[1], 500) << "we left";
}

TEST_F(HttpServerTest, AHeapOfRequestsLetsOthersHaveTheirTurn) {
  serve();
  auto greedy = connect(), other = connect();
  constexpr std::size_t kCount = 500;
  std::string heap;
  for (std::size_t i = 0; i < kCount; ++i) heap += "GET /a HTTP/1.1\r\n\r\n";
  greedy.send(heap);
  turn_until(loop_, [&] { return greedy.has("hello /a"); });
  other.send("GET /b HTTP/1.1\r\n\r\n");
  turn_until(loop_, [&] { return other.has("hello /b"); });
  EXPECT_LT(greedy.count("hello /a"), kCount);
  turn_until(loop_, [&] { return greedy.count("hello /a") == kCount; });
}

TEST_F(HttpServerTest, RequestsSentAheadWaitForALateAnswer) {
  serve();
  auto client = connect();
  client.send("GET /later HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
  turn_until(loop_, [&] { return seen_.size() == 1; });
  for (int i = 0; i < 5; ++i) loop_.run_once(false);
  EXPECT_EQ(seen_.size(), 1U);
  later_.send(text_response(200, "late"));
  turn_until(loop_, [&] { return client.has("hello /b"); });
  EXPECT_TRUE(client.has("late\n"));
}

TEST_F(HttpServerTest, AnsweringAConnectionThatHasGoneDoesNothing) {
  serve();
  auto client = connect();
  client.send("GET /later HTTP/1.1\r\n\r\n");
  turn_until(loop_, [&] { return seen_.size() == 1; });
  server_.reset();
  EXPECT_TRUE(later_.gone());
  later_.send(text_response(200, "late"));
}

TEST_F(HttpServerTest, HeadHasTheLengthAndNoBody) {
  serve();
  auto client = connect();
  client.send("HEAD /a HTTP/1.1\r\nConnection: close\r\n\r\n");
  turn_until(loop_, [&] { return client.ended(); });
  EXPECT_TRUE(client.has("Content-Length: 9\r\n"));
  EXPECT_TRUE(client.received().ends_with("\r\n\r\n"));
}

TEST_F(HttpServerTest, OldHttpIsClosedAfterItsAnswer) {
  serve();
  auto client = connect();
  client.send("GET /a HTTP/1.0\r\n\r\n");
  turn_until(loop_, [&] { return client.ended(); });
  EXPECT_TRUE(client.has("Connection: close"));
  EXPECT_TRUE(client.has("hello /a"));
}

TEST_F(HttpServerTest, OldHttpMayAskToStay) {
  serve();
  auto client = connect();
  client.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n");
  turn_until(loop_, [&] { return client.ended(); });
  EXPECT_TRUE(client.has("Connection: keep-alive"));
  EXPECT_TRUE(client.has("hello /b"));
}

TEST_F(HttpServerTest, BodyThatWaitsForLeaveIsToldToCome) {
  serve();
  auto client = connect();
  client.send("PUT /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  turn_until(loop_, [&] { return client.has("\r\n\r\n"); });
  EXPECT_EQ(client.received(), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_TRUE(seen_.empty());
  client.send("ab");
  for (int i = 0; i < 5; ++i) loop_.run_once(false);
  client.send("c");
  turn_until(loop_, [&] { return client.has("hello /a"); });
  EXPECT_EQ(client.count("100 Continue"), 1U);
  client.forget();
  client.send("PUT /b HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx");  // does not wait
  turn_until(loop_, [&] { return client.has("hello /b"); });
  EXPECT_FALSE(client.has("100 Continue"));
}

TEST_F(HttpServerTest, StarIsATargetOfOptionsOnly) {
  serve();
  auto client = connect();
  client.send("OPTIONS * HTTP/1.1\r\n\r\nGET * HTTP/1.1\r\n\r\n");
  turn_until(loop_, [&] { return client.has("400 Bad Request"); });
  EXPECT_EQ(seen_, std::vector<std::string>{"OPTIONS *"});
}

TEST_F(HttpServerTest, RequestsSentAheadAreTakenAsAnswersLeaveAndNoneIsLost) {
  serve();
  auto client = connect();
  constexpr int kRequests = 20'000;  // far more than is held
  std::string all = "GET /later HTTP/1.1\r\n\r\n";
  for (int i = 0; i < kRequests; ++i) all += "GET /" + std::to_string(i) + " HTTP/1.1\r\n\r\n";
  std::size_t sent = 0;
  turn_until(
      loop_,
      [&] {
        sent += client.send_some(std::string_view(all).substr(sent));
        if (!later_.gone() && sent > 200'000) later_.send(text_response(200, "late"));
        return client.received().ends_with("hello /19999\n");
      },
      std::chrono::seconds(60));
  EXPECT_EQ(client.count("HTTP/1.1 200 OK"), static_cast<std::size_t>(kRequests) + 1);
  ASSERT_EQ(seen_.size(), static_cast<std::size_t>(kRequests) + 1);
  for (int i = 0; i < kRequests; ++i) ASSERT_EQ(seen_[static_cast<std::size_t>(i) + 1], "GET /" + std::to_string(i));
}

TEST_F(HttpServerTest, PeerThatClosedItsSideGetsTheAnswersToAllItSentAhead) {
  serve();
  auto client = connect();
  client.send("GET /later HTTP/1.1\r\n\r\n");
  turn_until(loop_, [&] { return seen_.size() == 1; });
  constexpr std::size_t kRequests = 1000;
  std::string all;
  for (std::size_t i = 0; i < kRequests; ++i) all += "GET /many HTTP/1.1\r\n\r\n";
  client.send(all);
  client.shutdown();
  for (int i = 0; i < 10; ++i) loop_.run_once(false);
  later_.send(text_response(200, "late"));
  turn_until(loop_, [&] { return client.ended(); });
  EXPECT_EQ(client.count("hello /many"), kRequests);
}

TEST_F(HttpServerTest, StreamIsToldWhenAPeerLeavesThatSentFarAhead) {
  serve();
  auto client = connect();
  std::string all = "GET /later HTTP/1.1\r\n\r\nGET /stream HTTP/1.1\r\n\r\n" + std::string(1 << 20, 'x');
  std::size_t sent = 0;
  turn_until(loop_, [&] {
    sent += client.send_some(std::string_view(all).substr(sent));
    return sent > 200'000 && seen_.size() == 1;
  });
  for (int i = 0; i < 10; ++i) loop_.run_once(false);  // it takes in what it may
  later_.send(text_response(200, "late"));
  turn_until(loop_, [&] { return client.has("tick"); });
  client.close();
  turn_until(loop_, [&] { return stream_.closed.has_value(); });
  EXPECT_EQ(stream_.closed, CloseReason::peer);
}

TEST_F(HttpServerTest, PeerThatClosedItsSideStillGetsItsAnswer) {
  serve();
  auto client = connect();
  client.send("GET /big HTTP/1.1\r\n\r\n");
  client.shutdown();
  turn_until(loop_, [&] { return client.ended(); });
  EXPECT_GT(client.received().size(), std::size_t{8} << 20);
}

TEST_F(HttpServerTest, ErrorsAreOneLineWithTheRightStatus) {
  serve();
  struct Case {
    std::string request, status;
  };
  for (const Case& c :
       {Case{"GET / HTTP/1.1\r\nExpect: the moon\r\n\r\n", "417"}, Case{"GET /%zz HTTP/1.1\r\n\r\n", "400"},
        Case{"\x16\x03\x01", "400"}, Case{"GET /" + std::string(5000, 'a') + " HTTP/1.1\r\n\r\n", "414"},
        Case{"GET / HTTP/1.1\r\nA: " + std::string(40000, 'a') + "\r\n\r\n", "431"},
        Case{"GET / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", "413"}, Case{"GET / HTTP/3.0\r\n\r\n", "505"}}) {
    auto client = connect();
    client.send(c.request);
    turn_until(loop_, [&] { return client.has("\r\n\r\n"); });
    EXPECT_TRUE(client.received().starts_with("HTTP/1.1 " + c.status)) << c.request.substr(0, 20) << client.received();
    const std::string body = client.received().substr(client.received().find("\r\n\r\n") + 4);
    EXPECT_EQ(std::ranges::count(body, '\n'), 1);
  }
}

TEST_F(HttpServerTest, HalfARequestIsEndedByTime) {
  serve({.request_ms = 0});
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHo");
  turn_until(loop_, [&] { return client.ended(); });
  EXPECT_TRUE(client.has("408"));
}

TEST_F(HttpServerTest, SilentConnectionIsEndedByTime) {
  serve({.request_ms = 0});
  auto client = connect();
  turn_until(loop_, [&] { return client.ended(); });
  EXPECT_EQ(client.received(), "");
}

TEST_F(HttpServerTest, PeerThatDoesNotReadIsClosed) {
  serve({.stuck_ms = 0});
  auto client = connect();
  client.send("GET /big HTTP/1.1\r\n\r\n");
  turn_until(loop_, [&] { return !seen_.empty() && server_->connections() == 0; });
}

TEST_F(HttpServerTest, ConnectionsOverTheLimitGet503) {
  serve({.connections = 1});
  auto first = connect();
  turn_until(loop_, [&] { return server_->connections() == 1; });
  auto second = connect();
  second.send("GET /a HTTP/1.1\r\n\r\n");
  turn_until(loop_, [&] { return second.ended(); });
  EXPECT_TRUE(second.received().starts_with("HTTP/1.1 503"));
  EXPECT_TRUE(second.has("Retry-After: "));
  EXPECT_TRUE(second.has("all 1 connections are taken: "));
  EXPECT_TRUE(seen_.empty());
  second.close();
  auto silent = connect();  // is told before it asks
  turn_until(loop_, [&] { return silent.ended(); });
  EXPECT_TRUE(silent.received().starts_with("HTTP/1.1 503"));
  silent.close();
  first.close();
  turn_until(loop_, [&] { return server_->connections() == 0; });
  auto third = connect();
  third.send("GET /a HTTP/1.1\r\n\r\n");
  turn_until(loop_, [&] { return third.has("hello /a"); });
}

TEST_F(HttpServerTest, FarMoreThanTheLimitAreTurnedAwayAtOnce) {
  serve({.connections = 1});
  auto first = connect();
  turn_until(loop_, [&] { return server_->connections() == 1; });
  std::vector<TestClient> others;
  for (int i = 0; i < 200; ++i) others.push_back(connect());
  turn_until(loop_, [&] { return std::ranges::all_of(others, [](TestClient& c) { return c.ended(); }); });
  for (TestClient& other : others) EXPECT_TRUE(other.received().starts_with("HTTP/1.1 503"));
  first.send("GET /a HTTP/1.1\r\n\r\n");
  turn_until(loop_, [&] { return first.has("hello /a"); });
}

TEST_F(HttpServerTest, ConnectionsThatWaitGiveWayWhenAllAreTaken) {
  serve({.connections = 2, .give_way_ms = 0});
  auto busy = connect();
  busy.send("GET /later HTTP/1.1\r\n\r\n");
  auto waits = connect();
  turn_until(loop_, [&] { return seen_.size() == 1 && server_->connections() == 2; });
  auto next = connect();
  next.send("GET /b HTTP/1.1\r\n\r\n");
  turn_until(loop_, [&] { return next.has("hello /b"); });
  EXPECT_TRUE(waits.ended());
  EXPECT_FALSE(later_.gone());
  later_.send(text_response(200, "late"));
  turn_until(loop_, [&] { return busy.has("late"); });
}

TEST_F(HttpServerTest, SeveralSocketsAreServedAndStoppedAsOne) {
  serve();
  Fd other = listen_anywhere();
  const Address at = local_address(other.get());
  server_->add_listener(std::move(other));
  for (const Address& address : {server_->address(), at}) {
    TestClient client(address);
    client.send("GET /a HTTP/1.1\r\n\r\n");
    turn_until(loop_, [&] { return client.has("hello /a"); });
  }
  server_->stop(true);
  const Fd late(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(late.get(), at.get(), at.length), -1);
}

TEST_F(HttpServerTest, StreamEndsWhenItsBodySaysSo) {
  serve();
  auto client = connect();
  client.send("GET /stream HTTP/1.1\r\n\r\n");
  turn_until(loop_, [&] { return client.has("tick"); });
  EXPECT_FALSE(client.has("Content-Length"));
  stream_.end(CloseReason::finished);
  EXPECT_EQ(stream_.closed, CloseReason::finished);
  turn_until(loop_, [&] { return client.ended(); });
  client.close();
  turn_until(loop_, [&] { return server_->connections() == 0; });
}

TEST_F(HttpServerTest, StreamIsToldWhenThePeerLeaves) {
  serve();
  auto client = connect();
  client.send("GET /stream HTTP/1.1\r\n\r\n");
  turn_until(loop_, [&] { return client.has("tick"); });
  client.close();
  turn_until(loop_, [&] { return stream_.closed.has_value(); });
  EXPECT_EQ(stream_.closed, CloseReason::peer);
}

TEST_F(HttpServerTest, StopEndsStreamsOnlyWhenAsked) {
  serve();
  auto client = connect();
  client.send("GET /stream HTTP/1.1\r\n\r\n");
  turn_until(loop_, [&] { return client.has("tick"); });
  server_->stop(false);
  EXPECT_FALSE(stream_.closed);
  server_->stop(true);
  EXPECT_EQ(stream_.closed, CloseReason::server);
  turn_until(loop_, [&] { return client.ended(); });
}

TEST_F(HttpServerTest, ExceptionOfAHandlerIsAnsweredWith500AndOthersDoNotNotice) {
  serve();
  auto watcher = connect(), bad = connect(), other = connect();
  watcher.send("GET /stream HTTP/1.1\r\n\r\n");
  turn_until(loop_, [&] { return watcher.has("tick"); });
  bad.send("GET /throws HTTP/1.1\r\n\r\nGET /a HTTP/1.1\r\n\r\n");
  turn_until(loop_, [&] { return bad.ended(); });
  EXPECT_TRUE(bad.has("HTTP/1.1 500 "));
  EXPECT_TRUE(bad.has("Connection: close"));
  EXPECT_FALSE(bad.has("hello"));
  EXPECT_EQ(statuses_[500], 1);
  other.send("GET /b HTTP/1.1\r\n\r\n");
  turn_until(loop_, [&] { return other.has("hello /b"); });
  ASSERT_NE(stream_.connection, nullptr);
  stream_.connection->send("tock");
  turn_until(loop_, [&] { return watcher.has("tock"); });
}

TEST_F(HttpServerTest, AnswerThatComesAfterAFaultIsLeftOut) {
  serve();
  auto client = connect();
  client.send("GET /keeps-and-throws HTTP/1.1\r\n\r\n");
  turn_until(loop_, [&] { return client.has("HTTP/1.1 500 "); });
  later_.send(text_response(200, "too late"));
  turn_until(loop_, [&] { return client.ended(); });
  EXPECT_FALSE(client.has("too late"));
  EXPECT_EQ(client.count("HTTP/1.1"), 1U);
}

TEST_F(HttpServerTest, ExceptionOfABodyEndsItsConnectionOnly) {
  serve();
  auto bad = connect(), other = connect();
  bad.send("GET /bad-body HTTP/1.1\r\n\r\n");
  turn_until(loop_, [&] { return bad.ended(); });
  EXPECT_EQ(stream_.closed, CloseReason::fault);
  other.send("GET /b HTTP/1.1\r\n\r\n");
  turn_until(loop_, [&] { return other.has("hello /b"); });
  turn_until(loop_, [&] { return server_->connections() == 1; });
}

}  // namespace
}  // namespace campipe::net
