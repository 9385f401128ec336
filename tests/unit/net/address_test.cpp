#include "net/address.hpp"

#include <cstdlib>

#include "base/error.hpp"
#include "net/net_helpers.hpp"
#include "net/url.hpp"

namespace campipe::net {
namespace {

TEST(Address, FormsOfTheCommandLine) {
  struct Case {
    const char* text;
    const char* shown;
    bool loopback, any;
  };
  for (const Case& c : {Case{"127.0.0.1:8080", "127.0.0.1:8080", true, false}, Case{"[::1]:0", "[::1]:0", true, false},
                        Case{"0.0.0.0:1", "0.0.0.0:1", false, true}, Case{"[::]:65535", "[::]:65535", false, true}}) {
    const Address address = resolve_listen_address(c.text, "--http");
    EXPECT_EQ(address.to_string(), c.shown);
    EXPECT_EQ(address.is_loopback(), c.loopback) << c.text;
    EXPECT_EQ(address.is_any(), c.any) << c.text;
  }
  EXPECT_TRUE(resolve_listen_address(":8080", "--http").is_any());
  EXPECT_TRUE(resolve_listen_address("localhost:8080", "--http").is_loopback());
}

TEST(Address, RefusesWhatIsNone) {
  for (const char* text : {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:8080", "[::1",
                           "[x]:80", "http://127.0.0.1:80", "a b:80"}) {
    try {
      resolve_listen_address(text, "--http");
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage) << text;
      EXPECT_NE(std::string(error.what()).find("--http"), std::string::npos);
    }
  }
}

TEST(Listen, PortInUseIsTemporaryAndNamesTheRemedy) {
  const Fd first = listen_anywhere();
  try {
    listen_tcp(local_address(first.get()), "--http");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::try_again);
    EXPECT_NE(std::string(error.what()).find("ss -ltnp"), std::string::npos);
  }
}

TEST(Listen, AllAddressesTakeIPv4AndIPv6) {
  const Fd listener = listen_tcp(resolve_listen_address(":0", "--http"), "--http");
  const int port = local_address(listener.get()).port();
  for (const char* host : {"127.0.0.1:1", "[::1]:1"}) {
    Address address = resolve_listen_address(host, "--http");
    address.set_port(port);
    Fd client(::socket(address.storage.ss_family, SOCK_STREAM, 0));
    EXPECT_EQ(::connect(client.get(), address.get(), address.length), 0) << host;
  }
}

TEST(Target, IsTakenApartAndDecoded) {
  const auto target = parse_target("/stream/a%20b?fps=5&x=%2f&flag&y=a+b");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/stream/a b");
  EXPECT_EQ(target->get("fps"), "5");
  EXPECT_EQ(target->get("x"), "/");
  EXPECT_EQ(target->get("y"), "a b");
  EXPECT_TRUE(target->query.contains("flag"));
  EXPECT_EQ(target->get("none"), "");
}

TEST(Target, OfAnAbsoluteUrlIsItsPath) {
  EXPECT_EQ(parse_target("http://h:80/x/y?z=1")->path, "/x/y");
  EXPECT_EQ(parse_target("rtsp://[::1]:8554")->path, "/");
  EXPECT_EQ(parse_target("/?u=http://h/")->get("u"), "http://h/");
}

TEST(Target, RefusesBrokenEscapesAndControlBytes) {
  for (const char* text : {"/%", "/%4", "/%zz", "/%00", "/a%0d%0ab", "x", "*", "/?a=%1"})
    EXPECT_FALSE(parse_target(text)) << text;
}

}  // namespace
}  // namespace campipe::net
