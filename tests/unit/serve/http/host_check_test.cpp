// Requests by names that are not ours, as pages send them whose name was made to resolve to us.
#include "serve/http/host_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/log.hpp"
#include "base/stderr_to.hpp"
#include "net/address.hpp"
#include "net/url.hpp"

namespace campipe::serve {
namespace {

using testing::HasSubstr;

class HostCheckTest : public testing::Test {
protected:
  ~HostCheckTest() override { log::init({}); }
  /// The status of the refusal; 0 when there is none.
  int ask(std::vector<net::Header> headers, const std::string& target = "/stream/cam") {
    net::Request head;
    head.method = "GET";
    head.headers = std::move(headers);
    const auto parsed = net::parse_target(target);
    const auto refused = check_.refuse({head, parsed.value(), peer_, peer_});
    body_ = refused ? refused->body : "";
    return refused ? refused->status : 0;
  }
  std::uint64_t refused() const {
    const auto found = hub_.counters().find("http_hosts_refused_total");
    return found == hub_.counters().end() ? 0 : found->second;
  }

  net::Loop loop_{net::Loop::Time::manual};
  hub::Hub hub_;
  http::HostCheck check_{loop_, hub_,
                         access::HostRules({"cam.example.org"}, [] { return std::vector<std::string>{"pi.local"}; })};
  net::Address peer_ = net::resolve_listen_address("192.0.2.1:5000", "");
  std::string body_;
};

TEST_F(HostCheckTest, NamesThatAreOursPassWhateverTheirSpelling) {
  for (const char* host : {"127.0.0.1:8080", "[::1]:8080", "[fe80::1%25eth0]", "localhost:1", "LOCALHOST.", "cam",
                           "Pi.Local:8080", "CAM.example.org.:443", ""}) {
    EXPECT_EQ(ask({{"Host", host}}), 0) << host << ": " << body_;
  }
  EXPECT_EQ(ask({}), 0) << "HTTP/1.0 needs none, and browsers always send it";
}

TEST_F(HostCheckTest, OthersAreMisdirectedAndToldTheOption) {
  EXPECT_EQ(ask({{"Host", "Evil.Example:8080"}}), 421);
  EXPECT_THAT(body_, HasSubstr("--host evil.example\n"));
  EXPECT_EQ(ask({{"Host", "127.0.0.1.evil.example"}}), 421);
  EXPECT_EQ(refused(), 2U);
}

TEST_F(HostCheckTest, HeadersOfProxiesChangeNothing) {
  EXPECT_EQ(ask({{"Host", "evil.example"}, {"X-Forwarded-Host", "127.0.0.1"}, {"Forwarded", "host=127.0.0.1"}}), 421);
  EXPECT_EQ(ask({{"Host", "127.0.0.1"}, {"X-Forwarded-Host", "evil.example"}}), 0);
}

TEST_F(HostCheckTest, TheNameOfAnAbsoluteUrlCounts) {
  EXPECT_EQ(ask({{"Host", "127.0.0.1"}}, "http://evil.example/stream/cam"), 421);
  EXPECT_EQ(ask({{"Host", "evil.example"}}, "http://127.0.0.1:8080/stream/cam"), 0);
  EXPECT_EQ(ask({}, "http://127.0.0.1@evil.example/"), 421);
}

TEST_F(HostCheckTest, AHostThatIsNoneOrNotTheOnlyOneIsABadRequest) {
  EXPECT_EQ(ask({{"Host", "a b"}}), 400);
  EXPECT_EQ(ask({{"Host", "<script>"}}), 400);
  EXPECT_THAT(body_, testing::Not(HasSubstr("script")));
  EXPECT_EQ(ask({{"Host", "127.0.0.1"}, {"host", "evil.example"}}), 400);
  EXPECT_EQ(ask({{"Host", "127.0.0.1"}, {"host", "127.0.0.1"}}), 400);
}

TEST_F(HostCheckTest, UnixSocketsAreNotReachedByWebPages) {
  peer_ = net::resolve_listen_address("unix:/run/x", "");
  EXPECT_EQ(ask({{"Host", "cam.example.com"}}), 0);
}

TEST_F(HostCheckTest, EachNameIsToldOnceAndNotEndlesslyMany) {
  log::init({.tool = "t"});
  WritesToStderr told;
  for (int i = 0; i < 3; ++i) ask({{"Host", "evil.example"}});
  auto lines = told.take();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0],
            "t: http 192.0.2.1:5000: asked for 'evil.example', which is no name of this server: refused; --host "
            "evil.example allows it\n");
  for (int i = 0; i < 1000; ++i) ask({{"Host", std::to_string(i) + ".evil.example"}});
  lines = told.take();
  EXPECT_EQ(lines.size(), 32U);
  EXPECT_THAT(lines.back(), HasSubstr("more names than 32"));
  EXPECT_EQ(refused(), 1003U);
}

}  // namespace
}  // namespace campipe::serve
