#include "net/address.hpp"

#include <cstdlib>

#include <netinet/in.h>

#include "base/error.hpp"
#include "net/net_helpers.hpp"

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

TEST(Address, TakesInWhatReachesASocketThatListensThere) {
  const auto takes = [](const char* listening, const char* host) {
    return resolve_listen_address(listening, "").takes_in(resolve_listen_address(host, ""));
  };
  EXPECT_TRUE(takes("[::]:1", "192.0.2.7:2"));
  EXPECT_TRUE(takes("[::]:1", "[2001:db8::7]:2"));
  EXPECT_TRUE(takes("0.0.0.0:1", "192.0.2.7:2"));
  EXPECT_TRUE(takes("0.0.0.0:1", "[::ffff:192.0.2.7]:2"));
  EXPECT_FALSE(takes("0.0.0.0:1", "[2001:db8::7]:2"));
  EXPECT_FALSE(takes("0.0.0.0:1", "[::]:2"));
  EXPECT_TRUE(takes("192.0.2.7:1", "192.0.2.7:2"));
  EXPECT_TRUE(takes("192.0.2.7:1", "[::ffff:192.0.2.7]:2"));
  EXPECT_FALSE(takes("192.0.2.7:1", "192.0.2.8:1"));
  EXPECT_FALSE(takes("127.0.0.1:1", "[::1]:1"));
  EXPECT_FALSE(takes("unix:/x", "unix:/x"));
  EXPECT_FALSE(takes("[::]:1", "unix:/x"));
}

TEST(Address, KeysTellApartWhatTheKernelDoes) {
  const Address plain = resolve_listen_address("192.0.2.7:80", ""),
                mapped = resolve_listen_address("[::ffff:192.0.2.7]:80", "");
  EXPECT_EQ(plain.host(), mapped.host());
  EXPECT_NE(plain.host_key(), mapped.host_key());  // sockets of one send nothing to the other
  EXPECT_EQ(plain.peer_key(), mapped.peer_key());  // and yet it is the same port of the same host
  Address here = resolve_listen_address("[fe80::1]:80", ""), there = here;
  reinterpret_cast<sockaddr_in6&>(here.storage).sin6_scope_id = 2;
  reinterpret_cast<sockaddr_in6&>(there.storage).sin6_scope_id = 3;
  EXPECT_NE(here.host_key(), there.host_key());
  EXPECT_NE(here.peer_key(), there.peer_key());
  EXPECT_NE(plain.peer_key(), resolve_listen_address("192.0.2.7:81", "").peer_key());
  EXPECT_EQ(plain.host_key(), resolve_listen_address("192.0.2.7:81", "").host_key());
}

}  // namespace
}  // namespace campipe::net
