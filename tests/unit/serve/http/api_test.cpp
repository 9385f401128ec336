// The API: what it tells, and the one request that changes anything.
#include "serve/http/api.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "serve/fake_media.hpp"

namespace campipe::serve {
namespace {

using media::VideoCodec;
using nlohmann::json;

class HttpApiTest : public testing::Test {
protected:
  net::HttpResponse ask(const std::string& target, const std::string& method = "GET",
                        std::vector<net::Header> headers = {}) {
    net::Request head;
    head.method = method;
    head.headers = std::move(headers);
    const auto parsed = net::parse_target(target);
    const auto answer = http::answer_api(hub_, facts_, {head, parsed.value(), peer_, peer_});
    EXPECT_TRUE(answer) << target;
    return answer.value_or(net::HttpResponse{});
  }
  json get(const std::string& target) { return json::parse(ask(target).body); }
  int remove(const hub::Client& client, std::vector<net::Header> headers = {}) {
    return ask("/api/clients/" + std::to_string(client.id()), "DELETE", std::move(headers)).status;
  }

  fake::Clock clock_;
  hub::Hub hub_{hub::History::Limits{}, clock_.function()};
  status::ServerFacts facts_{.instance = "abc", .http_port = 1, .rtsp_port = 2};
  net::Address peer_;
  hub::Stream& cam_ = hub_.add_stream("cam", "");
};

TEST_F(HttpApiTest, StreamsAreJsonWithNullForTheUnknown) {
  hub_.add_stream("yard", "low");
  cam_.set_format(fake::format(VideoCodec::mjpeg));
  clock_.now_ns += 5'000'000'000;
  cam_.push(fake::picture(0));
  clock_.now_ns += 1'500'000'000;
  const json all = get("/api/streams");
  EXPECT_EQ(all["instance"], "abc");
  EXPECT_EQ(all["rtsp_port"], 2);
  EXPECT_EQ(all["count"], 2);
  ASSERT_EQ(all["streams"].size(), 2U);
  const json& cam = all["streams"][0];
  EXPECT_EQ(cam["codec"], "mjpeg");
  EXPECT_EQ(cam["width"], 640);
  EXPECT_EQ(cam["newest_us"], 1'700'000'000'000'000);
  EXPECT_EQ(cam["uptime_seconds"], 6.5);
  EXPECT_EQ(cam["inactive_seconds"], 1.5);
  EXPECT_EQ(cam["total_frames"], 1);
  EXPECT_EQ(cam["viewer_count"], 0);
  EXPECT_EQ(cam["created_at"].get<std::string>().size(), 24U) << cam["created_at"];
  EXPECT_TRUE(all["streams"][1]["codec"].is_null());
  EXPECT_TRUE(all["streams"][1]["age_s"].is_null());
  EXPECT_EQ(all["streams"][1]["inactive_seconds"], 6.5);
  EXPECT_EQ(all["streams"][1]["path"], "yard/low");
}

TEST_F(HttpApiTest, OneNameIsOneObjectWithItsRenditions) {
  hub::Stream& low = hub_.add_stream("cam", "low");
  hub_.add_stream("yard", "");
  cam_.set_format(fake::format(VideoCodec::h264));
  low.set_format(fake::format(VideoCodec::mjpeg, 320, 180));
  for (int i = 0; i < 3; ++i) cam_.push(fake::picture(i));
  low.push(fake::picture(3));
  fake::Taker viewer(low, {});
  const json cam = get("/api/streams/cam");
  EXPECT_EQ(cam["name"], "cam");
  EXPECT_EQ(cam["total_frames"], 4);
  EXPECT_EQ(cam["viewer_count"], 1);
  EXPECT_EQ(cam["buffer_size"], 4);
  EXPECT_EQ(cam["buffer_bytes"], 400);
  EXPECT_EQ(cam["has_current_frame"], true);
  EXPECT_EQ(cam["last_frame_time"], "2023-11-14T22:13:20.100Z");
  ASSERT_EQ(cam["renditions"].size(), 2U);
  EXPECT_EQ(cam["renditions"][1]["path"], "cam/low");
  EXPECT_EQ(get("/api/streams/cam/low")["renditions"].size(), 1U);
  EXPECT_TRUE(get("/api/streams/yard")["last_frame_time"].is_null());
  EXPECT_EQ(get("/api/streams/yard")["has_current_frame"], false);
  const net::HttpResponse unknown = ask("/api/streams/nix");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.body, "no stream 'nix': there is cam, cam/low, yard\n");
}

TEST_F(HttpApiTest, ClientsOfOneStreamOrAll) {
  hub::Stream& yard = hub_.add_stream("yard", "");
  fake::Taker here(cam_, {}), there(yard, {});
  const json all = get("/api/clients");
  EXPECT_EQ(all["count"], 2);
  EXPECT_EQ(all["clients"][0]["id"], std::to_string(here.id()));
  EXPECT_EQ(all["clients"][0]["stream"], "cam");
  EXPECT_EQ(all["clients"][0]["address"], "192.0.2.1");
  EXPECT_EQ(all["clients"][0]["peer"], "192.0.2.1:1");
  EXPECT_EQ(all["clients"][0]["since"], "1970-01-01T00:00:00.000Z");
  EXPECT_TRUE(all["clients"][0]["loss_fraction"].is_null());
  const json of_yard = get("/api/clients?stream=yard");
  EXPECT_EQ(of_yard["count"], 1);
  EXPECT_EQ(of_yard["clients"][0]["id"], std::to_string(there.id()));
  EXPECT_EQ(ask("/api/clients?stream=nix").status, 404);
  EXPECT_EQ(get("/api/clients/" + std::to_string(there.id()))["stream"], "yard");
}

TEST_F(HttpApiTest, DeleteEndsOneClient) {
  fake::Taker one(cam_, {}), other(cam_, {});
  const net::HttpResponse answer = ask("/api/clients/" + std::to_string(one.id()), "DELETE");
  EXPECT_EQ(answer.status, 204);
  EXPECT_TRUE(one.ended);
  EXPECT_FALSE(other.ended);
  for (const char* id : {"0", "-1", "x", "18446744073709551617", "999999", "1x", "%00"}) {
    if (!net::parse_target(std::string("/api/clients/") + id)) continue;
    EXPECT_EQ(ask(std::string("/api/clients/") + id, "DELETE").status, 404) << id;
  }
}

TEST_F(HttpApiTest, PagesFromElsewhereEndNobody) {
  fake::Taker client(cam_, {});
  EXPECT_EQ(remove(client, {{"Host", "cam:8080"}, {"Origin", "http://evil.example"}}), 403);
  EXPECT_EQ(remove(client, {{"Host", "cam:8080"}, {"Origin", "http://cam:8081"}}), 403);
  EXPECT_EQ(remove(client, {{"Host", "cam:8080"}, {"Origin", "null"}}), 403);
  EXPECT_EQ(remove(client, {{"Origin", "http://cam:8080"}}), 403);
  EXPECT_EQ(remove(client, {{"Host", "cam:8080"}, {"Sec-Fetch-Site", "cross-site"}}), 403);
  EXPECT_EQ(remove(client, {{"Host", "cam:8080"}, {"Sec-Fetch-Site", "same-site"}}), 403);
  EXPECT_FALSE(client.ended);
  const net::HttpResponse preflight = ask("/api/clients/1", "OPTIONS", {{"Origin", "http://evil.example"}});
  EXPECT_EQ(preflight.status, 204);
  for (const net::Header& header : preflight.headers) EXPECT_FALSE(header.name.starts_with("Access-Control"));
  EXPECT_EQ(remove(client, {{"Host", "Cam:8080"}, {"Origin", "http://cam:8080"}}), 204);
  // Behind a proxy the names differ, and the browser says whose page it is.
  EXPECT_EQ(remove(client, {{"Host", "inner"}, {"Origin", "https://outer"}, {"Sec-Fetch-Site", "same-origin"}}), 204);
}

TEST_F(HttpApiTest, MethodsThatAreNotThereAreNamed) {
  for (const char* path : {"/health", "/metrics", "/api/streams", "/api/streams/cam", "/api/clients"}) {
    const net::HttpResponse answer = ask(path, "DELETE");
    EXPECT_EQ(answer.status, 405) << path;
    EXPECT_EQ(answer.headers.back().value, "GET, HEAD, OPTIONS") << path;
  }
  EXPECT_EQ(ask("/api/clients/1", "POST").headers.back().value, "GET, HEAD, OPTIONS, DELETE");
}

TEST_F(HttpApiTest, HealthTellsTheTruth) {
  hub::Stream& yard = hub_.add_stream("yard", "");
  net::HttpResponse answer = ask("/health");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(json::parse(answer.body)["reasons"], json({"cam: no frame yet", "yard: no frame yet"}));
  for (hub::Stream* stream : {&cam_, &yard}) {
    stream->set_format(fake::format(VideoCodec::mjpeg));
    stream->push(fake::picture(0));
  }
  answer = ask("/health");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(json::parse(answer.body)["status"], "healthy");
  EXPECT_EQ(json::parse(answer.body)["active_streams"], 2);
  EXPECT_EQ(json::parse(answer.body)["reasons"], json::array());
  clock_.now_ns += 3'000'000'000;
  cam_.push(fake::picture(1));
  answer = ask("/health");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(json::parse(answer.body)["status"], "degraded");
  EXPECT_EQ(json::parse(answer.body)["active_streams"], 1);
  EXPECT_EQ(json::parse(answer.body)["reasons"], json({"yard: no frame for 3 s"}));
}

TEST_F(HttpApiTest, HealthWithoutAnyStreamIsNone) {
  hub_.remove(cam_, "gone");
  hub_.set_unmatched({"shm:*.mjpeg"});
  const net::HttpResponse answer = ask("/health");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(json::parse(answer.body)["reasons"], json({"there is no stream"}));
  EXPECT_EQ(json::parse(answer.body)["waiting_for"], json({"shm:*.mjpeg: no ring of such a name"}));
}

}  // namespace
}  // namespace campipe::serve
