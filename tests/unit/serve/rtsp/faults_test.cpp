#include <stdexcept>

#include "net/net_helpers.hpp"
#include "serve/fake_media.hpp"
#include "serve/rtsp/harness.hpp"
#include "serve/rtsp/server.hpp"

namespace campipe::serve {
namespace {

using net::turn_until;

/// An RTSP server whose hub's clock can be broken: whatever asks for the time then throws.
class RtspFaultsTest : public testing::Test {
protected:
  RtspFaultsTest() { cam_.set_format(test::Fixture::h264()); }
  net::TestClient connect() { return net::TestClient(server_.address()); }
  std::string request(std::string_view method, int cseq, std::string_view headers = {}) const {
    std::string text(method);
    text += " rtsp://" + server_.address().to_string() + "/cam/trackID=0 RTSP/1.0\r\nCSeq: ";
    return text + std::to_string(cseq) + "\r\n" + std::string(headers) + "\r\n";
  }
  /// "Session: …" of a session that is set up.
  std::string set_up(net::TestClient& client) {
    client.send(request("SETUP", 1, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"));
    turn_until(loop_, [&] { return client.has("\r\n\r\n"); });
    const std::string& answer = client.received();
    const std::size_t at = answer.find("Session: ");
    EXPECT_NE(at, std::string::npos) << answer;
    if (at == std::string::npos) return {};
    return answer.substr(at, answer.find_first_of(";\r", at) - at) + "\r\n";
  }
  void push_keyframe() {
    media::Packet packet;
    packet.keyframe = true;
    packet.payload = media::Payload::from(test::annex_b({test::kSps, test::kPps, test::nal({0x65, 0, 0}, 100)}));
    cam_.push(std::move(packet), clock_.now_ns);
  }

  fake::Clock clock_;
  bool broken_ = false;
  net::Loop loop_;
  hub::Hub hub_{hub::History::Limits{},
                [this] { return broken_ ? throw std::runtime_error("no clock") : clock_.now_ns; }};
  hub::Stream& cam_ = hub_.add_stream("cam", "");
  rtsp::Server server_{loop_, hub_, net::listen_anywhere()};
};

TEST_F(RtspFaultsTest, ExceptionInARequestIsAnsweredWith500AndOthersDoNotNotice) {
  push_keyframe();
  auto bad = connect(), other = connect();
  const std::string bad_session = set_up(bad), session = set_up(other);
  broken_ = true;
  bad.send(request("PLAY", 7, bad_session) + request("OPTIONS", 8));
  turn_until(loop_, [&] { return bad.ended(); });
  broken_ = false;
  EXPECT_TRUE(bad.has("RTSP/1.0 500")) << bad.received();
  EXPECT_TRUE(bad.has("CSeq: 7"));
  EXPECT_FALSE(bad.has("CSeq: 8"));
  bad.close();
  other.forget();
  other.send(request("PLAY", 2, session));
  turn_until(loop_, [&] { return other.has("RTSP/1.0 200"); });
  turn_until(loop_, [&] { return server_.connection_count() == 1; });
  EXPECT_EQ(server_.session_count(), 1U);
}

}  // namespace
}  // namespace campipe::serve
