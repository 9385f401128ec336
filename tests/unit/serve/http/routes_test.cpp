#include "serve/http/routes.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "net/net_helpers.hpp"
#include "serve/fake_media.hpp"
#include "serve/http/mjpeg_client.hpp"

namespace campipe::serve {
namespace {

using media::VideoCodec;
using net::TestClient;
using net::turn_until;

class HttpRoutesTest : public testing::Test {
protected:
  HttpRoutesTest() { std::signal(SIGPIPE, SIG_IGN); }  // as cli::run() does
  void serve(http::Routes::Options options = {}) {
    routes_ = std::make_unique<http::Routes>(
        loop_, hub_, status::ServerFacts{.instance = "abc", .http_port = 1, .rtsp_port = 2}, options);
    server_ = std::make_unique<net::HttpServer>(
        loop_, net::listen_anywhere(),
        [this](const net::HttpRequest& r, net::HttpReply reply) { routes_->handle(r, std::move(reply)); });
  }
  TestClient ask(const std::string& target, const std::string& method = "GET") {
    TestClient client(server_->address());
    client.send(method + " " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    return client;
  }
  /// The whole answer of a request that has an end.
  std::string get(const std::string& target) {
    auto client = ask(target);
    turn_until(loop_, [&] { return client.ended(); });
    return client.received();
  }
  static std::string body(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }
  /// A program that stands for camenc.
  std::string script(const std::string& text) {
    const std::string path = testing::TempDir() + "/fake-camenc-" + std::to_string(::getpid());
    std::ofstream(path) << "#!/bin/sh\n" << text << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
  }

  fake::Clock clock_;
  net::Loop loop_;
  hub::Hub hub_{hub::History::Limits{}, clock_.function()};
  hub::Stream& cam_ = hub_.add_stream("cam", "");
  std::unique_ptr<http::Routes> routes_;
  std::unique_ptr<net::HttpServer> server_;
};

TEST_F(HttpRoutesTest, StreamSendsThePictureAtOnceAndItsBoundaryBehindIt) {
  serve();
  cam_.set_format(fake::format(VideoCodec::mjpeg));
  cam_.push(fake::picture(3));
  auto client = ask("/stream/cam");
  turn_until(loop_, [&] { return client.count("--boundarydonotcross\r\n") == 2; });
  const std::string& text = client.received();
  EXPECT_NE(text.find("Content-Type: multipart/x-mixed-replace;boundary=boundarydonotcross\r\n"), std::string::npos);
  EXPECT_NE(text.find("X-Accel-Buffering: no\r\n"), std::string::npos);
  EXPECT_NE(text.find("\r\n\r\n--boundarydonotcross\r\nContent-Type: image/jpeg\r\nContent-Length: 100\r\nX-Timestamp: "
                      "1700000000.100000\r\n"
                      "X-Sequence: 3\r\nX-Age: 0.900000\r\n\r\n" +
                      std::string(100, '\3') + "\r\n--boundarydonotcross\r\n"),
            std::string::npos);
  cam_.push(fake::picture(4));
  turn_until(loop_, [&] { return client.has("X-Sequence: 4\r\n"); });
  EXPECT_EQ(cam_.client_count(), 1U);
  client.close();
  turn_until(loop_, [&] { return cam_.client_count() == 0; });
  EXPECT_EQ(hub_.counters().at("clients_closed_total{protocol=\"http-mjpeg\",reason=\"peer\"}"), 1U);
}

TEST_F(HttpRoutesTest, OldNamesOfTheStreamWork) {
  serve();
  cam_.set_format(fake::format(VideoCodec::mjpeg));
  cam_.push(fake::picture(0));
  for (const char* target :
       {"/stream/cam.mjpg", "/?action=stream", "/?action=stream&stream=cam", "http://host/stream/cam", "/stream",
        "/stream.mjpg", "http://host:80?action=stream", "//?action=stream", "///stream//cam/",
        "/?action=stream?dummy=param.mjpg", "/?action=stream&ignored.mjpg", "/?action=stream_0", "/stre%61m/c%61m",
        "/stream/?x", "/?action=stream_0?dummy=param.mjpg"}) {
    auto client = ask(target);
    turn_until(loop_, [&] { return client.has("X-Sequence: 0"); });
  }
  for (const char* target : {"/snapshot/cam", "/snapshot/cam.jpg", "/?action=snapshot", "/snapshot", "/snapshot.jpg",
                             "//snapshot/cam", "/?action=snapshot?dummy=param.jpg", "/?action=snapshot&1608856928650",
                             "/?action=snapshot_0", "//snapshot/", "http://host//snapshot/c%61m.jpg"}) {
    const std::string answer = get(target);
    EXPECT_NE(answer.find("Content-Type: image/jpeg"), std::string::npos) << target;
    EXPECT_NE(answer.find("X-UStreamer-Online: true\r\nX-UStreamer-Width: 640\r\n"), std::string::npos) << answer;
  }
}

TEST_F(HttpRoutesTest, NumbersMeanTheStreamsInTheOrderGiven) {
  hub::Stream& yard = hub_.add_stream("yard", "hd");
  hub_.add_stream("yard", "low");
  serve();
  yard.set_format(fake::format(VideoCodec::mjpeg));
  yard.push(fake::picture(7));
  EXPECT_NE(get("/?action=snapshot_1").find("X-Sequence: 7"), std::string::npos);
  for (const char* target : {"/?action=snapshot_2", "/?action=stream_2", "/?action=stream_99999999999999999999999"}) {
    const std::string answer = get(target);
    EXPECT_NE(answer.find("404"), std::string::npos) << target;
    EXPECT_NE(answer.find("there is cam, yard/hd, yard/low, and the first is 0"), std::string::npos) << answer;
  }
  for (const char* target : {"/?action=stream_", "/?action=stream_x", "/?action=stream_-1", "/?action=stream_0_0",
                             "/?action=command_0", "/?action=x"}) {
    EXPECT_NE(get(target).find("400 Bad Request"), std::string::npos) << target;
  }
}

TEST_F(HttpRoutesTest, PathsWithTwoMeaningsAreRefusedWithTheReason) {
  serve();
  for (const char* target : {"/stream/../cam", "/stream/%2e%2e/cam", "/stream%2Fcam", "/stream/cam%5c", "/%zz",
                             "http://host/..", "/stream/%c0%af"}) {
    EXPECT_NE(get(target).find("400 Bad Request"), std::string::npos) << target;
  }
  EXPECT_NE(get("/stream/%2e").find("the URL cannot be read: '.' and '..' are not followed"), std::string::npos);
}

TEST_F(HttpRoutesTest, ExtraHeadersOnlyWhenAsked) {
  serve();
  cam_.set_format(fake::format(VideoCodec::mjpeg));
  cam_.push(fake::picture(0));
  auto plain = ask("/stream/cam");
  auto extra = ask("/stream/cam?extra_headers=1");
  turn_until(loop_, [&] { return plain.has("X-Sequence") && extra.has("X-Sequence"); });
  EXPECT_FALSE(plain.has("X-UStreamer"));
  for (const char* name :
       {"Online: true", "Width: 640", "Height: 360", "Dropped: 0", "Client-FPS: 0", "Expose-End-Time: 1.000000",
        "Grab-Time: 0.000000", "Send-Time: 1.000000", "Latency: 1.000000"}) {
    EXPECT_TRUE(extra.has(std::string("X-UStreamer-") + name)) << name;
  }
}

TEST_F(HttpRoutesTest, ZeroDataIsHeadersAlone) {
  serve();
  cam_.set_format(fake::format(VideoCodec::mjpeg));
  cam_.push(fake::picture(0));
  auto client = ask("/stream/cam?extra_headers=1&zero_data=1");
  turn_until(loop_, [&] { return client.count("--boundarydonotcross\r\n") == 2; });
  EXPECT_TRUE(client.has("Content-Length: 0\r\n"));
  EXPECT_TRUE(client.has("\r\n\r\n\r\n--boundarydonotcross\r\n"));
}

TEST_F(HttpRoutesTest, LastPictureComesTwiceForThoseWhoAsk) {
  serve();
  cam_.set_format(fake::format(VideoCodec::mjpeg));
  auto twice = ask("/stream/cam?dual_final_frames=1");
  auto once = ask("/stream/cam");
  turn_until(loop_, [&] { return cam_.client_count() == 2; });
  cam_.push(fake::picture(0));
  cam_.push(fake::picture(1));
  turn_until(loop_, [&] { return twice.count("X-Sequence: 1\r\n") == 2; });
  cam_.push(fake::picture(2));
  turn_until(loop_, [&] { return twice.count("X-Sequence: 2\r\n") == 2 && once.has("X-Sequence: 2\r\n"); });
  EXPECT_EQ(twice.count("X-Sequence: 0"), 1U);
  EXPECT_EQ(twice.count("X-Sequence:"), 5U);
  EXPECT_EQ(once.count("X-Sequence:"), 3U);
  EXPECT_EQ(cam_.deliveries().of(hub::Protocol::http_mjpeg).frames, 6U);
}

TEST_F(HttpRoutesTest, HeadAnswersForEachPathAndSendsNoBody) {
  serve();
  cam_.set_format(fake::format(VideoCodec::mjpeg));
  cam_.push(fake::picture(0));
  for (const char* target : {"/", "/stream/cam", "/snapshot/cam", "/health", "/metrics", "/api/streams",
                             "/api/streams/cam", "/api/clients"}) {
    auto client = ask(target, "HEAD");
    turn_until(loop_, [&] { return client.ended(); });
    EXPECT_TRUE(client.received().starts_with("HTTP/1.1 200 OK\r\n")) << target;
    EXPECT_TRUE(client.received().ends_with("\r\n\r\n")) << target;
  }
  EXPECT_EQ(cam_.client_count(), 0U);
}

TEST_F(HttpRoutesTest, RangeIsIgnored) {
  serve();
  cam_.set_format(fake::format(VideoCodec::mjpeg));
  cam_.push(fake::picture(0));
  TestClient client(server_->address());
  client.send("GET /snapshot/cam HTTP/1.1\r\nRange: bytes=0-9\r\nConnection: close\r\n\r\n");
  turn_until(loop_, [&] { return client.ended(); });
  EXPECT_TRUE(client.received().starts_with("HTTP/1.1 200 OK"));
  EXPECT_TRUE(client.has("Content-Length: 100\r\n"));
}

TEST_F(HttpRoutesTest, OtherMethodsAreToldWhatThereIs) {
  serve();
  for (const char* method : {"POST", "PUT", "DELETE", "BREW", "CONNECT"}) {
    auto client = ask("/stream/cam", method);
    turn_until(loop_, [&] { return client.ended(); });
    EXPECT_TRUE(client.received().starts_with("HTTP/1.1 405")) << method << client.received();
    EXPECT_TRUE(client.has("Allow: GET, HEAD, OPTIONS\r\n")) << method;
  }
  for (const char* target : {"*", "/", "/stream/cam"}) {
    auto client = ask(target, "OPTIONS");
    turn_until(loop_, [&] { return client.ended(); });
    EXPECT_TRUE(client.received().starts_with("HTTP/1.1 204 No Content\r\n")) << target;
    EXPECT_TRUE(client.has("Allow: GET, HEAD, OPTIONS\r\n")) << target;
    EXPECT_FALSE(client.has("Access-Control")) << target;
  }
}

TEST_F(HttpRoutesTest, LowerRateThinsOutEvenly) {
  serve();
  cam_.set_format(fake::format(VideoCodec::mjpeg));
  auto client = ask("/stream/cam?fps=10");
  turn_until(loop_, [&] { return cam_.client_count() == 1; });
  for (int i = 0; i < 30; ++i) {
    cam_.push(fake::picture(i));
    loop_.run_once(false);
  }
  turn_until(loop_, [&] { return client.has("X-Sequence: 27"); });
  EXPECT_EQ(client.count("X-Sequence:"), 10U);
  EXPECT_NE(get("/stream/cam?fps=x").find("400 Bad Request"), std::string::npos);
}

TEST_F(HttpRoutesTest, StreamEndsWithItsInputAfterTheLastPicture) {
  serve();
  cam_.set_format(fake::format(VideoCodec::mjpeg));
  auto client = ask("/stream/cam");
  turn_until(loop_, [&] { return cam_.client_count() == 1; });
  for (int i = 0; i < 20; ++i) cam_.push(fake::picture(i, true, 100'000));
  cam_.end("over");
  turn_until(loop_, [&] { return client.ended(); });
  EXPECT_TRUE(client.has("X-Sequence: 19"));
  EXPECT_NE(get("/stream/cam").find("503"), std::string::npos);
  EXPECT_NE(get("/snapshot/cam").find("the input ended: over"), std::string::npos);
}

TEST_F(HttpRoutesTest, RequestBeforeTheFirstFrameWaitsForIt) {
  serve();
  auto still = ask("/snapshot/cam");
  auto live = ask("/stream/cam");
  turn_until(loop_, [&] { return cam_.client_count() == 2; });
  cam_.set_format(fake::format(VideoCodec::mjpeg));
  cam_.push(fake::picture(0));
  turn_until(loop_, [&] { return still.ended() && live.has("X-Sequence: 0"); });
  EXPECT_TRUE(still.has("Content-Length: 100"));
}

TEST_F(HttpRoutesTest, WaitingEndsWithTheReason) {
  serve({.wait_ms = 0});
  EXPECT_NE(get("/snapshot/cam").find("503 Service Unavailable"), std::string::npos);
  EXPECT_EQ(body(get("/stream/cam")), "cam: no frame yet\n");
  cam_.set_format(fake::format(VideoCodec::mjpeg));
  cam_.push(fake::picture(0));
  clock_.now_ns += 7'000'000'000;
  EXPECT_EQ(body(get("/snapshot/cam?fresh=1")), "cam: no frame for 7 s\n");
}

TEST_F(HttpRoutesTest, AStillOfWhatStoppedIsTheLastPictureWithItsAge) {
  serve({.wait_ms = 60'000});
  cam_.set_format(fake::format(VideoCodec::mjpeg));
  media::Packet packet = fake::picture(0);
  packet.captured_ns.reset();
  cam_.push(std::move(packet));
  clock_.now_ns += 7'000'000'000;
  for (const char* path : {"/snapshot/cam", "/snapshot/cam?peek=1"}) {
    const std::string answer = get(path);
    EXPECT_NE(answer.find("200 OK"), std::string::npos) << path;
    EXPECT_NE(answer.find("X-Age: 7."), std::string::npos) << path;
    EXPECT_NE(answer.find("X-UStreamer-Online: false"), std::string::npos) << path;
  }
}

TEST_F(HttpRoutesTest, FreshPictureIsNewerThanTheRequest) {
  serve();
  cam_.set_format(fake::format(VideoCodec::mjpeg));
  cam_.push(fake::picture(0));
  auto still = ask("/snapshot/cam?fresh=1");
  turn_until(loop_, [&] { return cam_.client_count() == 1; });
  // Taken before the request, though it comes after it.
  media::Packet late = fake::picture(1);
  late.captured_ns = clock_.now_ns - 1;
  clock_.now_ns += 20'000'000;
  cam_.push(std::move(late));
  for (int i = 0; i < 5; ++i) loop_.run_once(false);
  EXPECT_EQ(still.received(), "");
  media::Packet fresh = fake::picture(2);
  fresh.captured_ns = clock_.now_ns;
  cam_.push(std::move(fresh));
  turn_until(loop_, [&] { return still.ended(); });
  EXPECT_TRUE(still.has("X-Sequence: 2\r\n"));
  serve({.wait_ms = 0});
  const std::string answer = get("/snapshot/cam?fresh=1");
  EXPECT_NE(answer.find("503"), std::string::npos);
  EXPECT_EQ(body(answer), "cam: no picture newer than the request came in time\n");
}

TEST_F(HttpRoutesTest, FreshPictureOfH264IsNotThatOfAnOlderKeyframe) {
  serve({.camenc = script("sleep 0.2; wc -c")});
  cam_.set_format(fake::format(VideoCodec::h264));
  cam_.push(fake::picture(0, true, 5));
  auto any = ask("/snapshot/cam");  // its child runs for the old one
  auto fresh = ask("/snapshot/cam?fresh=1");
  turn_until(loop_, [&] { return cam_.client_count() == 1; });
  clock_.now_ns += 1;
  media::Packet packet = fake::picture(1, true, 77);
  packet.captured_ns.reset();
  cam_.push(std::move(packet));
  turn_until(loop_, [&] { return any.ended() && fresh.ended(); });
  EXPECT_TRUE(any.has("\r\n\r\n5\n")) << any.received();
  EXPECT_TRUE(fresh.has("\r\n\r\n77\n")) << fresh.received();
}

TEST_F(HttpRoutesTest, AnswerDoesNotWaitForAChildWithoutEnd) {
  serve({.wait_ms = 300, .camenc = script("exec sleep 30")});
  cam_.set_format(fake::format(VideoCodec::h264));
  cam_.push(fake::picture(0));
  const std::string answer = get("/snapshot/cam");
  EXPECT_NE(answer.find("503"), std::string::npos);
  EXPECT_EQ(body(answer), "cam: no picture of its newest keyframe: camenc takes too long\n");
}

TEST_F(HttpRoutesTest, StreamOfH264NamesTheEncoderCommand) {
  serve();
  cam_.set_format(fake::format(VideoCodec::h264));
  const std::string answer = get("/stream/cam");
  EXPECT_NE(answer.find("406 Not Acceptable"), std::string::npos);
  EXPECT_NE(answer.find("camenc -c mjpeg"), std::string::npos);
  EXPECT_EQ(std::ranges::count(body(answer), '\n'), 1);
}

TEST_F(HttpRoutesTest, MjpegOfTheSameNameIsPreferred) {
  hub::Stream& second = hub_.add_stream("cam", "");
  serve();
  cam_.set_format(fake::format(VideoCodec::h264));
  cam_.push(fake::picture(0));
  second.set_format(fake::format(VideoCodec::mjpeg));
  second.push(fake::picture(1));
  EXPECT_NE(get("/snapshot/cam").find("X-Sequence: 1"), std::string::npos);
}

TEST_F(HttpRoutesTest, SnapshotOfH264IsMadeOnceForAKeyframe) {
  const std::string log = testing::TempDir() + "/fake-camenc-runs-" + std::to_string(::getpid());
  std::filesystem::remove(log);
  serve({.camenc = script("echo run >> " + log + "; echo \"$*\" >> " + log + "; wc -c")});
  cam_.set_format(fake::format(VideoCodec::h264));
  cam_.push(fake::picture(0, true, 1234));
  for (int i = 0; i < 3; ++i) {
    const std::string answer = get("/snapshot/cam");
    EXPECT_NE(answer.find("Content-Type: image/jpeg"), std::string::npos);
    EXPECT_EQ(body(answer), "1234\n");
  }
  std::ifstream runs(log);
  std::string line;
  std::getline(runs, line);
  std::getline(runs, line);
  EXPECT_EQ(line, "--quiet -c mjpeg --output-format jpeg --input-format h264 -i -");
  EXPECT_FALSE(std::getline(runs, line)) << "a second run";
  cam_.push(fake::picture(1, true, 99));
  EXPECT_EQ(body(get("/snapshot/cam")), "99\n");
}

TEST_F(HttpRoutesTest, ManyAsksForOneKeyframeAreOneChild) {
  serve({.camenc = script("sleep 0.2; wc -c")});
  cam_.set_format(fake::format(VideoCodec::h264));
  cam_.push(fake::picture(0, true, 7));
  std::vector<TestClient> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(ask("/snapshot/cam"));
  turn_until(loop_, [&] { return std::ranges::all_of(clients, [](TestClient& c) { return c.ended(); }); });
  for (TestClient& client : clients) EXPECT_TRUE(client.has("\r\n\r\n7\n"));
}

TEST_F(HttpRoutesTest, FailureOfTheEncoderIsAReason) {
  serve({.camenc = script("echo 'camenc: cannot decode' >&2; exit 65")});
  cam_.set_format(fake::format(VideoCodec::h264));
  cam_.push(fake::picture(0));
  const std::string answer = get("/snapshot/cam");
  EXPECT_NE(answer.find("503"), std::string::npos);
  EXPECT_NE(answer.find("camenc: cannot decode"), std::string::npos);
}

TEST_F(HttpRoutesTest, UnknownNamesOfferWhatThereIs) {
  hub_.add_stream("yard", "low");
  serve();
  EXPECT_EQ(body(get("/stream/nix")), "no stream 'nix': there is cam, yard/low\n");
  EXPECT_EQ(body(get("/snapshot/cam/nix")), "no stream 'cam/nix': there is cam, yard/low\n");
  EXPECT_EQ(body(get("/stream/%3Cscript%3E")), "no stream of that name: there is cam, yard/low\n");
  for (const char* target : {"/streams", "/favicon.ico", "/etc/passwd", "/api/nix", "/stream/nix/", "/api/nix/"}) {
    EXPECT_NE(get(target).find("404 Not Found"), std::string::npos) << target;
  }
}

TEST_F(HttpRoutesTest, NothingIsAnsweredUnderTheNameOfAnotherSite) {
  serve();
  for (const char* target : {"/", "/stream/cam", "/snapshot/cam", "/?action=stream", "/health", "/metrics",
                             "/api/streams", "/api/clients", "/api/clients/1", "/nothing"}) {
    const std::string answer = get("http://evil.example" + std::string(target));
    EXPECT_NE(answer.find("421 Misdirected Request"), std::string::npos) << target;
    EXPECT_NE(answer.find("--host evil.example"), std::string::npos) << target;
  }
  EXPECT_EQ(hub_.counters().at("http_hosts_refused_total"), 10U);
  EXPECT_NE(get("/metrics").find("campipe_http_hosts_refused_total 10\n"), std::string::npos);
}

TEST_F(HttpRoutesTest, TheRtspPortIsToldWhereRtspIsServedAndNowhereElse) {
  const auto port = [this](std::vector<std::string> rtsp_at) {
    http::Routes::Options options;
    for (const std::string& at : rtsp_at) options.rtsp_at.push_back(net::resolve_listen_address(at, ""));
    serve(options);
    return nlohmann::json::parse(body(get("/api/streams")))["rtsp_port"];
  };
  EXPECT_EQ(port({"127.0.0.1:5541"}), 5541);
  EXPECT_EQ(port({"[::]:5542"}), 5542);
  EXPECT_EQ(port({"192.0.2.1:5543", "0.0.0.0:5544"}), 5544);
  EXPECT_TRUE(port({"192.0.2.1:5543", "[::1]:5544"}).is_null());
}

TEST_F(HttpRoutesTest, MetricsHaveEachFamilyOnce) {
  serve();
  cam_.set_format(fake::format(VideoCodec::mjpeg));
  cam_.push(fake::picture(0));
  hub_.count("clients_closed_total{protocol=\"a\",reason=\"x\"}");
  hub_.count("clients_closed_total{protocol=\"b\",reason=\"x\"}");
  const std::string text = body(get("/metrics"));
  EXPECT_NE(text.find("campipe_stream_frames_total{stream=\"cam\",rendition=\"\",codec=\"mjpeg\"} 1\n"),
            std::string::npos);
  EXPECT_EQ(text.find("# TYPE campipe_clients_closed_total"), text.rfind("# TYPE campipe_clients_closed_total"));
  EXPECT_NE(text.find("campipe_clients_closed_total{protocol=\"b\",reason=\"x\"} 1\n"), std::string::npos);
}

TEST_F(HttpRoutesTest, PageAllowsNothingFromOutside) {
  serve();
  const std::string answer = get("/");
  EXPECT_NE(answer.find("Content-Security-Policy: default-src 'none'; img-src data:; connect-src 'self';"),
            std::string::npos);
  EXPECT_EQ(answer.find("{{"), std::string::npos);
  EXPECT_EQ(answer.find("https://"), std::string::npos);
  EXPECT_NE(get("/"), get("/"));  // another nonce each time
}

}  // namespace
}  // namespace campipe::serve
