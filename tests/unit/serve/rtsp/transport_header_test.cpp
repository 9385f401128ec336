#include "serve/rtsp/transport_header.hpp"

#include <gtest/gtest.h>

namespace campipe::serve {
namespace {

using Pair = std::optional<std::pair<std::uint16_t, std::uint16_t>>;

TEST(RtspTransport, TakesTheFirstAlternativeItCanServe) {
  struct Case {
    const char* header;
    rtp::LowerTransport lower;
    Pair pair;
    const char* protocol;
  };
  const auto udp = rtp::LowerTransport::udp;
  const auto tcp = rtp::LowerTransport::tcp;
  for (const Case& one : {
           Case{"RTP/AVP;unicast;client_port=5000-5001", udp, {{5000, 5001}}, "RTP/AVP"},
           Case{"RTP/AVP/UDP;unicast;client_port=5000", udp, {{5000, 5001}}, "RTP/AVP/UDP"},
           Case{"rtp/avp ; unicast ; client_port = 7-9 ; mode=\"PLAY\"", udp, {{7, 9}}, "rtp/avp"},
           Case{"RTP/AVP/TCP;unicast;interleaved=0-1", tcp, {{0, 1}}, "RTP/AVP/TCP"},
           Case{"RTP/AVP/TCP;interleaved=1-2", tcp, {{1, 2}}, "RTP/AVP/TCP"},
           Case{"RTP/AVP/TCP;unicast", tcp, {}, "RTP/AVP/TCP"},
           Case{"RTP/AVP;multicast, RTP/AVP/TCP;interleaved=4-5", tcp, {{4, 5}}, "RTP/AVP/TCP"},
           Case{"RTP/SAVP;unicast;client_port=1-2 ,  RTP/AVP;unicast;client_port=3-4", udp, {{3, 4}}, "RTP/AVP"},
           Case{",, RTP/AVP/TCP;interleaved=0-1", tcp, {{0, 1}}, "RTP/AVP/TCP"},
           Case{"RTP/AVP;client_port=5-6;destination=192.0.2.1;ttl=9;mode=play", udp, {{5, 6}}, "RTP/AVP"},
       }) {
    const auto got = rtsp::choose_transport(one.header);
    ASSERT_TRUE(got.has_value()) << one.header;
    EXPECT_EQ(got->lower, one.lower) << one.header;
    EXPECT_EQ(got->pair, one.pair) << one.header;
    EXPECT_EQ(got->protocol, one.protocol) << one.header;
  }
}

TEST(RtspTransport, TellsWhatIsWrongFromWhatIsNotServed) {
  for (const char* header :
       {"RTP/AVP;multicast", "RTP/SAVP;client_port=1-2", "RTP/AVP", "RTP/AVP;unicast", "RAW/RAW/UDP;unicast",
        "RTP/AVP/TCP;interleaved=0-1;mode=record", "RTP/AVP;client_port=1-2;mode=\"RECORD\"", "x"}) {
    const auto got = rtsp::choose_transport(header);
    ASSERT_FALSE(got.has_value()) << header;
    EXPECT_EQ(got.error(), rtsp::TransportError::unsupported) << header;
  }
  for (const char* header :
       {"", ",", "RTP/AVP;client_port=0-1", "RTP/AVP;client_port=70000-70001", "RTP/AVP;client_port=-",
        "RTP/AVP;client_port=65535", "RTP/AVP/TCP;interleaved=255", "RTP/AVP/TCP;interleaved=3-3",
        "RTP/AVP/TCP;interleaved=0-256", "RTP/AVP;client_port=", "RTP/AVP/TCP;interleaved=a-b"}) {
    const auto got = rtsp::choose_transport(header);
    ASSERT_FALSE(got.has_value()) << header;
    EXPECT_EQ(got.error(), rtsp::TransportError::malformed) << header;
  }
}

}  // namespace
}  // namespace campipe::serve
