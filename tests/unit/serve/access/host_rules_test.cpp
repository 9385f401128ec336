#include "serve/access/host_rules.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace campipe::serve::access {
namespace {

HostRules::Names named(std::vector<std::string> names) {
  return [names = std::move(names)] { return names; };
}

TEST(HostRules, AcceptWhatNoOtherSiteCanBeCalled) {
  HostRules rules({"cam.example.org", "*.example.net"}, named({"pi.home.example", "pi", "pi.local"}));
  for (const char* host : {"127.0.0.1", "192.0.2.7", "::1", "fe80::1", "localhost", "app.localhost", "cam", "pi",
                           "pi.local", "pi.home.example", "cam.example.org", "a.example.net", "a.b.example.net"}) {
    EXPECT_TRUE(rules.accepts(host, 0)) << host;
  }
  for (const char* host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "pi.evil.example",
                           "other.local", "pi.home.example.evil", "example.net", "badexample.net", "x.cam.example.org",
                           "example.org", "notlocalhost.example"}) {
    EXPECT_FALSE(rules.accepts(host, 0)) << host;
  }
}

TEST(HostRules, AMachineMayBeRenamedAndIsNotAskedForEachRequest) {
  int asked = 0;
  std::string name = "old.example";
  HostRules rules({}, [&] { return ++asked, std::vector{name}; });
  EXPECT_TRUE(rules.accepts("127.0.0.1", 1'000));
  EXPECT_EQ(asked, 0);
  EXPECT_TRUE(rules.accepts("old.example", 1'000));
  name = "new.example";
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(rules.accepts("new.example", 1'001 + i));
  EXPECT_EQ(asked, 1);
  EXPECT_TRUE(rules.accepts("new.example", 11'001));
  EXPECT_EQ(asked, 2);
}

TEST(HostRules, OwnNamesAreThoseOfTheHostAndItsMulticastName) {
  const auto names = own_names();
  ASSERT_GE(names.size(), 3U);
  const std::string label = names[0].substr(0, names[0].find('.'));
  EXPECT_NE(std::ranges::find(names, label), names.end());
  EXPECT_NE(std::ranges::find(names, label + ".local"), names.end());
}

TEST(HostRules, OptionTakesNamesAndNothingElse) {
  EXPECT_EQ(parse_rule("Cam.Example.ORG."), "cam.example.org");
  EXPECT_EQ(parse_rule("*.Example.org"), "*.example.org");
  EXPECT_EQ(parse_rule("192.0.2.7"), "192.0.2.7");
  for (const char* text : {"", "*", "*.", "http://cam.example.org", "cam.example.org:8080", "cam.*.org", "*cam", "a b",
                           "cam.example.org/", "user@cam",
                           "b\xC3\xBC"
                           "cher.example"}) {
    EXPECT_THROW(parse_rule(text), Error) << text;
  }
}

}  // namespace
}  // namespace campipe::serve::access
