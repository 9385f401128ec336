#include "net/authority.hpp"

#include <gtest/gtest.h>

namespace campipe::net {
namespace {

TEST(Authority, HostIsWithoutAllThatStandsAroundIt) {
  struct Case {
    const char* authority;
    const char* host;
  };
  for (const Case& c : {Case{"cam", "cam"},
                        {"CAM:8080", "cam"},
                        {"Cam.Example.ORG.", "cam.example.org"},
                        {"cam.example.org.:80", "cam.example.org"},
                        {"cam:", "cam"},
                        {"192.0.2.7:8080", "192.0.2.7"},
                        {"[2001:DB8::7]:80", "2001:db8::7"},
                        {"[::1]", "::1"},
                        {"::1", "::1"},
                        {"[fe80::1%25eth0]:80", "fe80::1"},
                        {"[fe80::1%eth0]", "fe80::1"},
                        {"user:pw@cam:1", "cam"},
                        {"u@x@cam", "cam"},
                        {"a_b-c.d", "a_b-c.d"},
                        {"xn--bcher-kva.example", "xn--bcher-kva.example"}}) {
    EXPECT_EQ(host_of_authority(c.authority), c.host) << c.authority;
  }
}

TEST(Authority, WhatIsNoneHasNoHost) {
  for (const std::string& text :
       {std::string(""), std::string(":80"), std::string("cam:http"), std::string("cam:-1"), std::string("cam:65536"),
        std::string("[::1"), std::string("[::1]x"), std::string("[cam]"), std::string("[]"), std::string("a b"),
        std::string("a/b"), std::string("<script>"), std::string("a..b"), std::string(".a"), std::string("."),
        std::string("b\xC3\xBC"
                    "cher"),
        std::string("a\0b", 3), std::string(256, 'a'), std::string("a,b")}) {
    EXPECT_FALSE(host_of_authority(text)) << text;
  }
}

TEST(Authority, LiteralAddressesAreNoNames) {
  for (const char* host : {"192.0.2.7", "127.0.0.1", "::1", "fe80::1", "::ffff:192.0.2.7"})
    EXPECT_TRUE(is_literal_address(host)) << host;
  for (const char* host :
       {"cam", "192.0.2", "192.0.2.256", "1.2.3.4.evil.example", "0x7f.0.0.1", "", "127.0.0.1.nip.io"})
    EXPECT_FALSE(is_literal_address(host)) << host;
}

}  // namespace
}  // namespace campipe::net
